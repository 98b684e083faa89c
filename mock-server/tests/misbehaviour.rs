//! Faults on demand.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_server::{Answer, Endpoint, Fault, FaultRule, MockServer, Severity, TokenDefect};
use serde_json::Value;

use crate::raw_http::{exchange, post};
use crate::state::{Received, State};

#[test]
fn faults_come_in_the_order_asked_and_then_end() {
    let mut state = State::new();
    let login = state.start_device_login();
    let busy = Fault::ServiceUnavailable { retry_after: None };
    let limited = Fault::TooManyRequests { retry_after: Some(Duration::from_secs(9)) };
    state.server.fail_next(Endpoint::Token, &busy, 2);
    state.server.fail_next(Endpoint::Token, &limited, 1);
    state.server.fail_next(Endpoint::Token, &Fault::HtmlPage, 1);
    let answers: Vec<_> = (0..4).map(|_| state.poll(&login)).collect();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [503, 503, 429, 200]);
    assert!(answers.iter().all(|answer| answer.header("content-type") == Some("text/html; charset=utf-8")));
    assert_eq!(answers[0].header("retry-after"), None);
    assert_eq!(answers[2].header("retry-after"), Some("9"));
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[test]
fn a_fault_hits_its_endpoint_only() {
    let mut state = State::new();
    state.server.fail_next(Endpoint::Token, &Fault::HtmlPage, 1);
    assert_eq!(state.get("/resource").status, 401);
    state.start_device_login();
}

#[test]
fn a_failed_poll_leaves_no_trace_in_the_state_but_one_in_the_journal() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(4);
    state.server.fail_next(Endpoint::Token, &Fault::HtmlPage, 1);
    state.poll(&login);
    let recorded = state.server.requests().last().unwrap();
    assert_eq!((recorded.status, recorded.client_id.as_deref()), (200, Some("device")));
    state.wait_seconds(1);
    assert_eq!(state.poll_error(&login), "authorization_pending", "five seconds since the last real poll");
}

#[test]
fn an_oauth_error_has_the_shape_of_the_endpoint() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.fail_next(Endpoint::Token, &Fault::Error("invalid_client_state".to_owned()), 1);
    state.poll(&login).assert_error(400, "invalid_client_state");
}

/// What one poll hears under a fault.
fn poll_under(fault: &Fault) -> Received {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.fail_next(Endpoint::Token, fault, 1);
    state.poll(&login)
}

#[test]
fn any_failure_status_comes_with_and_without_retry_after() {
    for status in [408, 425, 429, 500, 502, 503] {
        for retry_after in [None, Some(Duration::from_secs(20))] {
            let answer = poll_under(&Fault::Status { status, retry_after });
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("retry-after"), retry_after.map(|_| "20"));
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        }
    }
}

#[test]
fn an_answer_is_maimed_as_asked() {
    assert_eq!(poll_under(&Fault::EmptyBody).body, "");
    let cut = poll_under(&Fault::CutJson);
    assert_eq!((cut.status, cut.body.as_str()), (200, "{\"access_token\":\"cut-off\",\"token_ty"));
    let wrong_type = poll_under(&Fault::ContentType("text/html".to_owned()));
    assert_eq!(wrong_type.header("content-type"), Some("text/html"));
    assert_eq!(wrong_type.text("error"), "authorization_pending");
    let missing = poll_under(&Fault::MissingMember("error".to_owned())).json();
    assert!(missing.get("error").is_none() && missing.get("error_description").is_some(), "{missing}");
    assert_eq!(poll_under(&Fault::MistypedMember("error".to_owned())).json()["error"], 42);
    let extra = poll_under(&Fault::ExtraMembers).json();
    assert_eq!((&extra["error"], &extra["x_null"]), (&"authorization_pending".into(), &Value::Null));
    assert!(extra["x_unheard_of"].is_object(), "{extra}");
}

#[test]
fn a_number_is_mistyped_as_the_string_that_some_servers_send() {
    let mut state = State::new();
    let fault = Fault::MistypedMember("interval".to_owned());
    state.server.fail_next(Endpoint::DeviceAuthorization, &fault, 1);
    let answer = state.post("/device-authorization", "client_id=device").json();
    assert_eq!(answer["interval"], "5");
}

#[test]
fn a_redirect_leads_to_another_origin_and_whoever_goes_there_is_told_on() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.fail_next(Endpoint::Token, &Fault::Redirect { location: None }, 1);
    state.wait_seconds(5);
    let answer = state.poll(&login);
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some("http://localhost:8080/elsewhere"));
    assert_eq!(state.get("/_control/verdicts").json()["clean"], true);

    state.get("/elsewhere");
    state.post("/elsewhere", "device_code=x");
    let verdicts: Vec<_> = state.server.verdicts().map(|it| (it.severity, it.rule)).collect();
    assert_eq!(
        verdicts,
        [(Severity::Note, "no-redirect-followed"), (Severity::Error, "no-credentials-elsewhere")]
    );
}

/// The compressed bytes are few; a client that unpacks them without a bound holds ten million.
#[test]
fn a_gzip_bomb_is_small_on_the_wire() {
    let mut state = State::new();
    state.server.fail_next(Endpoint::Token, &Fault::GzipBomb, 1);
    let request = hyper::Request::post("/token").header("host", "127.0.0.1:8080");
    let request = request.body(hyper::body::Bytes::new()).unwrap();
    let Answer::Respond(response) = state.server.handle(state.now, state.peer, &request) else {
        panic!("no answer");
    };
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.body().len() < 20_000 && response.body().starts_with(&[0x1f, 0x8b]));
}

#[tokio::test]
async fn a_rule_strikes_the_requests_that_it_names_while_its_guard_lives() {
    let server = MockServer::start().await.unwrap();
    let ask = async |form: &str| post(server.port(), "/token", form).await.unwrap().status;
    let refresh = "grant_type=refresh_token&client_id=device&refresh_token=x";
    let rule = FaultRule::new(Fault::Status { status: 502, retry_after: None });
    let rule = rule.endpoint(Endpoint::Token).grant_type("refresh_token").client_id("device").nth(2);
    let guard = server.fault(rule).expect(1);
    assert_eq!(ask(refresh).await, 400);
    assert_eq!(ask("grant_type=client_credentials&client_id=device").await, 400, "another grant");
    assert_eq!(ask("grant_type=refresh_token&client_id=native&refresh_token=x").await, 400, "another client");
    assert_eq!(ask(refresh).await, 502);
    assert_eq!(ask(refresh).await, 400, "once");
    assert_eq!(guard.hits(), 1);
    drop(guard);

    let guard = server.fault(FaultRule::new(Fault::HtmlPage));
    assert_eq!(ask(refresh).await, 200);
    drop(guard);
    assert_eq!(ask(refresh).await, 400);
}

#[tokio::test]
#[should_panic(expected = "another number of requests than expected")]
async fn a_guard_that_expected_more_says_so() {
    let server = MockServer::start().await.unwrap();
    drop(server.fault(FaultRule::new(Fault::HtmlPage)).expect(1));
}

#[tokio::test]
async fn chance_repeats_with_its_seed() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let server = MockServer::start().await.unwrap();
        let _fault = server.fault(FaultRule::new(Fault::HtmlPage).probability(0.5, seed));
        let mut statuses = Vec::new();
        for _ in 0..32 {
            statuses.push(post(server.port(), "/token", "grant_type=x").await.unwrap().status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

fn token_request(port: u16) -> String {
    format!(
        "POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\ngrant_type=x"
    )
}

#[tokio::test]
async fn a_connection_is_closed_in_the_middle_of_the_body_that_was_announced() {
    let server = MockServer::start().await.unwrap();
    server.fail_next(Endpoint::Token, &Fault::CloseInBody, 1);
    let whole = post(server.port(), "/token", "grant_type=x");
    let cut = whole.await.unwrap();
    let whole = post(server.port(), "/token", "grant_type=x").await.unwrap();
    let announced = format!("content-length: {}", whole.body.len());
    assert!(cut.head.contains(&announced), "{}", cut.head);
    assert_eq!(cut.body, whole.body[..whole.body.len() / 2]);
}

#[tokio::test]
async fn a_late_answer_comes_when_the_virtual_clock_says_so() {
    let server = std::sync::Arc::new(MockServer::start().await.unwrap());
    let hour = Duration::from_secs(3600);
    server.fail_next(Endpoint::Token, &Fault::Delay { at_least: hour, jitter: hour }, 1);
    let port = server.port();
    let asking = tokio::spawn(async move { post(port, "/token", "grant_type=x").await.unwrap() });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    server.advance(hour / 2);
    assert!(tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await.is_err());
    assert!(!asking.is_finished());
    server.advance(hour * 2);
    assert_eq!(asking.await.unwrap().status, 400);
}

#[tokio::test]
async fn silence_lasts_until_the_client_gives_up() {
    let server = MockServer::start().await.unwrap();
    server.fail_next(Endpoint::Token, &Fault::NoAnswer, 1);
    let port = server.port();
    let request = token_request(port);
    let asking = exchange(port, &request);
    assert!(tokio::time::timeout(Duration::from_millis(200), asking).await.is_err());
    assert_eq!(server.requests()[0].status, 0);
    assert_eq!(exchange(port, &request).await.unwrap().status, 400, "the next is answered");
}

#[tokio::test]
async fn an_endless_body_goes_on() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = MockServer::start().await.unwrap();
    server.fail_next(Endpoint::Token, &Fault::EndlessBody, 1);
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    stream.write_all(token_request(server.port()).as_bytes()).await.unwrap();
    let mut read = vec![0; 5_000_000];
    stream.read_exact(&mut read).await.unwrap();
    assert!(read.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_dripping_body_comes_byte_by_byte() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = MockServer::start().await.unwrap();
    server.fail_next(Endpoint::Token, &Fault::ByteASecond, 1);
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    stream.write_all(token_request(server.port()).as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n{") {
        read.push(stream.read_u8().await.unwrap());
    }
    let mut rest = [0; 100];
    assert_eq!(stream.read(&mut rest).await.unwrap(), 1, "one more, and not the rest");
}

/// Header and claims of the two JWTs of a login whose token answer has this defect, and what `/resource` says of it.
fn spoilt(defect: TokenDefect) -> (Value, Value, Value, String, u16) {
    let mut state = State::new();
    let login = state.start_device_login_with("client_id=device&scope=openid");
    state.approve(&login);
    state.server.fail_next(Endpoint::Token, &Fault::Token(defect), 1);
    let answer = state.poll(&login);
    let decode = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let access_token = answer.text("access_token");
    let id_token = answer.text("id_token");
    let mut parts = access_token.split('.').map(str::to_owned);
    let (header, claims) = (decode(&parts.next().unwrap()), decode(&parts.next().unwrap()));
    let of_identity = decode(id_token.split('.').nth(1).unwrap());
    let status = state.resource(&access_token).status;
    (header, claims, of_identity, access_token, status)
}

#[test]
fn tokens_come_with_one_defect_and_the_server_refuses_them() {
    const NOW: u64 = 1_800_000_000;
    let claims_of = |defect| {
        let (_, access, identity, _, status) = spoilt(defect);
        assert_eq!(status, 401, "{defect:?}");
        [access, identity]
    };
    for claims in claims_of(TokenDefect::Expired) {
        assert_eq!(claims["exp"], NOW - 3600);
    }
    for claims in claims_of(TokenDefect::NotYetValid) {
        assert_eq!(claims["nbf"], NOW + 3600);
    }
    for claims in claims_of(TokenDefect::WrongIssuer) {
        assert_eq!(claims["iss"], "https://attacker.example");
    }
    for claims in claims_of(TokenDefect::WrongAudience) {
        assert_eq!(claims["aud"], "https://somebody.else.example");
    }
    let (header, _, _, token, status) = spoilt(TokenDefect::AlgorithmNone);
    assert_eq!((header["alg"].as_str(), token.ends_with('.'), status), (Some("none"), true, 401));
    let (header, _, _, _, status) = spoilt(TokenDefect::UnknownKeyId);
    assert_eq!((header["kid"].as_str(), status), (Some("nobody-knows-this-key"), 401));
}

#[test]
fn a_huge_token_is_a_good_one() {
    let (_, _, _, token, status) = spoilt(TokenDefect::Huge);
    assert!((20_000..22_000).contains(&token.len()), "{}", token.len());
    assert_eq!(status, 200);
}

#[test]
fn after_a_rotation_tokens_and_keys_agree_on_new_names() {
    let (header, _, _, _, status) = spoilt(TokenDefect::RotatedKey);
    assert_eq!(status, 200);
    let mut state = State::new();
    assert!(!state.get("/jwks").body.contains("-rotated"));
    state.server.fail_next(Endpoint::Jwks, &Fault::RotatedKeys, 1);
    let keys = state.get("/jwks").json();
    assert_eq!(keys["keys"][0]["kid"], header["kid"]);
}
