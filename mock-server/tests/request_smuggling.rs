//! Requests whose end can be read in two ways (RFC 9112 sections 6.1, 6.3 and 11.2): none may hide a second one.

use std::time::Duration;

use mock_server::MockServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What the attacker wants to be taken as a request of its own.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: HOST\r\n\r\n";

/// Name, head without the request line and `Host`, body. `HIDDEN` in a body stands for the request above.
const ATTEMPTS: [(&str, &str, &str); 40] = [
    ("length and chunked", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nHIDDEN"),
    ("chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\nHIDDEN"),
    ("two lengths", "Content-Length: 0\r\nContent-Length: 44\r\n", "HIDDEN"),
    ("two lengths in one", "Content-Length: 0, 44\r\n", "HIDDEN"),
    ("two equal lengths in one", "Content-Length: 0, 0\r\n", "HIDDEN"),
    ("a signed length", "Content-Length: +0\r\n", "HIDDEN"),
    ("a negative length", "Content-Length: -1\r\n", "HIDDEN"),
    ("a hexadecimal length", "Content-Length: 0x0\r\n", "HIDDEN"),
    ("an octal-looking length", "Content-Length: 00\r\n", ""),
    ("a length with a space inside", "Content-Length: 0 0\r\n", "HIDDEN"),
    ("a length with letters", "Content-Length: 0a\r\n", "HIDDEN"),
    ("a length beyond 2^64", "Content-Length: 18446744073709551616\r\n", "HIDDEN"),
    ("a fractional length", "Content-Length: 0.0\r\n", "HIDDEN"),
    ("an empty length", "Content-Length: \r\n", "HIDDEN"),
    ("a space before the colon", "Content-Length : 0\r\n", "HIDDEN"),
    ("a tab before the colon", "Transfer-Encoding\t: chunked\r\n", "0\r\n\r\nHIDDEN"),
    ("a space before the name", " Content-Length: 44\r\n", "HIDDEN"),
    ("a folded header", "X: 1\r\n Content-Length: 44\r\n", "HIDDEN"),
    ("a folded encoding", "Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\nHIDDEN"),
    ("an unknown encoding", "Transfer-Encoding: xchunked\r\nContent-Length: 44\r\n", "HIDDEN"),
    ("identity", "Transfer-Encoding: identity\r\nContent-Length: 44\r\n", "HIDDEN"),
    ("chunked is not last", "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\nHIDDEN"),
    ("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\nHIDDEN"),
    (
        "chunked in two headers",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "0\r\n\r\nHIDDEN",
    ),
    ("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\nHIDDEN"),
    ("chunked after a vertical tab", "Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\nHIDDEN"),
    ("chunked before a NUL", "Transfer-Encoding: chunked\0\r\n", "0\r\n\r\nHIDDEN"),
    ("chunked with a parameter", "Transfer-Encoding: chunked;x=1\r\n", "0\r\n\r\nHIDDEN"),
    ("a chunk size with a sign", "Transfer-Encoding: chunked\r\n", "+0\r\n\r\nHIDDEN"),
    ("a chunk size with 0x", "Transfer-Encoding: chunked\r\n", "0x0\r\n\r\nHIDDEN"),
    ("a chunk size beyond 2^64", "Transfer-Encoding: chunked\r\n", "10000000000000000\r\n\r\nHIDDEN"),
    ("a chunk size without digits", "Transfer-Encoding: chunked\r\n", "\r\n\r\nHIDDEN"),
    ("a bare LF after a chunk size", "Transfer-Encoding: chunked\r\n", "0\n\nHIDDEN"),
    ("a chunk longer than its size", "Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\nHIDDEN"),
    ("a bare CR in a chunk extension", "Transfer-Encoding: chunked\r\n", "0;\rx\r\n\r\nHIDDEN"),
    ("a bare LF in a chunk extension", "Transfer-Encoding: chunked\r\n", "2;\nxx\r\n4d\r\n0\r\n\r\nHIDDEN"),
    ("a bare CR between headers", "X: 1\rTransfer-Encoding: chunked\r\n", "0\r\n\r\nHIDDEN"),
    ("a NUL in a header", "X: \0\r\n", "HIDDEN"),
    ("a header without a colon", "Transfer-Encoding chunked\r\n", "0\r\n\r\nHIDDEN"),
    ("an endless trailer", "Transfer-Encoding: chunked\r\n", "0\r\nX\r\n\r\nHIDDEN"),
];

/// Sends bytes and reads until the server closes, or has been silent long after an answer.
async fn send(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    // The client has nothing more to say: what waits for more bytes ends here.
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is a way to close.
    let _ =
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn no_request_hides_in_the_body_of_another() {
    for (name, head, body) in ATTEMPTS {
        let server = MockServer::start().await.unwrap();
        let host = format!("127.0.0.1:{}", server.port());
        let hidden = HIDDEN.replace("HOST", &host);
        let request = format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n{head}\r\n{body}"
        );
        let answer = send(server.port(), request.replace("HIDDEN", &hidden).as_bytes()).await;
        let hidden_request = server.requests().into_iter().find(|request| request.path == "/hidden");
        assert_eq!(hidden_request, None, "{name}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer}");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
    }
}

#[tokio::test]
async fn the_hidden_request_is_answered_where_nothing_hides_it() {
    let server = MockServer::start().await.unwrap();
    let host = format!("127.0.0.1:{}", server.port());
    let hidden = HIDDEN.replace("HOST", &host);
    for head in
        ["Content-Length: 5\r\n\r\nx=abc", "Transfer-Encoding: chunked\r\n\r\n5\r\nx=abc\r\n0\r\n\r\n"]
    {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let request = format!("POST /token HTTP/1.1\r\nHost: {host}\r\n{form}\r\n{head}{hidden}");
        let answer = send(server.port(), request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
        assert_eq!(server.requests().pop().unwrap().path, "/hidden");
    }
}
