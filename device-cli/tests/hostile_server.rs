//! What a server sends must not take over the terminal that shows it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use crate::program::{Finished, Program};

/// Escape sequences and invisible characters, each harmful in its own way.
const HARMFUL: [&str; 12] = [
    "\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;cm0gLXJmIH4=\u{7}",
    "\u{1b}]8;;https://evil.example\u{1b}\\here\u{1b}]8;;\u{1b}\\",
    "\u{9b}31m",
    "\u{90}q\u{9c}",
    "\r\nerror: all is well",
    "\u{8}\u{8}\u{8}",
    "\u{7f}",
    "\u{202e}gnp.exe",
    "\u{200b}\u{2066}x\u{2069}",
    "\u{0}",
];

/// Answers each path with one status and body, whatever is asked.
fn server(answers: Vec<(&'static str, u16, Value)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &answers);
        }
    });
    origin
}

fn answer(stream: TcpStream, answers: &[(&'static str, u16, Value)]) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        request.push_str(&line);
    }
    let _ = reader.read_exact(&mut vec![0; length]);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = answers
        .iter()
        .find(|(own, _, _)| *own == path)
        .map_or((404, String::new()), |(_, status, body)| (*status, body.to_string()));
    let length = body.len();
    let _ = write!(
        reader.get_mut(),
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

fn codes(user_code: &str, verification_uri: &str, complete: &str) -> Value {
    json!({
        "device_code": "d",
        "user_code": user_code,
        "verification_uri": verification_uri,
        "verification_uri_complete": complete,
        "expires_in": 600,
        "interval": 1,
    })
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
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        });
        assert_eq!(bad, None, "{finished:?}");
    }
}

#[test]
fn a_code_or_address_with_control_characters_is_refused_and_not_shown() {
    let program = Program::new();
    for harmful in HARMFUL {
        let good = "https://auth.example.com/device";
        for answer in [
            codes(&format!("WDJB{harmful}"), good, good),
            codes("WDJB-MJHT", &format!("{good}/{harmful}"), good),
            codes("WDJB-MJHT", good, &format!("{good}/{harmful}")),
        ] {
            let origin = server(vec![("/device", 200, answer)]);
            for more in [&[][..], &["--json"]] {
                let finished = login(&program, &origin, more);
                assert_eq!(finished.code, Some(9), "{harmful:?} {finished:?}");
                assert_harmless(&finished);
                assert!(!finished.stdout.contains("device_code_issued"), "{finished:?}");
                assert!(!finished.stderr.contains("WDJB"), "{finished:?}");
            }
        }
    }
}

#[test]
fn a_complete_address_that_is_unsafe_is_left_out() {
    let program = Program::new();
    for complete in ["javascript:alert(1)", "http://evil.example/", "https://user@evil.example/"] {
        let origin = server(vec![
            ("/device", 200, codes("WDJB-MJHT", "https://auth.example.com/device", complete)),
            ("/token", 400, json!({"error": "access_denied"})),
        ]);
        let finished = login(&program, &origin, &[]);
        assert_eq!(finished.code, Some(5), "{finished:?}");
        assert!(finished.stderr.contains("https://auth.example.com/device"), "{finished:?}");
        assert!(!finished.stderr.contains("which holds the code"), "{finished:?}");
        assert_harmless(&finished);
    }
}

#[test]
fn errors_and_their_descriptions_arrive_as_harmless_text() {
    let program = Program::new();
    for harmful in HARMFUL {
        let refusal = json!({
            "error": format!("odd{harmful}"),
            "error_description": format!("before{harmful}after"),
            "error_uri": format!("https://evil.example/{harmful}"),
        });
        let origin = server(vec![("/device", 400, refusal)]);
        for more in [&[][..], &["--json"]] {
            let finished = login(&program, &origin, more);
            assert_eq!(finished.code, Some(9), "{finished:?}");
            assert!(finished.stderr.contains("before"), "{finished:?}");
            assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
            assert_harmless(&finished);
        }
    }
}

/// A server that gives this token for these scopes.
fn server_with_token(access_token: &str, scope: &str) -> String {
    let token = json!({"access_token": access_token, "token_type": "Bearer", "scope": scope});
    let codes = codes("WDJB-MJHT", "https://auth.example.com/device", "");
    server(vec![("/device", 200, codes), ("/token", 200, token)])
}

#[test]
fn scopes_are_shown_as_harmless_text() {
    let program = Program::new();
    let origin = server_with_token("t0ken", &format!("read {}", HARMFUL.join(" ")));
    let finished = login(&program, &origin, &["--scope", "write"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("The server granted these scopes: read"), "{finished:?}");
    assert_harmless(&finished);
    for arguments in [&["status"][..], &["status", "--json"]] {
        let finished = program.run(arguments);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_harmless(&finished);
    }
    assert_eq!(program.run(&["token"]).stdout, "t0ken\n");
}

#[test]
fn a_token_with_characters_that_no_token_has_is_refused_and_never_printed() {
    let program = Program::new();
    let origin = server_with_token(&format!("t0ken{}", HARMFUL.concat()), "read");
    let finished = login(&program, &origin, &[]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert!(!finished.stderr.contains("t0ken"), "{finished:?}");
    assert_harmless(&finished);
    assert_eq!(program.run(&["token"]).code, Some(4));
}
