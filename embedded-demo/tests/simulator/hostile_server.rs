//! What a hostile server sends reaches neither a terminal nor a log as it is.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use oauth_protocol::is_safe_to_display;

use super::{run, text};

/// A name and the inside of a JSON string, one a line.
const STRINGS: &str = include_str!("../../../tests/fixtures/terminal-strings.txt");
const PAGE: &str = "https://auth.example.com/device";

/// Answers each request by its path, until the process ends; gives its address.
fn server(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that goes away is no fault of the server.
            let _ = respond(stream.unwrap(), &answer);
        }
    });
    format!("http://{address}")
}

fn respond(mut stream: TcpStream, answer: &impl Fn(&str) -> (u16, String)) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let (status, body) = answer(first.split(' ').nth(1).unwrap());
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn no_string_of_a_server_gets_through() {
    let codes = |code: &str, uri: &str, complete: &str| {
        let codes = format!(
            r#"{{"device_code":"d","user_code":"{code}","verification_uri":"{uri}",
               "verification_uri_complete":"{complete}","expires_in":600,"interval":1}}"#
        );
        (200, codes)
    };
    let strings: Vec<(&str, &str)> = STRINGS.lines().filter_map(|line| line.split_once('\t')).collect();
    assert!(strings.len() > 50);
    let inside_of = |path: &str| -> Option<&'static str> {
        let number: usize = path.rsplit('/').next()?.parse().ok()?;
        STRINGS.lines().nth(number)?.split_once('\t').map(|(_, inside)| inside)
    };
    let origin = server(move |path| {
        let inside = inside_of(path).unwrap_or_default();
        match path.split('/').nth(1).unwrap() {
            "user_code" => codes(&format!("WDJB{inside}"), PAGE, PAGE),
            "verification_uri" => codes("WDJB-MJHT", &format!("{PAGE}/{inside}"), PAGE),
            "complete" => codes("WDJB-MJHT", PAGE, &format!("{PAGE}/{inside}")),
            "error" => {
                (400, format!(r#"{{"error":"odd{inside}","error_description":"before{inside}after"}}"#))
            }
            "resource" => (200, "before\x1b[2J\x07\r\x08\u{9b}31m\u{202e}\u{200b}after\r\nnext".into()),
            "granted" => (200, r#"{"access_token":"a","token_type":"Bearer","expires_in":60}"#.into()),
            _ => (400, r#"{"error":"access_denied"}"#.into()),
        }
    });
    thread::scope(|scope| {
        for some in (0..strings.len()).collect::<Vec<_>>().chunks(strings.len().div_ceil(16)) {
            let some = some.to_vec();
            let origin = &origin;
            scope.spawn(move || some.into_iter().for_each(|number| nothing_gets_through(origin, number)));
        }
    });
    let said = said_is_harmless(&origin, "user_code/none", "granted");
    assert!(said.ends_with(": HTTP 200\nbefore [2J 31m after next\n"), "{said:?}");
}

fn nothing_gets_through(origin: &str, number: usize) {
    for field in ["user_code", "verification_uri", "complete", "error"] {
        said_is_harmless(origin, &format!("{field}/{number}"), "denied");
    }
}

/// Runs a login whose codes come from `path`, and gives what it said.
fn said_is_harmless(origin: &str, path: &str, token: &str) -> String {
    let [device, token, resource] = [path, token, "resource"].map(|path| format!("{origin}/{path}"));
    let endpoints = ["--device-endpoint", &device, "--token-endpoint", &token, "--resource", &resource];
    let output = run(&[&["--issuer", origin, "--led", "-"][..], &endpoints].concat());
    for said in [text(&output.stdout), text(&output.stderr)] {
        let wrong = said.chars().find(|character| *character != '\n' && !is_safe_to_display(*character));
        assert_eq!(wrong, None, "{path}: {said:?}");
    }
    text(&output.stdout).to_owned()
}
