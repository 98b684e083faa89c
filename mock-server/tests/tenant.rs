//! The server in the hands of a test in Rust, over a real socket.

use std::time::Duration;

use mock_server::{Client, MockServer, Person};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::raw_http::{get, post};

#[tokio::test]
async fn a_test_waits_for_the_next_login_and_approves_it() {
    let server = MockServer::start().await.unwrap();
    server.put_user(Person::new("bob"));
    let port = server.port();
    let device =
        tokio::spawn(
            async move { post(port, "/device-authorization", "client_id=device").await.unwrap().json() },
        );
    let login = server.device().next().await;
    let started = device.await.unwrap();
    assert_eq!((login.user_code(), login.client_id()), (started["user_code"].as_str().unwrap(), "device"));
    assert_eq!(login.scope(), "read");
    login.approve("bob").unwrap();
    assert!(login.deny().is_err());
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=device&device_code={}",
        started["device_code"].as_str().unwrap()
    );
    let tokens = post(port, "/token", &form).await.unwrap().json();
    let authorization = format!("Authorization: Bearer {}\r\n", tokens["access_token"].as_str().unwrap());
    assert_eq!(get(port, "/resource", &authorization).await.unwrap().json()["sub"], "bob");
}

#[tokio::test]
async fn logins_of_one_client_are_told_apart() {
    let server = MockServer::start().await.unwrap();
    let _tv = server.scoped_client(Client::public("tv"));
    for client in ["device", "tv"] {
        let form = format!("client_id={client}");
        post(server.port(), "/device-authorization", &form).await.unwrap();
    }
    assert_eq!(server.device().of_client("tv").next().await.client_id(), "tv");
    assert_eq!(server.device().next().await.client_id(), "device");
}

#[test]
fn a_test_without_a_runtime_does_the_same() {
    let server = MockServer::start_blocking().unwrap();
    let address = ("127.0.0.1", server.port());
    let device = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!("POST /device-authorization HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", address.1);
        let rest = "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                    Content-Length: 16\r\n\r\nclient_id=device";
        stream.write_all((head + rest).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let login = server.device().wait_for_next();
    login.deny().unwrap();
    assert!(device.join().unwrap().contains(login.user_code()));
    let port = server.port();
    drop(server);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody listens any more");
}

#[tokio::test]
async fn guards_put_back_what_they_changed() {
    let server = MockServer::start().await.unwrap();
    {
        let _frozen = server.freeze_clock();
        let _tv = server.scoped_client(Client::public("tv"));
        let now = server.now();
        server.advance(Duration::from_secs(960));
        assert_eq!(server.now(), now + Duration::from_secs(960));
        assert_eq!(server.clients().len(), 7);
    }
    assert_eq!(server.clients().len(), 6);
    assert!(get(server.port(), "/_control/clock", "").await.unwrap().body.contains("\"frozen\":false"));
}

#[tokio::test]
async fn a_tenant_is_steered_apart_from_the_server() {
    let server = MockServer::start().await.unwrap();
    let (one, two) = (server.tenant("one"), server.tenant("two"));
    assert_eq!(one.issuer(), format!("{}/t/one", server.issuer()));
    post(server.port(), "/t/one/device-authorization", "client_id=device").await.unwrap();
    assert_eq!((one.pending().len(), two.pending().len(), server.pending().len()), (1, 0, 0));
    assert_eq!((one.requests().len(), two.requests().len(), server.requests().len()), (1, 0, 0));
    one.device().next().await.approve("alice").unwrap();
    one.reset();
    assert_eq!(one.requests().len(), 0);
}

#[tokio::test]
async fn who_listens_is_told_of_the_requests_of_tenants() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = MockServer::builder().on_request(move |request| tell.send(request.path.clone()).unwrap());
    let server = server.start().await.unwrap();
    get(server.port(), "/t/a/jwks", "").await.unwrap();
    get(server.port(), "/jwks", "").await.unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["/t/a/jwks", "/jwks"]);
}

#[tokio::test]
async fn a_long_poll_is_answered_by_the_next_request() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let waiting =
        tokio::spawn(
            async move { get(port, "/_control/requests?since=0&wait=60", "").await.unwrap().json() },
        );
    // Whether it comes before or after the long poll, it is told.
    get(port, "/jwks", "").await.unwrap();
    assert_eq!(waiting.await.unwrap()["requests"][0]["path"], "/jwks");
}

#[tokio::test]
async fn a_long_poll_without_news_ends_when_it_said() {
    let server = MockServer::start().await.unwrap();
    let answer = get(server.port(), "/_control/requests?since=0&wait=0.05", "").await.unwrap();
    assert_eq!(answer.json(), serde_json::json!({ "requests": [], "next": 0 }));
}

#[tokio::test]
async fn an_approval_may_come_before_the_login() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let approval =
        tokio::spawn(
            async move { post(port, "/_control/devices/next/approve", "wait=60").await.unwrap().status },
        );
    post(port, "/device-authorization", "client_id=device").await.unwrap();
    assert_eq!(approval.await.unwrap(), 204);
    assert!(server.pending().is_empty());
    let answer = post(port, "/_control/devices/next/approve", "wait=0.01").await.unwrap();
    assert_eq!((answer.status, answer.json()["error"].as_str()), (404, Some("none_pending")));
}

/// The next line that holds `text`.
async fn line_with(lines: &mut tokio::io::Lines<BufReader<TcpStream>>, text: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap().expect("the stream goes on");
        if line.contains(text) {
            return line;
        }
    }
}

#[tokio::test]
async fn requests_come_as_a_stream() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET /_control/requests/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    line_with(&mut lines, "text/event-stream").await;
    line_with(&mut lines, ": listening").await;
    for path in ["/jwks", "/t/a/jwks", "/userinfo"] {
        get(port, path, "").await.unwrap();
    }
    for path in ["/jwks", "/userinfo"] {
        assert_eq!(line_with(&mut lines, "event:").await, "event: request");
        let data = line_with(&mut lines, "data: ").await;
        assert!(data.contains(&format!("\"path\":\"{path}\"")), "{data}");
    }
    // It does not hold up a graceful stop.
    server.stop().await;
    while lines.next_line().await.ok().flatten().is_some() {}
}

#[tokio::test]
async fn the_stream_tells_of_changes_that_no_request_made() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = "GET /t/a/_control/requests/stream?changes=true HTTP/1.1";
    stream.write_all(format!("{request}\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    line_with(&mut lines, ": listening").await;
    server.advance(Duration::from_secs(1)); // of another tenant: no event
    let tenant = server.tenant("a");
    let form = "client_id=device";
    let codes = post(port, "/t/a/device-authorization", form).await.unwrap().json();
    assert_eq!(line_with(&mut lines, "event:").await, "event: request");
    assert_eq!(line_with(&mut lines, "event:").await, "event: changed");
    tenant.slow_down(codes["user_code"].as_str().unwrap()).unwrap();
    assert_eq!(line_with(&mut lines, "event:").await, "event: changed");
    assert!(line_with(&mut lines, "data: ").await.starts_with("data: {\"revision\":"));
    // The page is looked at, and nothing has changed; the code expires, and nobody asked for anything.
    get(port, "/t/a/", "").await.unwrap();
    tenant.advance(Duration::from_millis(599_900));
    assert_eq!(line_with(&mut lines, "event:").await, "event: changed", "the clock");
    assert_eq!(line_with(&mut lines, "event:").await, "event: changed", "the expiry");
    assert!(tenant.pending().is_empty());
}
