//! Any bytes as the answer of a server, held against what is true of all of them.

use std::time::Duration;

use embedded_demo::Transport as _;
use embedded_demo::http1::{Connector, KeepAlive, MAX_HEAD_BYTES, read_response};
use embedded_io::{ErrorKind, ErrorType, Read, Write};
use oauth_protocol::{EndpointUrl, HttpRequest, HttpResponse, TransportFailure};

/// The bound of the bodies: small, so that what lies beyond it is reached.
const MAX_BODY_BYTES: usize = 64;
/// Heads of four interim answers, of the final one, and trailers.
const MOST_HEADS: usize = 6;
/// A chunk of one byte has a line of at most so many bytes, and two more at its end.
const MOST_BYTES_A_CHUNK: usize = 256 + 512;

/// What is seen of an answer.
pub(crate) type Outcome = Result<(u16, Vec<u8>), TransportFailure>;

/// Reads `bytes` as one answer, in pieces of all kinds, with a connection that is closed behind them and with one that is
/// not, and as the answers to two requests on a connection that is kept.
///
/// # Panics
///
/// If that makes a difference that it must not make, more is read than the bounds say, or the reader panics.
pub(crate) fn run(bytes: &[u8]) -> Outcome {
    let outcome = read(bytes, usize::MAX, Ok(()));
    match &outcome {
        Ok((status, body)) => assert!((200..600).contains(status) && body.len() <= MAX_BODY_BYTES),
        Err(failure) => assert!(
            matches!(
                failure,
                TransportFailure::Closed | TransportFailure::NotHttp | TransportFailure::BodyTooLarge
            ),
            "{failure:?}"
        ),
    }
    for piece in [1, 2, 7, 100] {
        assert_eq!(read(bytes, piece, Ok(())), outcome, "in pieces of {piece}");
    }
    // A server that says no more and does not close.
    match (&outcome, read(bytes, usize::MAX, Err(ErrorKind::TimedOut))) {
        // Until then nobody knows that it was the whole answer, or that no more of it comes.
        (Ok(_) | Err(TransportFailure::Closed), Err(TransportFailure::Timeout)) => {}
        (Err(TransportFailure::Closed), other) => panic!("{other:?} of half an answer"),
        (outcome, open) => assert_eq!(*outcome, open),
    }
    let mut transport = KeepAlive::new(Server(bytes)).with_max_body_bytes(MAX_BODY_BYTES);
    let url = EndpointUrl::parse("https://auth.example.com/resource").unwrap();
    for _ in 0..3 {
        assert_eq!(
            seen(transport.exchange(&HttpRequest::get(&url))),
            outcome,
            "on a connection that is kept"
        );
    }
    outcome
}

fn read(bytes: &[u8], piece: usize, end: Result<(), ErrorKind>) -> Outcome {
    let mut connection = Connection { answer: bytes, unread: bytes, piece, end };
    let outcome = seen(read_response(&mut connection, MAX_BODY_BYTES));
    let count = bytes.len() - connection.unread.len();
    assert!(
        count <= MOST_HEADS * MAX_HEAD_BYTES + MAX_BODY_BYTES * MOST_BYTES_A_CHUNK,
        "{count} bytes were read for {MAX_BODY_BYTES}"
    );
    outcome
}

fn seen(result: Result<HttpResponse, TransportFailure>) -> Outcome {
    result.map(|response| (response.status(), response.body().to_vec()))
}

/// Answers each request with the same bytes, then closes, if it was to.
struct Connection<'a> {
    answer: &'a [u8],
    unread: &'a [u8],
    piece: usize,
    end: Result<(), ErrorKind>,
}

impl ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = buffer.len().min(self.unread.len()).min(self.piece);
        if count == 0 {
            return self.end.map(|()| 0);
        }
        let (piece, rest) = self.unread.split_at(count);
        buffer[..count].copy_from_slice(piece);
        self.unread = rest;
        Ok(count)
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.unread = self.answer;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

struct Server<'a>(&'a [u8]);

impl<'a> Connector for Server<'a> {
    type Connection = Connection<'a>;

    fn connect(&mut self, _: &EndpointUrl, _: Duration) -> Result<Connection<'a>, TransportFailure> {
        Ok(Connection { answer: self.0, unread: &[], piece: usize::MAX, end: Ok(()) })
    }

    fn is_open(&mut self, connection: &mut Connection<'a>, _: Duration) -> bool {
        connection.unread.is_empty()
    }
}
