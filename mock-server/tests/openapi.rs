//! The document at `/_control/openapi.json` says what the control interface does: every path, method and schema of it is tried.

use serde_json::{Map, Value, json};

use crate::state::{Received, State};

fn document(state: &mut State) -> Value {
    state.get("/_control/openapi.json").json()
}

/// What is wrong with `value` by this JSON Schema, in the words of the document.
fn misfits(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema =
            document.pointer(reference.trim_start_matches('#')).expect("the reference leads somewhere");
        return misfits(document, schema, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|choice| misfits(document, choice, value, at).is_empty()).count();
        return if fits == 1 { vec![] } else { vec![format!("{at}: {fits} choices fit {value}")] };
    }
    let is = |name: &Value| match name.as_str().expect("a type") {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    };
    let fits = match &schema["type"] {
        Value::Array(types) => types.iter().any(is),
        single => is(single),
    };
    if !fits {
        return vec![format!("{at}: {value} is no {}", schema["type"])];
    }
    let mut found = Vec::new();
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{at}: {value} is none of {allowed:?}"));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(misfits(document, &schema["items"], item, &format!("item {at}")));
    }
    let no_members = Map::new();
    let members = value.as_object().unwrap_or(&no_members);
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(schema) => found.extend(misfits(document, schema, member, name)),
            None if schema["additionalProperties"] == false => found.push(format!("{at}: {name} is unknown")),
            None => {}
        }
    }
    found
}

#[track_caller]
fn assert_documented(document: &Value, method: &str, path: &str, answer: &Received) {
    let responses = &document["paths"][path][method]["responses"];
    let response = &responses[answer.status.to_string()];
    assert!(response.is_object(), "{method} {path}: {} is not documented: {}", answer.status, answer.body);
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.body, "", "{method} {path}");
        return;
    };
    let media_type = answer.header("content-type").expect("a media type");
    let schema = &content.get(media_type).unwrap_or_else(|| panic!("{path}: {media_type}"))["schema"];
    if media_type == "application/json" {
        let misfits = misfits(document, schema, &answer.json(), "the body");
        assert!(misfits.is_empty(), "{method} {path}: {misfits:?}");
    }
}

/// A state in which every path of the document has something to show.
fn furnished() -> (State, Value, String) {
    let mut state = State::with(|settings| {
        settings.tls = true;
        settings.ca_certificate_pem = Some("a certificate".to_owned());
    });
    state.get("/t/other/jwks");
    state.post("/token", "grant_type=password&client_id=device");
    let login = state.start_device_login();
    let fault =
        state.send("POST", "/_control/faults", &[JSON], "{\"fault\": \"503\", \"endpoint\": \"jwks\"}");
    assert_eq!(fault.json()["id"], 1);
    let document = document(&mut state);
    (state, document, login.device_code)
}

fn body_for(path: &str, device_code: &str) -> Value {
    match path {
        "/clients" => json!({ "client_id": "tv", "redirect_uris": ["http://127.0.0.1/cb"] }),
        "/users" => json!({ "sub": "bob", "email": "bob@example.com" }),
        "/tokens" => json!({ "client_id": "web", "user": "alice", "scope": "openid", "refresh_token": true }),
        "/faults" => json!({ "fault": "503", "endpoint": "token", "times": 2 }),
        "/tls" => json!({ "fault": "expired", "connections": 2 }),
        "/scripts" => json!({ "script": "pending*2, approve" }),
        "/clock/advance" => json!({ "seconds": 1.5 }),
        "/clock/set" => json!({ "now": 1_900_000_000 }),
        "/devices/{user_code}/approve" => json!({ "user": "alice" }),
        "/devices/approve" | "/devices/deny" | "/devices/expire" | "/devices/slow-down" => {
            json!({ "device_code": device_code })
        }
        _ => json!({}),
    }
}

fn filled_in(path: &str) -> String {
    let named = [
        ("{user_code}", "next"),
        ("{client_id}", "web"),
        ("{sub}", "alice"),
        ("{name}", "other"),
        ("{id}", "1"),
    ];
    named.iter().fold(format!("/_control{path}"), |path, (name, value)| path.replace(name, value))
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_operation_does_what_the_document_says() {
    let (_, document, _) = furnished();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let (mut state, _, device_code) = furnished();
            let body = body_for(path, &device_code).to_string();
            let body = if method == "post" { body.as_str() } else { "" };
            let answer = state.send(&method.to_uppercase(), &filled_in(path), &[JSON], body);
            assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
            assert_documented(&document, method, path, &answer);
            operations += 1;
        }
    }
    assert!(operations > 25, "{operations}");
}

#[test]
fn refusals_are_as_the_document_says() {
    let (_, document, _) = furnished();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let mut attempts =
                vec![(vec![JSON, ("origin", "https://attacker.example")], filled_in(path), "")];
            if responses.contains_key("404") {
                let nothing =
                    filled_in(path).replace("next", "XXXX-XXXX").replace("web", "no").replace("/1", "/9");
                let nothing = nothing.replace("alice", "no").replace("other", "no");
                // What is the whole server's is not a tenant's.
                let nothing = if path.starts_with("/tls") { format!("/t/other{nothing}") } else { nothing };
                let body = if path == "/tls" && method == "post" { "{\"fault\": \"expired\"}" } else { "" };
                attempts.push((vec![JSON], nothing, body));
            }
            if method == "post" && responses.contains_key("400") {
                attempts.push((vec![JSON], filled_in(path), "{\"unknown\": 1}"));
                attempts.push((vec![JSON], filled_in(path), "[]"));
                attempts.push((vec![JSON], filled_in(path), "{"));
            }
            for (headers, uri, body) in attempts {
                let (mut state, _, _) = furnished();
                let answer = state.send(&method.to_uppercase(), &uri, &headers, body);
                assert!(answer.status >= 400, "{method} {uri} {body}: {} {}", answer.status, answer.body);
                assert_documented(&document, method, path, &answer);
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn no_method_is_left_out_of_the_document() {
    let (mut state, document, _) = furnished();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let answer = state.send("PATCH", &filled_in(path), &[], "");
        let mut allowed: Vec<_> =
            answer.header("allow").unwrap().split(", ").map(str::to_lowercase).collect();
        allowed.sort_unstable();
        let documented: Vec<_> = methods.as_object().unwrap().keys().cloned().collect();
        assert_eq!(allowed, documented, "{path}");
    }
}

#[test]
fn members_that_the_document_requires_are_required() {
    let (mut state, document, _) = furnished();
    for (path, name) in [
        ("/clients", "client_id"),
        ("/users", "sub"),
        ("/tokens", "client_id"),
        ("/clock/set", "now"),
        ("/faults", "fault"),
        ("/scripts", "script"),
        ("/tls", "fault"),
    ] {
        let answer = state.send("POST", &filled_in(path), &[JSON], "{}");
        answer.assert_error(400, "invalid_request");
        assert!(answer.text("error_description").contains(name), "{}", answer.body);
        assert_documented(&document, "post", path, &answer);
    }
}

#[test]
fn the_document_says_where_it_was_read() {
    let mut state = State::new();
    for (path, server) in [
        ("/_control/openapi.json", "/_control"),
        ("/_control/openapi.json/", "/_control"),
        ("/t/other/_control/openapi.json", "/t/other/_control"),
    ] {
        assert_eq!(state.get(path).json()["servers"][0]["url"], server, "{path}");
    }
}

#[test]
fn what_the_document_rules_out_is_refused() {
    let cases = [
        ("/devices/next/approve", json!({ "user": "" })),
        ("/devices/next/approve", json!({ "wait": null })),
        ("/devices/next/deny", json!({ "user": "alice" })),
        ("/devices/expire", json!({ "user_code": "BBBB-BBBB", "user": "alice" })),
        ("/devices/approve", json!({ "user_code": "BBBB-BBBB", "device_code": "x" })),
        ("/devices/approve", json!({})),
        ("/clients", json!({ "client_id": "tv", "grant_types": ["password"] })),
        ("/users", json!({ "sub": "" })),
        ("/tokens", json!({ "client_id": "web", "expires_in": 9_007_199_254_740_992_u64 })),
        ("/tokens", json!({ "client_id": "web", "expires_in": 1.5 })),
        ("/faults", json!({ "fault": "503", "endpoint": "" })),
        ("/faults", json!({ "fault": "503", "nth": 9_007_199_254_740_992_u64 })),
        ("/clock/set", json!({ "now": 253_402_300_800_u64 })),
    ];
    for (path, body) in cases {
        let (mut state, _, _) = furnished();
        let answer = state.send("POST", &filled_in(path), &[JSON], &body.to_string());
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_request"), "{path} {body}");
    }
    for query in ["wait=61", "since=", "wait=", "since=9007199254740992", "since=-1"] {
        let answer = State::new().get(&format!("/_control/requests?{query}"));
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_request"), "{query}");
    }
    State::new().get("/_control/requests/stream?since=soon").assert_error(400, "invalid_request");
}

#[test]
fn json_may_spell_whole_numbers_with_a_point() {
    let mut state = State::new();
    let minted =
        state.send("POST", "/_control/tokens", &[JSON], r#"{"client_id": "web", "expires_in": 60.0}"#);
    assert_eq!(minted.json()["expires_in"], 60);
}

#[test]
fn a_scope_that_is_not_there_is_unknown_as_a_client_is() {
    let body = json!({ "client_id": "web", "scope": "unheard-of" }).to_string();
    State::new().send("POST", "/_control/tokens", &[JSON], &body).assert_error(404, "unknown_scope");
}
