//! What has arrived and is not used up yet.

use embedded_io::{Error as _, ErrorKind, Read};
use oauth_protocol::TransportFailure;

use super::wiped_buffer::WipedBuffer;
use super::{MAX_HEAD_BYTES, failure};

/// The most that one read takes.
const READ_BYTES: usize = 512;

pub(super) struct Incoming<'a, S> {
    stream: &'a mut S,
    buffer: WipedBuffer,
    used: usize,
}

impl<'a, S: Read> Incoming<'a, S> {
    pub(super) fn new(stream: &'a mut S) -> Self {
        Self { stream, buffer: WipedBuffer::default(), used: 0 }
    }

    pub(super) fn unread(&self) -> &[u8] {
        self.buffer.as_slice().get(self.used..).unwrap_or_default()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.used = self.used.saturating_add(count).min(self.buffer.len());
    }

    /// Reads more; false at the end of the stream. What is unread must be used up before it is
    /// [`MAX_HEAD_BYTES`] long.
    pub(super) fn fill(&mut self) -> Result<bool, TransportFailure> {
        self.buffer.drop_front(self.used);
        self.used = 0;
        let room = MAX_HEAD_BYTES.saturating_sub(self.buffer.len()).min(READ_BYTES);
        if room == 0 {
            return Err(TransportFailure::BodyTooLarge);
        }
        let stream = &mut *self.stream;
        let count = self.buffer.push_with(room, |space| {
            loop {
                match stream.read(space) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    result => return result.map_err(|error| failure(&error)),
                }
            }
        })?;
        Ok(count > 0)
    }

    /// Reads more; the end of the stream is `at_end`.
    pub(super) fn fill_or(&mut self, at_end: TransportFailure) -> Result<(), TransportFailure> {
        if self.fill()? { Ok(()) } else { Err(at_end) }
    }

    /// Moves `count` bytes to the end of `body`.
    pub(super) fn take(&mut self, count: usize, body: &mut WipedBuffer) -> Result<(), TransportFailure> {
        let mut missing = count;
        while missing > 0 {
            if self.unread().is_empty() {
                self.fill_or(TransportFailure::Closed)?;
            }
            let unread = self.unread();
            let piece = unread.get(..missing.min(unread.len())).unwrap_or_default();
            body.push(piece);
            let count = piece.len();
            self.consume(count);
            missing -= count;
        }
        Ok(())
    }
}
