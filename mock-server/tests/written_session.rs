//! A session of HTTP requests as text, so that a corpus of them can be read, replayed and mutated.
//!
//! Requests stand one after the other, `---` on a line of its own between them:
//!
//! ```text
//! POST /token
//! content-type: application/x-www-form-urlencoded
//!
//! device_code={device_code}
//! ---
//! +5
//! GET /resource
//! authorization: Bearer {access_token}
//! ```
//!
//! `+5` lets so many seconds pass first. `{name}` is the last value of that name that any answer held: a JSON member, a
//! parameter of `Location`, a hidden field, or the cookie (`{cookie}`). What is no request is skipped.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use hyper::Request;
use hyper::body::Bytes;
use mock_server::{Answer, AuthorizationServer, Settings, Timestamp};
use serde_json::Value;

/// Longer sessions find nothing that these do not.
const MOST_REQUESTS: usize = 32;

/// Sends a session to a fresh server and holds every answer against what holds for all of them.
///
/// Returns the statuses, for a test that knows what a session is to reach.
///
/// # Panics
///
/// If an answer breaks a rule, or the server panics.
pub(crate) fn run(bytes: &[u8]) -> Vec<u16> {
    let mut now = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
    let mut settings = Settings::new(8080);
    settings.seed = Some(1);
    let mut server = AuthorizationServer::new(settings, now);
    let mut known = HashMap::new();
    let mut statuses = Vec::new();
    let mut misbehaves = false;
    let text = String::from_utf8_lossy(bytes);
    for written in text.split("\n---\n").take(MOST_REQUESTS) {
        let (wait, written) = read_wait(written);
        now = now + wait;
        let Some(request) = read_request(&fill_in(written, &known)) else { continue };
        let answer = server.handle(now, Ipv4Addr::LOCALHOST.into(), &request);
        misbehaves |= asks_for_misbehaviour(&request);
        if let Answer::Respond(response) = &answer {
            if !misbehaves {
                hold_to_rules(&request, response);
            }
            learn(response, &mut known);
            statuses.push(response.status().as_u16());
        }
    }
    statuses
}

fn read_wait(written: &str) -> (Duration, &str) {
    let waited = written.strip_prefix('+').and_then(|rest| rest.split_once('\n'));
    let waited = waited.and_then(|(seconds, rest)| Some((seconds.trim().parse::<u32>().ok()?, rest)));
    waited.map_or((Duration::ZERO, written), |(seconds, rest)| (Duration::from_secs(seconds.into()), rest))
}

fn fill_in(written: &str, known: &HashMap<String, String>) -> String {
    let mut filled = written.to_owned();
    // Only what is named is looked for: answers hold many names.
    for name in written.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
        if let Some(value) = known.get(name) {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
    }
    filled
}

fn read_request(written: &str) -> Option<Request<Bytes>> {
    let (head, body) = written.split_once("\n\n").unwrap_or((written.trim_end_matches('\n'), ""));
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    let mut has_host = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        has_host |= name.eq_ignore_ascii_case("host");
        request = request.header(name, value.trim());
    }
    if !has_host {
        request = request.header("host", "127.0.0.1:8080");
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).ok()
}

/// Whether answers may break every rule from now on, because this request wants them to.
fn asks_for_misbehaviour(request: &Request<Bytes>) -> bool {
    let says = |text: &[u8]| {
        text.windows(6).any(|word| word == b"script") || text.windows(5).any(|word| word == b"fault")
    };
    says(request.uri().to_string().as_bytes())
        || says(request.body())
        || request.headers().contains_key("mock-script")
}

fn hold_to_rules(request: &Request<Bytes>, response: &hyper::Response<Bytes>) {
    let path = request.uri().path();
    let status = response.status().as_u16();
    let body = String::from_utf8_lossy(response.body());
    let is_control = path.contains("/_control");
    // The one 5xx of its own is a full table, which no session of this length reaches.
    assert!(status < 500, "{} {path}: {status} {body}", request.method());
    assert_ne!(status, 422, "{path}: RFC 6749 knows no 422");
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = header("content-type");
    if content_type == Some("application/json") {
        let json: Value = serde_json::from_slice(response.body()).expect("what says JSON is JSON");
        if status >= 400 {
            assert!(json["error"].is_string(), "{path}: {body}");
            let description = json["error_description"].as_str().unwrap_or_default();
            let fits = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
            assert!(description.chars().all(fits), "RFC 6749 section 5.2: {description}");
            assert_eq!(header("cache-control"), Some("no-store"));
        }
    }
    if content_type.is_some_and(|value| value.starts_with("text/html")) {
        assert!(response.headers().contains_key("content-security-policy"), "{path}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"));
    }
    if matches!(status, 401) && !is_control {
        let basic = request.headers().contains_key("authorization");
        let challenged = response.headers().contains_key("www-authenticate");
        assert!(challenged || !basic, "RFC 6749 section 5.2: {path}: {body}");
    }
}

fn learn(response: &hyper::Response<Bytes>, known: &mut HashMap<String, String>) {
    if let Ok(Value::Object(members)) = serde_json::from_slice(response.body()) {
        for (name, value) in members {
            known.insert(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some((_, query)) = header("location").and_then(|location| location.split_once('?')) {
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            known.insert(name.to_owned(), value.to_owned());
        }
    }
    if let Some(cookie) = header("set-cookie").and_then(|cookie| cookie.split(';').next()) {
        known.insert("cookie".to_owned(), cookie.to_owned());
    }
    let body = String::from_utf8_lossy(response.body());
    for field in body.split("type=\"hidden\" name=\"").skip(1) {
        let mut parts = field.split('"');
        if let (Some(name), Some(value)) = (parts.next(), parts.nth(1)) {
            known.insert(name.to_owned(), value.to_owned());
        }
    }
}
