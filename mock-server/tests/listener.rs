//! What only a socket shows.

use std::time::Duration;

use mock_server::MockServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::raw_http::{exchange, get, post};

#[tokio::test(flavor = "multi_thread")]
async fn two_parallel_redemptions_of_a_code_give_one_success() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    for _ in 0..20 {
        let redirect = get(port, "/authorize?response_type=code&client_id=web", "").await.unwrap();
        let (_, rest) = redirect.head.split_once("code=").expect("a code");
        let code = rest.split('&').next().unwrap().to_owned();
        let form =
            format!("grant_type=authorization_code&client_id=web&client_secret=web-secret&code={code}");
        let (one, two) = tokio::join!(post(port, "/token", &form), post(port, "/token", &form));
        let mut statuses = [one.unwrap().status, two.unwrap().status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused() {
    let server = MockServer::start().await.unwrap();
    let fits = format!("client_id=device&x={}", "a".repeat(65_536 - 19));
    assert_eq!(fits.len(), 65_536);
    assert_eq!(post(server.port(), "/device-authorization", &fits).await.unwrap().status, 200);
    // Only the head is sent: the length that it announces is enough.
    let port = server.port();
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 65537\r\n\r\n"
    );
    let refused = exchange(port, &head).await.unwrap();
    assert_eq!(refused.status, 413);
    assert_eq!(refused.json()["error"], "invalid_request");
}

#[tokio::test]
async fn garbage_is_answered_with_400() {
    let server = MockServer::start().await.unwrap();
    for garbage in ["GET\r\n\r\n", "\u{16}\u{3}\u{1}hello\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"] {
        assert_eq!(exchange(server.port(), garbage).await.unwrap().status, 400, "{garbage:?}");
    }
    assert_eq!(get(server.port(), "/device", "").await.unwrap().status, 200);
}

/// Time stands still but where everyone waits: what the server would do after ten seconds, it does at once.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_end_its_request_is_cut_off() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let unfinished = [
        ("", None),
        ("POST /token HT", None),
        (&format!("POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: "), None),
        (
            &format!(
                "POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{form}\r\nContent-Length: 9\r\n\r\nx"
            ),
            Some("408"),
        ),
        (
            &format!(
                "POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{form}\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx"
            ),
            Some("408"),
        ),
    ];
    for (start, status) in unfinished {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), status, "{start}: {answer}");
    }
    assert_eq!(server.requests(), []);
}

/// One that sends a byte before every deadline does not get more time.
#[tokio::test(start_paused = true)]
async fn a_client_that_trickles_is_cut_off() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let form = "Content-Type: application/x-www-form-urlencoded";
    for head in [
        "POST /token HTTP/1.1\r\nX: ".to_owned(),
        format!("POST /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{form}\r\nContent-Length: 1000\r\n\r\n"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let trickle = async {
            for _ in 0..1000 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if write.write_all(b"x").await.is_err() {
                    return;
                }
            }
            panic!("1000 seconds were not enough to be cut off");
        };
        let until_closed = async {
            let mut answer = Vec::new();
            // A reset is an end too: a byte was on its way.
            let _ = read.read_to_end(&mut answer).await;
        };
        tokio::select! {
            () = trickle => {}
            () = until_closed => {}
        }
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for _ in 0..3 {
        let request = format!("GET /resource HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&head));
    }
}

#[tokio::test]
async fn a_head_request_has_no_body() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let request = format!("HEAD /device HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let answer = exchange(port, &request).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_graceful_stop_answers_the_request_under_way() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST /device-authorization HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request is under way.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(server.stop());
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stream.write_all(b"client_id=device").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn dropping_the_server_stops_it() {
    let server = MockServer::start().await.unwrap();
    let port = server.port();
    drop(server);
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
