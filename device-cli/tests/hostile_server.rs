//! What a server sends must not take over the terminal that shows it.

use serde_json::{Value, json};

use crate::literal_server::{Answer, serve};
use crate::program::{Finished, Program};

/// A name and the inside of a JSON string, one a line: escape sequences, controls, what turns or hides text, and
/// what is merely odd. `tests/login_screen/hostile_strings.rs` shows the same ones to a real terminal.
const STRINGS: &str = include_str!("../../tests/fixtures/terminal-strings.txt");

const PAGE: &str = "https://auth.example.com/device";

/// Name, the inside of a JSON string, and what it stands for: nothing, where it is no JSON.
fn strings() -> impl Iterator<Item = (&'static str, &'static str, Option<String>)> {
    STRINGS.lines().map(|line| {
        let (name, inside) = line.split_once('\t').expect("name and string");
        (name, inside, serde_json::from_str(&format!("\"{inside}\"")).ok())
    })
}

/// Those that are text, one after the other.
fn all(between: &str) -> String {
    strings().filter_map(|(_, _, text)| text).collect::<Vec<_>>().join(between)
}

fn codes(user_code: &str, verification_uri: &str, complete: &str) -> String {
    format!(
        r#"{{"device_code": "d", "user_code": "{user_code}", "verification_uri": "{verification_uri}",
            "verification_uri_complete": "{complete}", "expires_in": 600, "interval": 1}}"#
    )
}

fn login(program: &Program, origin: &str, more: &[&str]) -> Finished {
    let (device, token) = (format!("{origin}/device"), format!("{origin}/token"));
    let arguments = [
        "login",
        "--store",
        "file",
        "--device-endpoint",
        &device,
        "--token-endpoint",
        &token,
        "--client-id",
        "x",
    ];
    program.run(&[&arguments[..], more].concat())
}

/// Text and line ends, nothing else.
fn assert_harmless(finished: &Finished) {
    for output in [&finished.stdout, &finished.stderr] {
        let bad = output.chars().find(|character| {
            (character.is_control() && *character != '\n')
                || matches!(character, '\u{ad}' | '\u{61c}' | '\u{3164}' | '\u{feff}' | '\u{fe0f}')
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
                || matches!(character, '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
                || matches!(character, '\u{e0000}'..='\u{e0fff}')
        });
        assert_eq!(bad, None, "{finished:?}");
    }
}

#[test]
fn a_code_or_address_that_is_not_for_a_screen_is_refused_with_the_reason_and_not_shown() {
    let program = Program::new();
    let mut refusals = 0;
    for (name, inside, text) in strings() {
        // What is no JSON is asked for again, for half a minute: the error's texts below have those.
        let Some(text) = text else { continue };
        let (code, uri) = (format!("WDJB{inside}"), format!("{PAGE}/{inside}"));
        for (parameter, answer, sent) in [
            ("user_code", codes(&code, PAGE, PAGE), format!("WDJB{text}")),
            ("verification_uri", codes("WDJB-MJHT", &uri, PAGE), format!("{PAGE}/{text}")),
            ("verification_uri_complete", codes("WDJB-MJHT", PAGE, &uri), format!("{PAGE}/{text}")),
        ] {
            let denied = Answer::new("/token", 400, &json!({"error": "access_denied"}));
            let origin = serve(vec![Answer::new("/device", 200, &answer), denied]);
            let finished = login(&program, &origin, &[]);
            assert_harmless(&finished);
            if finished.code == Some(5) {
                let is_left_out = parameter.ends_with("complete") && !finished.stderr.contains("which holds");
                assert!(is_left_out || finished.stderr.contains(&sent), "{name}: {finished:?}");
                continue;
            }
            refusals += 1;
            assert_eq!(finished.code, Some(9), "{name}: {finished:?}");
            let why =
                finished.stderr.strip_prefix("error: the server's answer is invalid: its ").expect("why");
            let why = why.strip_prefix(parameter).expect("which").trim_start();
            let first = sent.chars().find(|character| {
                character.is_control()
                    || why.starts_with(&format!("holds the character U+{:04X},", u32::from(*character)))
            });
            match first {
                Some(character) => {
                    let words = format!("holds the character U+{:04X}, which is not", u32::from(character));
                    assert!(why.starts_with(&words), "{name}: {finished:?}");
                }
                None => assert!(
                    why.starts_with("is longer than")
                        || why.starts_with("has a blank")
                        || why.contains("percent-encode"),
                    "{name}: {finished:?}"
                ),
            }
            let events = login(&program, &origin, &["--json"]);
            assert_harmless(&events);
            assert!(!events.stdout.contains("device_code_issued"), "{name}: {events:?}");
        }
    }
    assert!(refusals > 180, "{refusals}");
}

#[test]
fn a_complete_address_that_is_unsafe_is_left_out() {
    let program = Program::new();
    for complete in ["javascript:alert(1)", "http://evil.example/", "https://user@evil.example/"] {
        let origin = serve(vec![
            Answer::new("/device", 200, &codes("WDJB-MJHT", PAGE, complete)),
            Answer::new("/token", 400, &json!({"error": "access_denied"})),
        ]);
        let finished = login(&program, &origin, &[]);
        assert_eq!(finished.code, Some(5), "{finished:?}");
        assert!(finished.stderr.contains(PAGE), "{finished:?}");
        assert!(!finished.stderr.contains("which holds the code"), "{finished:?}");
        assert_harmless(&finished);
    }
}

#[test]
fn errors_and_their_descriptions_arrive_as_harmless_text() {
    let program = Program::new();
    for (name, inside, text) in strings() {
        let refusal = format!(
            r#"{{"error": "odd{inside}", "error_description": "before{inside}after", "error_uri": "https://evil.example/{inside}"}}"#
        );
        let origin = serve(vec![Answer::new("/device", 400, &refusal)]);
        for more in [&[][..], &["--json"]] {
            let finished = login(&program, &origin, more);
            assert_eq!(finished.code, Some(9), "{name}: {finished:?}");
            assert_eq!(finished.stderr.contains("before"), text.is_some(), "{name}: {finished:?}");
            assert_eq!(finished.stderr.lines().count(), 1, "{name}: {finished:?}");
            assert_harmless(&finished);
        }
    }
}

/// A server that gives this token for these scopes.
fn server_with_token(access_token: &str, scope: &str) -> String {
    let token = json!({"access_token": access_token, "token_type": "Bearer", "scope": scope});
    serve(vec![
        Answer::new("/device", 200, &codes("WDJB-MJHT", PAGE, "")),
        Answer::new("/token", 200, &token),
    ])
}

#[test]
fn scopes_are_shown_as_harmless_text() {
    let program = Program::new();
    let origin = server_with_token("t0ken", &format!("read {}", all(" ")));
    let finished = login(&program, &origin, &["--scope", "write"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("The server granted these scopes: read"), "{finished:?}");
    assert_harmless(&finished);
    for arguments in [&["status"][..], &["status", "--json"], &["status", "--all", "--json"]] {
        let finished = program.run(arguments);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_harmless(&finished);
    }
    assert_eq!(program.run(&["token"]).stdout, "t0ken\n");
}

#[test]
fn a_token_with_characters_that_no_token_has_is_refused_and_never_printed() {
    let program = Program::new();
    let origin = server_with_token(&format!("t0ken{}", all("")), "read");
    let finished = login(&program, &origin, &[]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert!(!finished.stderr.contains("t0ken"), "{finished:?}");
    assert_harmless(&finished);
    assert_eq!(program.run(&["token"]).code, Some(4));
}

#[test]
fn metadata_are_shown_as_harmless_text_and_a_foreign_issuer_not_at_all() {
    let program = Program::new();
    let values: Vec<String> = strings().filter_map(|(_, _, text)| text).collect();
    let metadata = json!({
        "issuer": "ORIGIN",
        "token_endpoint": format!("ORIGIN/{}", all("")),
        "jwks_uri": all(""),
        "scopes_supported": values,
        "grant_types_supported": values,
        "code_challenge_methods_supported": values,
    });
    let well_known = "/.well-known/oauth-authorization-server";
    let origin = serve(vec![Answer::new(well_known, 200, &metadata)]);
    for more in [&[][..], &["--json"]] {
        let finished = program.run(&[&["discover", &origin][..], more].concat());
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_harmless(&finished);
        if !more.is_empty() {
            let said: Value = serde_json::from_str(&finished.stdout).expect("JSON");
            assert_eq!(said["scopes_supported"], metadata["scopes_supported"], "nothing is lost in JSON");
        }
    }
    for (name, inside, _) in strings() {
        let issuer = Answer::new(well_known, 200, &format!(r#"{{"issuer": "ORIGIN{inside}"}}"#));
        let finished = program.run(&["discover", &serve(vec![issuer])]);
        assert_eq!(finished.code, Some(9), "{name}: {finished:?}");
        assert_harmless(&finished);
    }
}

#[test]
fn a_name_and_a_claim_are_shown_as_harmless_text() {
    use base64::Engine as _;

    let claims = json!({"sub": "1", "name": all(""), "iss": all(" "), "preferred_username": all("")});
    let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt = format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims));
    let program = Program::new();
    for more in [&[][..], &["--json"]] {
        let finished = program.run(&[&["decode", &jwt][..], more].concat());
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_harmless(&finished);
    }
    let token = json!({"access_token": "t0ken", "token_type": "Bearer", "id_token": jwt});
    let origin = serve(vec![
        Answer::new("/device", 200, &codes("WDJB-MJHT", PAGE, "")),
        Answer::new("/token", 200, &token),
    ]);
    assert_harmless(&login(&program, &origin, &[]));
    for arguments in [&["whoami"][..], &["status"], &["profile", "list"], &["profile", "list", "--json"]] {
        assert_harmless(&program.run(arguments));
    }
}
