//! The client's side of one HTTP/1.1 exchange (RFC 9112), for devices with little memory.
//!
//! [`exchange`] is one request on a connection of its own; [`KeepAlive`] keeps the connection for the next one. No
//! compression, nothing read beyond the bounds. Whatever comes that is no whole answer is a [`TransportFailure`], never
//! a panic.

mod incoming;
mod keep_alive;
mod message_body;
mod wiped_buffer;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use embedded_io::{Error as _, ErrorKind, Read, Write};
use httparse::{EMPTY_HEADER, Header, Status};
use oauth_protocol::{HttpRequest, HttpResponse, TransportFailure};
use zeroize::Zeroizing;

use incoming::Incoming;
pub use keep_alive::{Connector, KeepAlive};
use message_body::Framing;

/// The longest body that is read where the caller names no other bound, in bytes.
pub const DEFAULT_MAX_BODY_BYTES: usize = 8 * 1024;
/// The longest head that is read, in bytes, and the most fields in it.
pub const MAX_HEAD_BYTES: usize = 8 * 1024;
const MAX_FIELDS: usize = 64;
/// Interim answers (1xx) before the final one.
const MAX_INTERIM: usize = 4;

/// Sends `request` on a connection to its host that nothing was sent on yet, and reads the answer: a body
/// of at most `max_body_bytes`, or fewer where the request says so. The connection is of no use after it.
///
/// The stream keeps the time: once [`HttpRequest::timeout`] is over, its reads and writes fail with
/// [`ErrorKind::TimedOut`].
pub fn exchange(
    stream: &mut (impl Read + Write),
    request: &HttpRequest,
    max_body_bytes: usize,
) -> Result<HttpResponse, TransportFailure> {
    send(stream, request, AfterThis::Close)?;
    read_response(stream, max_body_bytes.min(request.max_body_bytes()))
}

/// Reads one answer to a request that was no `HEAD`.
pub fn read_response(
    stream: &mut impl Read,
    max_body_bytes: usize,
) -> Result<HttpResponse, TransportFailure> {
    let (response, _) = read_answer(stream, max_body_bytes)?;
    Ok(response)
}

/// What becomes of the connection after an exchange (RFC 9112 §9.3 and §9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterThis {
    Close,
    KeepOpen,
}

fn read_answer(
    stream: &mut impl Read,
    max_body_bytes: usize,
) -> Result<(HttpResponse, AfterThis), TransportFailure> {
    let mut incoming = Incoming::new(stream);
    let head = read_head(&mut incoming)?;
    let body = message_body::read(&mut incoming, head.framing, max_body_bytes)?;
    // Nobody asked for what comes after the answer: it would be taken for the next one.
    let after_this = if incoming.unread().is_empty() { head.after_this } else { AfterThis::Close };
    Ok((HttpResponse::new(head.status, head.fields, body), after_this))
}

fn send(
    stream: &mut impl Write,
    request: &HttpRequest,
    after_this: AfterThis,
) -> Result<(), TransportFailure> {
    let message = request_message(request, after_this);
    let mut rest = message.as_bytes();
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(0) => return Err(TransportFailure::Closed),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failure(&error)),
        }
    }
    stream.flush().map_err(|error| failure(&error))
}

/// RFC 9112 §3: request line, fields, body. No value in it can end its line: the core lets none through.
fn request_message(request: &HttpRequest, after_this: AfterThis) -> Zeroizing<String> {
    let url = request.url();
    let host = if url.host().contains(':') { ["[", url.host(), "]"] } else { ["", url.host(), ""] };
    let is_default_port = url.port() == if url.is_https() { 443 } else { 80 };
    let port = if is_default_port { String::new() } else { [":", &url.port().to_string()].concat() };
    let target = url.path_and_query();
    let length = request.body().len().to_string();
    let mut parts: Vec<&str> = alloc::vec![request.method().as_str(), " ", &target, " HTTP/1.1\r\nhost: "];
    parts.extend(host);
    parts.extend([&port, "\r\nuser-agent: embedded-demo/", env!("CARGO_PKG_VERSION"), "\r\n"]);
    for (name, value) in request.headers() {
        parts.extend([name, ": ", value, "\r\n"]);
    }
    // "If no Accept-Encoding header field is in the request, any content coding is considered acceptable"
    // (RFC 9110 §12.5.3).
    parts.push("accept-encoding: identity\r\n");
    // Without a word it stays open (RFC 9112 §9.3).
    if after_this == AfterThis::Close {
        parts.push("connection: close\r\n");
    }
    if !request.body().is_empty() {
        parts.extend(["content-length: ", &length, "\r\n"]);
    }
    parts.extend(["\r\n", request.body()]);
    // One allocation of the right size: growing would leave copies of the credentials behind.
    Zeroizing::new(parts.concat())
}

/// What the head of the final answer says.
struct Head {
    status: u16,
    fields: Vec<(String, String)>,
    framing: Framing,
    after_this: AfterThis,
}

fn read_head(incoming: &mut Incoming<'_, impl Read>) -> Result<Head, TransportFailure> {
    let mut interim = 0;
    loop {
        match parse_head(incoming.unread())? {
            None => incoming.fill_or(TransportFailure::Closed)?,
            Some((length, head)) => {
                incoming.consume(length);
                match head.status {
                    // "A client MUST be able to parse one or more 1xx responses received prior to a final
                    // response" (RFC 9110 §15.2); nobody asked for a switch of protocols.
                    100 | 102..=199 if interim < MAX_INTERIM => interim += 1,
                    200..=599 => return Ok(head),
                    _ => return Err(TransportFailure::NotHttp),
                }
            }
        }
    }
}

/// `None`: the head is not complete yet.
#[inline(never)] // Its kilobyte of stack is needed here only, not while the network is waited for.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Head)>, TransportFailure> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(TransportFailure::BodyTooLarge),
        Err(_) => return Err(TransportFailure::NotHttp),
    };
    let status = response.code.ok_or(TransportFailure::NotHttp)?;
    let is_http_1_0 = response.version == Some(0);
    let framing = Framing::of(status, is_http_1_0, response.headers)?;
    let may_stay = !is_http_1_0 && framing != Framing::UntilClose && !says_close(response.headers);
    let after_this = if may_stay { AfterThis::KeepOpen } else { AfterThis::Close };
    let fields = response.headers.iter().map(owned).collect();
    Ok(Some((length, Head { status, fields, framing, after_this })))
}

/// A list of options, separated by commas, in any case (RFC 9110 §7.6.1).
fn says_close(fields: &[Header<'_>]) -> bool {
    let options = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("connection"));
    options
        .flat_map(|field| field.value.split(|byte| *byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

fn owned(field: &Header<'_>) -> (String, String) {
    (field.name.into(), String::from_utf8_lossy(field.value).into_owned())
}

/// What an error of the stream means for the exchange.
fn failure(error: &impl embedded_io::Error) -> TransportFailure {
    match error.kind() {
        ErrorKind::TimedOut => TransportFailure::Timeout,
        ErrorKind::ConnectionRefused | ErrorKind::NotConnected | ErrorKind::AddrNotAvailable => {
            TransportFailure::Connect
        }
        _ => TransportFailure::Closed,
    }
}
