//! HTTP/1.1 against literal bytes (RFC 9112).

use embedded_demo::http1::{DEFAULT_MAX_BODY_BYTES, MAX_HEAD_BYTES, exchange, read_response};
use embedded_io::{ErrorKind, ErrorType, Read, Write};
use oauth_protocol::{
    AccessTokenResponse, Action, ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointPolicy,
    EndpointUrl, HttpRequest, HttpResponse, Instant, PollingPolicy, TransportFailure,
};
use proptest::prelude::*;

use TransportFailure::{BodyTooLarge, Closed, NotHttp};

/// A connection on which `incoming` arrives in pieces of `piece` bytes, then the end or an error.
struct Connection<'a> {
    incoming: &'a [u8],
    piece: usize,
    end: Result<(), ErrorKind>,
    outgoing: Vec<u8>,
}

impl<'a> Connection<'a> {
    fn new(incoming: &'a [u8]) -> Self {
        Self { incoming, piece: usize::MAX, end: Ok(()), outgoing: Vec::new() }
    }
}

impl ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = buffer.len().min(self.incoming.len()).min(self.piece);
        if count == 0 {
            return self.end.map(|()| 0);
        }
        let (piece, rest) = self.incoming.split_at(count);
        buffer[..count].copy_from_slice(piece);
        self.incoming = rest;
        Ok(count)
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let count = bytes.len().min(self.piece);
        self.outgoing.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// All at once and byte by byte: the same either way.
#[track_caller]
fn read(bytes: impl AsRef<[u8]>) -> Result<HttpResponse, TransportFailure> {
    let bytes = bytes.as_ref();
    let whole = read_response(&mut Connection::new(bytes), DEFAULT_MAX_BODY_BYTES);
    let mut slow = Connection { piece: 1, ..Connection::new(bytes) };
    let pieces = read_response(&mut slow, DEFAULT_MAX_BODY_BYTES);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole.status(), pieces.status()),
        (whole, pieces) => assert_eq!(whole.as_ref().err(), pieces.as_ref().err()),
    }
    pieces
}

/// The core's parser is the witness that the whole body arrived.
#[track_caller]
fn assert_token(bytes: impl AsRef<[u8]>, access_token: &str) {
    let token = AccessTokenResponse::process_response(&read(bytes).unwrap()).unwrap();
    assert_eq!(token.access_token.expose(), access_token);
}

#[track_caller]
fn assert_failure(bytes: impl AsRef<[u8]>, expected: TransportFailure) {
    assert_eq!(read(bytes).unwrap_err(), expected);
}

fn request(url: &str) -> HttpRequest {
    let endpoint = EndpointPolicy::dangerously_allow_http("auth.example.com").endpoint(url).unwrap();
    let client = ClientAuthentication::none("device").unwrap();
    let token = EndpointUrl::parse("https://auth.example.com/token").unwrap();
    let request = DeviceCodeRequest::new(client, endpoint, token);
    match DeviceCodeGrant::new(request, PollingPolicy::default(), 1).poll(Instant::default()) {
        Action::Send(request) => request,
        other => panic!("{other:?}"),
    }
}

fn sent(url: &str, piece: usize) -> String {
    let mut connection = Connection { piece, ..Connection::new(b"HTTP/1.1 204 No Content\r\n\r\n") };
    let response = exchange(&mut connection, &request(url), DEFAULT_MAX_BODY_BYTES).unwrap();
    assert_eq!(response.status(), 204);
    String::from_utf8(connection.outgoing).unwrap()
}

#[test]
fn a_request_is_these_bytes() {
    let expected = concat!(
        "POST /device-authorization/?a=b HTTP/1.1\r\n",
        "host: auth.example.com:8443\r\n",
        "user-agent: embedded-demo/",
        env!("CARGO_PKG_VERSION"),
        "\r\n",
        "accept: application/json\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "accept-encoding: identity\r\n",
        "connection: close\r\n",
        "content-length: 16\r\n",
        "\r\n",
        "client_id=device"
    );
    let url = "https://auth.example.com:8443/device-authorization/?a=b";
    assert_eq!(sent(url, usize::MAX), expected);
    assert_eq!(sent(url, 7), expected, "a stream that takes a few bytes at a time");
}

#[test]
fn the_host_field_has_brackets_where_needed_and_no_default_port() {
    let host = |url| sent(url, usize::MAX).lines().nth(1).unwrap().to_owned();
    assert_eq!(host("https://auth.example.com/d"), "host: auth.example.com");
    assert_eq!(host("https://auth.example.com:443/d"), "host: auth.example.com");
    assert_eq!(host("http://auth.example.com/d"), "host: auth.example.com");
    assert_eq!(host("http://auth.example.com:443/d"), "host: auth.example.com:443");
    assert_eq!(host("http://[::1]:8080/d"), "host: [::1]:8080");
}

#[test]
fn bodies_by_length_in_chunks_and_until_the_end() {
    let json = r#"{"access_token":"a","token_type":"Bearer"}"#;
    assert_eq!(json.len(), 0x2a);
    assert_token(format!("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n{json}"), "a");
    assert_token(format!("HTTP/1.1 200 OK\r\ncontent-length:42\r\n\r\n{json}HTTP/1.1 200 OK"), "a");
    assert_token(format!("HTTP/1.1 200 OK\r\nContent-Length: 42\r\nContent-Length: 42\r\n\r\n{json}"), "a");
    assert_token(
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2A\r\n{json}\r\n0\r\n\r\n"),
        "a",
    );
    let (first, second) = json.split_at(16);
    assert_token(
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
             10;name=value\r\n{first}\r\n1a\r\n{second}\r\n000\r\nTrailer: read over\r\n\r\n"
        ),
        "a",
    );
    assert_token(format!("HTTP/1.1 200 OK\r\n\r\n{json}"), "a");
    assert_token(format!("HTTP/1.0 200 OK\r\n\r\n{json}"), "a");
    assert_token(format!("HTTP/1.1 200\r\ncontent-encoding: identity\r\n\r\n{json}"), "a");
}

#[test]
fn interim_answers_are_read_over_and_no_body_is_waited_for_where_there_is_none() {
    let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n";
    assert_eq!(read(format!("{head}HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n")).unwrap().status(), 429);
    assert_eq!(read("HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n").unwrap().status(), 204);
    assert_eq!(read("HTTP/1.1 304 Not Modified\r\n\r\n").unwrap().status(), 304);
    assert_failure("HTTP/1.1 101 Switching Protocols\r\n\r\n", NotHttp);
    assert_failure("HTTP/1.1 100 Continue\r\n\r\n".repeat(5), NotHttp);
}

#[test]
fn fields_are_found_in_any_case_and_odd_bytes_in_them_do_no_harm() {
    let response = read(b"HTTP/1.1 503 Down\r\nRETRY-AFTER:  120 \r\nx: \xff\xfe\r\n\r\n").unwrap();
    assert_eq!(response.header("retry-after"), Some("120"));
    assert_eq!(response.header("x"), Some("\u{fffd}\u{fffd}"));
}

#[test]
fn garbage_is_no_http() {
    for bytes in [
        "<html><title>Welcome to the hotel</title>",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\x15\x03\x01\x00\x02\x02\x46",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nfolded: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\na",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n11111111111111111\r\n",
    ] {
        assert_eq!(read(bytes).unwrap_err(), NotHttp, "{bytes:?}");
    }
    assert_failure(
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;{}", "x".repeat(300)),
        NotHttp,
    );
}

#[test]
fn an_answer_cut_off_anywhere_is_a_lost_connection() {
    for whole in [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nt: x\r\n\r\n",
    ] {
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]).unwrap_err(), Closed, "{length} bytes of {whole:?}");
        }
        assert_eq!(read(whole).unwrap().status(), 200);
    }
}

#[test]
fn a_body_over_the_bound_is_not_read_to_its_end() {
    let bound = DEFAULT_MAX_BODY_BYTES;
    let (fits, too_long) = ("x".repeat(bound), "x".repeat(bound + 1));
    let with_length = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let chunked = |body: &str| {
        let half = body.len() / 2;
        let (first, second) = body.split_at(half);
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        )
    };
    let until_end = |body: &str| format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    for message in [&with_length, &chunked, &until_end] as [&dyn Fn(&str) -> String; 3] {
        assert_eq!(read(message(&fits)).unwrap().status(), 200);
        assert_failure(message(&too_long), BodyTooLarge);
    }
    // No byte of these bodies is waited for.
    assert_failure("HTTP/1.1 200 OK\r\ncontent-length: 8193\r\n\r\n", BodyTooLarge);
    assert_failure("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n", BodyTooLarge);
    assert_failure("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n", BodyTooLarge);
}

#[test]
fn the_callers_bound_counts_and_so_does_the_requests() {
    let failure = |length: usize, bound| {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        let request = request("https://auth.example.com/d");
        exchange(&mut Connection::new(answer.as_bytes()), &request, bound).unwrap_err()
    };
    assert_eq!(failure(100, 99), BodyTooLarge);
    assert_eq!(failure(100, 100), Closed, "it was read as far as it came");
    // The core wants 64 KiB at most.
    assert_eq!(failure(65_537, usize::MAX), BodyTooLarge);
    assert_eq!(failure(65_536, usize::MAX), Closed);
}

#[test]
fn a_head_over_the_bound_is_refused() {
    let padding = "x".repeat(MAX_HEAD_BYTES);
    assert_failure(format!("HTTP/1.1 200 OK\r\nx: {padding}\r\n\r\n"), BodyTooLarge);
    assert_failure(format!("HTTP/1.1 200 {padding}\r\n\r\n"), BodyTooLarge);
    assert_failure(format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(65)), BodyTooLarge);
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "a: b\r\n".repeat(63));
    assert_eq!(read(many).unwrap().status(), 200);
}

#[test]
fn what_the_stream_says_is_what_the_login_hears() {
    for (kind, expected) in [
        (ErrorKind::TimedOut, TransportFailure::Timeout),
        (ErrorKind::ConnectionRefused, TransportFailure::Connect),
        (ErrorKind::ConnectionReset, Closed),
        (ErrorKind::Other, Closed),
    ] {
        let mut connection = Connection { end: Err(kind), ..Connection::new(b"HTTP/1.1 200 OK\r\n") };
        assert_eq!(read_response(&mut connection, 1).unwrap_err(), expected, "{kind:?}");
    }
    let mut takes_nothing = Connection { piece: 0, ..Connection::new(b"") };
    let request = request("https://auth.example.com/d");
    assert_eq!(exchange(&mut takes_nothing, &request, 1).unwrap_err(), Closed);
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_a_failure(bytes: Vec<u8>, piece in 1_usize..64) {
        let mut connection = Connection { piece, ..Connection::new(&bytes) };
        match read_response(&mut connection, 64) {
            Ok(response) => prop_assert!((200..600).contains(&response.status())),
            Err(failure) => prop_assert!(matches!(failure, Closed | NotHttp | BodyTooLarge)),
        }
    }

    #[test]
    fn any_bytes_after_a_good_head_stay_within_the_bound(
        head in prop_oneof![
            Just("HTTP/1.1 200 OK\r\n\r\n"),
            Just("HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n"),
            Just("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ],
        body in "[0-9a-f\r\n;x]{0,200}",
    ) {
        let bytes = [head, &body].concat();
        let mut connection = Connection::new(bytes.as_bytes());
        match read_response(&mut connection, 64) {
            Ok(response) => prop_assert_eq!(response.status(), 200),
            Err(failure) => prop_assert!(matches!(failure, Closed | NotHttp | BodyTooLarge)),
        }
    }
}
