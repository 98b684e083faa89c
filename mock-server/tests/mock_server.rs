use std::time::Duration;

use mock_server::{Endpoint, Fault, MockServer};

use crate::raw_http::{get, post};

const DEVICE_GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

async fn poll(server: &MockServer, device_code: &str) -> std::io::Result<(u16, serde_json::Value)> {
    let form = format!("{DEVICE_GRANT}&client_id=device&device_code={device_code}");
    let answer = post(server.port(), "/token", &form).await?;
    Ok((answer.status, answer.json()))
}

#[tokio::test]
async fn an_allowed_host_that_is_none_is_refused_at_the_start() {
    for host in ["http://mock", "", "u@mock"] {
        let error = MockServer::builder().allow_host(host).start().await.unwrap_err();
        assert!(error.to_string().contains("must be NAME or NAME:PORT"), "{error}");
    }
}

#[tokio::test]
async fn a_device_signs_in_over_a_socket() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    assert_eq!(server.issuer(), format!("http://127.0.0.1:{port}"));

    let started = post(port, "/device-authorization", "client_id=device&scope=read").await.unwrap();
    assert_eq!(started.status, 200, "{}", started.body);
    let started = started.json();
    let user_code = started["user_code"].as_str().unwrap();
    let device_code = started["device_code"].as_str().unwrap();

    assert_eq!(poll(&server, device_code).await.unwrap().1["error"], "authorization_pending");
    assert_eq!(server.pending()[0].user_code, user_code);
    server.approve(user_code).unwrap();
    assert!(server.pending().is_empty());
    server.advance(Duration::from_secs(5));

    let (status, tokens) = poll(&server, device_code).await.unwrap();
    assert_eq!(status, 200);
    let access_token = tokens["access_token"].as_str().unwrap();
    let authorization = format!("Authorization: Bearer {access_token}\r\n");
    let resource = get(port, "/resource", &authorization).await.unwrap();
    assert_eq!(resource.status, 200);
    assert_eq!(resource.json()["sub"], "alice");

    let gap = server.requests()[2].gap.expect("the second poll has a gap");
    assert!(gap >= Duration::from_secs(5), "{gap:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_approval_comes_after_two_polls() {
    let server = MockServer::builder().auto_approve(true).start().await.unwrap();
    let started = post(server.port(), "/device-authorization", "client_id=device").await.unwrap().json();
    let device_code = started["device_code"].as_str().unwrap();
    for expected in [Some("authorization_pending"), Some("authorization_pending"), None] {
        assert_eq!(poll(&server, device_code).await.unwrap().1["error"].as_str(), expected);
        server.advance(Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_paused_server_refuses_connections_and_comes_back_with_its_state() {
    let server = MockServer::start().await.unwrap();
    let started = post(server.port(), "/device-authorization", "client_id=device").await.unwrap().json();
    let device_code = started["device_code"].as_str().unwrap();

    server.pause_listening().await;
    let refused = poll(&server, device_code).await.expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    server.resume_listening().await.unwrap();
    assert_eq!(poll(&server, device_code).await.unwrap().1["error"], "authorization_pending");
}

#[tokio::test]
async fn a_reset_comes_before_any_byte_of_an_answer() {
    let server = MockServer::start().await.unwrap();
    server.fail_next(Endpoint::Token, &Fault::ConnectionReset, 1);
    let reset = post(server.port(), "/token", "grant_type=x").await.err().expect("no answer");
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(post(server.port(), "/token", "grant_type=x").await.unwrap().status, 400);
}

#[tokio::test]
async fn a_fault_with_retry_after_hits_as_often_as_asked() {
    let server = MockServer::start().await.unwrap();
    let fault = Fault::TooManyRequests { retry_after: Some(Duration::from_secs(7)) };
    server.fail_next(Endpoint::Token, &fault, 2);
    for _ in 0..2 {
        let answer = post(server.port(), "/token", "grant_type=x").await.unwrap();
        assert_eq!(answer.status, 429);
        assert!(answer.head.contains("retry-after: 7\r\n"), "{}", answer.head);
        assert!(answer.body.contains("<h1>"), "{}", answer.body);
    }
    assert_eq!(post(server.port(), "/token", "grant_type=x").await.unwrap().status, 400);
}

#[tokio::test]
async fn who_is_told_of_a_request_may_call_the_server() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = MockServer::builder().on_request(move |request| tell.send(request.to_string()).unwrap());
    let server = server.start().await.unwrap();
    post(server.port(), "/device-authorization", "client_id=device").await.unwrap();
    assert_eq!(told.try_recv().unwrap(), "POST /device-authorization 200 client_id=device");
}

#[tokio::test]
async fn pausing_and_resuming_may_repeat() {
    let server = MockServer::start().await.unwrap();
    server.pause_listening().await;
    server.pause_listening().await;
    assert!(get(server.port(), "/device", "").await.is_err());
    server.resume_listening().await.unwrap();
    server.resume_listening().await.unwrap();
    assert_eq!(get(server.port(), "/device", "").await.unwrap().status, 200);
}

#[tokio::test]
async fn the_interval_is_told_in_whole_seconds() {
    let server = MockServer::builder().interval(Duration::from_millis(1200)).start().await.unwrap();
    let answer = post(server.port(), "/device-authorization", "client_id=device").await.unwrap();
    assert_eq!(answer.json()["interval"], 2);
}

#[tokio::test]
async fn a_reset_forgets_what_was_issued() {
    let server = MockServer::start().await.unwrap();
    post(server.port(), "/device-authorization", "client_id=device").await.unwrap();
    assert_eq!(server.pending().len(), 1);
    server.reset();
    assert!(server.pending().is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn servers_share_nothing() {
    let (one, two) = (MockServer::start().await.unwrap(), MockServer::start().await.unwrap());
    let started = post(one.port(), "/device-authorization", "client_id=device").await.unwrap().json();
    assert!(two.approve(started["user_code"].as_str().unwrap()).is_err());
    assert!(two.requests().is_empty());
}
