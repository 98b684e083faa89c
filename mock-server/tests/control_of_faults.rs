//! Faults and scripts over HTTP.

use serde_json::json;

use crate::state::{Received, State};

fn add(state: &mut State, body: &str) -> Received {
    state.send("POST", "/_control/faults", &[("content-type", "application/json")], body)
}

#[test]
fn a_fault_is_added_listed_and_taken_away() {
    let mut state = State::new();
    let answer = add(&mut state, r#"{"fault": "503:20", "endpoint": "token", "times": 2}"#);
    assert_eq!((answer.status, answer.json()), (201, json!({ "id": 1 })));
    let busy = state.post("/token", "grant_type=x");
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("20")));
    assert_eq!(state.get("/resource").status, 401, "another endpoint");
    assert_eq!(state.get("/_control/faults").json()["faults"][0]["hits"], 1);
    let taken = state.send("DELETE", "/_control/faults/1", &[], "");
    assert_eq!(taken.json(), json!({ "id": 1, "hits": 1 }));
    assert_eq!(state.post("/token", "grant_type=x").status, 400);
    state.send("DELETE", "/_control/faults/1", &[], "").assert_error(404, "unknown_fault");
}

#[test]
fn all_faults_are_taken_away_at_once() {
    let mut state = State::new();
    add(&mut state, r#"{"fault": "html"}"#);
    add(&mut state, r#"{"fault": "empty", "probability": 0.5, "seed": 7}"#);
    assert_eq!(state.send("DELETE", "/_control/faults", &[], "").status, 204);
    assert_eq!(state.post("/token", "grant_type=x").status, 400);
}

#[test]
fn every_fault_has_a_word() {
    let words = [
        "408",
        "425",
        "429",
        "429:3",
        "500",
        "502",
        "503:0",
        "reset",
        "silence",
        "close",
        "html",
        "empty",
        "endless",
        "gzip_bomb",
        "redirect",
        "redirect:http://other.example/",
        "error:slow_down",
        "no_iss",
        "wrong_iss",
        "delay:1.5",
        "delay:2+1",
        "drip",
        "cut_json",
        "content_type:text/html",
        "token:expired",
        "token:huge",
        "rotated_keys",
        "missing:interval",
        "extra",
        "mistyped:expires_in",
    ];
    let mut state = State::new();
    for word in words {
        let body = json!({ "fault": word, "endpoint": "jwks" }).to_string();
        assert_eq!(add(&mut state, &body).status, 201, "{word}");
    }
}

#[test]
fn what_is_wrong_with_a_fault_is_said() {
    let cases = [
        ("{}", "the member fault is missing"),
        (r#"{"fault": "tea"}"#, "'tea' names no fault"),
        (r#"{"fault": "200"}"#, "names no fault"),
        (r#"{"fault": "503:soon"}"#, "names no fault"),
        (r#"{"fault": "0503"}"#, "names no fault"),
        (r#"{"fault": "503:+1"}"#, "names no fault"),
        (r#"{"fault": "reset:"}"#, "names no fault"),
        (r#"{"fault": "delay:1e3"}"#, "names no fault"),
        (r#"{"fault": "content_type:text/\n"}"#, "names no fault"),
        (r#"{"fault": ""}"#, "fault must be a text that is not empty"),
        (r#"{"fault": "html", "client_id": null}"#, "client_id must be a text"),
        (r#"{"fault": "delay:-1"}"#, "names no fault"),
        (r#"{"fault": "html", "endpiont": "token"}"#, "unknown member 'endpiont'"),
        (r#"{"fault": "html", "endpoint": "tokens"}"#, "endpoint must be one of authorize,"),
        (r#"{"fault": "html", "nth": "2"}"#, "nth must be a whole number"),
        (r#"{"fault": "html", "probability": 2}"#, "probability must be from 0 to 1"),
        ("[]", "the body is no JSON object"),
    ];
    for (body, expected) in cases {
        let mut state = State::new();
        let answer = add(&mut state, body);
        answer.assert_error(400, "invalid_request");
        assert!(answer.text("error_description").contains(expected), "{body}: {}", answer.body);
    }
}
