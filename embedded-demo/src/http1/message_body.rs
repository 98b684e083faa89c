//! Where a body ends (RFC 9112 §6 and §7).

use alloc::vec::Vec;
use core::str;

use embedded_io::Read;
use httparse::{EMPTY_HEADER, Header, Status};
use oauth_protocol::TransportFailure;

use super::MAX_FIELDS;
use super::incoming::Incoming;
use super::wiped_buffer::WipedBuffer;

/// The longest line with a chunk's size, extensions included, in bytes.
const MAX_CHUNK_LINE_BYTES: usize = 256;

/// What the head says about the body's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Framing {
    /// RFC 9112 §6.3. What it allows a client to guess about is refused here: a proxy on the way may have
    /// guessed otherwise.
    pub(super) fn of(
        status: u16,
        is_http_1_0: bool,
        fields: &[Header<'_>],
    ) -> Result<Self, TransportFailure> {
        const REFUSED: Result<Framing, TransportFailure> = Err(TransportFailure::NotHttp);
        let values = |name: &'static str| {
            fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
        };
        if values("content-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
            // Not asked for.
            return REFUSED;
        }
        if matches!(status, 100..=199 | 204 | 304) {
            return Ok(Self::None);
        }
        let mut codings = values("transfer-encoding");
        if let Some(coding) = codings.next() {
            let is_chunked_alone = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            let has_length = values("content-length").next().is_some();
            return if is_chunked_alone && !has_length && !is_http_1_0 { Ok(Self::Chunked) } else { REFUSED };
        }
        let mut lengths = values("content-length");
        let Some(length) = lengths.next() else { return Ok(Self::UntilClose) };
        if lengths.any(|other| other != length) || length.is_empty() || !length.iter().all(u8::is_ascii_digit)
        {
            return REFUSED;
        }
        let length = str::from_utf8(length).ok().and_then(|digits| digits.parse().ok());
        // Digits all of them: too many is too long.
        Ok(Self::Length(length.unwrap_or(u64::MAX)))
    }
}

/// The body, decoded, of at most `max_bytes`.
pub(super) fn read(
    incoming: &mut Incoming<'_, impl Read>,
    framing: Framing,
    max_bytes: usize,
) -> Result<Vec<u8>, TransportFailure> {
    let mut body = WipedBuffer::default();
    match framing {
        Framing::None => {}
        Framing::Length(length) => incoming.take(bounded(length, max_bytes)?, &mut body)?,
        Framing::Chunked => read_chunks(incoming, max_bytes, &mut body)?,
        Framing::UntilClose => loop {
            let count = incoming.unread().len();
            bounded_len(body.len().saturating_add(count), max_bytes)?;
            incoming.take(count, &mut body)?;
            if !incoming.fill()? {
                break;
            }
        },
    }
    Ok(body.into_vec())
}

/// RFC 9112 §7.1: sizes in hexadecimal, each chunk ended by CRLF, a chunk of size 0, trailers, an empty
/// line. Extensions and trailers are read over.
fn read_chunks(
    incoming: &mut Incoming<'_, impl Read>,
    max_bytes: usize,
    body: &mut WipedBuffer,
) -> Result<(), TransportFailure> {
    loop {
        let size = read_chunk_size(incoming)?;
        if size == 0 {
            return read_trailers(incoming);
        }
        let size = bounded(size, max_bytes.saturating_sub(body.len()))?;
        incoming.take(size, body)?;
        let mut end = WipedBuffer::default();
        incoming.take(2, &mut end)?;
        if end.as_slice() != b"\r\n" {
            return Err(TransportFailure::NotHttp);
        }
    }
}

fn read_chunk_size(incoming: &mut Incoming<'_, impl Read>) -> Result<u64, TransportFailure> {
    loop {
        match httparse::parse_chunk_size(incoming.unread()) {
            // However it arrives: what is too long in pieces is too long in one.
            Ok(Status::Complete((length, size))) if length <= MAX_CHUNK_LINE_BYTES => {
                incoming.consume(length);
                return Ok(size);
            }
            Ok(Status::Partial) if incoming.unread().len() < MAX_CHUNK_LINE_BYTES => {
                incoming.fill_or(TransportFailure::Closed)?;
            }
            _ => return Err(TransportFailure::NotHttp),
        }
    }
}

fn read_trailers(incoming: &mut Incoming<'_, impl Read>) -> Result<(), TransportFailure> {
    loop {
        if let Some(length) = trailers_length(incoming.unread())? {
            incoming.consume(length);
            return Ok(());
        }
        incoming.fill_or(TransportFailure::Closed)?;
    }
}

/// `None`: they are not complete yet.
#[inline(never)] // As `parse_head`.
fn trailers_length(bytes: &[u8]) -> Result<Option<usize>, TransportFailure> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    match httparse::parse_headers(bytes, &mut fields) {
        Ok(Status::Complete((length, _))) => Ok(Some(length)),
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(TransportFailure::NotHttp),
    }
}

fn bounded(length: u64, max_bytes: usize) -> Result<usize, TransportFailure> {
    bounded_len(usize::try_from(length).unwrap_or(usize::MAX), max_bytes)
}

fn bounded_len(length: usize, max_bytes: usize) -> Result<usize, TransportFailure> {
    if length > max_bytes { Err(TransportFailure::BodyTooLarge) } else { Ok(length) }
}
