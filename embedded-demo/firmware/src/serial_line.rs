//! The transport of a board whose network is a modem on a serial port: a stream of bytes to one server.

use core::time::Duration;

use embedded_demo::{Transport, http1};
use embedded_io::ErrorKind;
use oauth_protocol::{HttpRequest, HttpResponse, Instant, TransportFailure};

use crate::serial_port::SerialPort;
use crate::system_timer::SystemTimer;

/// The longest answer that is read, in bytes: memory is short, tokens are not longer.
pub const MAX_BODY_BYTES: usize = 4096;
/// How long the far end takes to connect anew after the server has closed: `reconnect=1` of QEMU, doubled.
const RECONNECTION: Duration = Duration::from_secs(2);

/// A serial port whose far end is connected to the server.
pub struct SerialLine {
    port: SerialPort,
    timer: SystemTimer,
    usable_at: Instant,
}

impl SerialLine {
    /// The line behind `port`.
    pub fn new(port: SerialPort, timer: SystemTimer) -> Self {
        Self { port, timer, usable_at: timer.now() }
    }

    /// The next connection, for this request.
    pub fn connection(&mut self, request: &HttpRequest) -> Connection<'_> {
        loop {
            // What comes late is no answer to this request: TLS's goodbye, behind which the far end sees that the
            // server has closed.
            while self.port.receive().is_some() {
                self.disconnected();
            }
            if self.timer.now() >= self.usable_at {
                break;
            }
            self.timer.wait();
        }
        let deadline = self.timer.now().saturating_add(request.timeout());
        Connection { port: &mut self.port, timer: self.timer, deadline }
    }

    /// The server has closed it, or will.
    pub fn disconnected(&mut self) {
        self.usable_at = self.timer.now().saturating_add(RECONNECTION);
    }
}

impl Transport for SerialLine {
    #[inline(never)] // Once in the flash, and its stack only while it runs.
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        if request.url().is_https() {
            return Err(TransportFailure::Tls);
        }
        let result = http1::exchange(&mut self.connection(request), request, MAX_BODY_BYTES);
        self.disconnected();
        result
    }
}

/// Bytes to the server and back, until a moment.
pub struct Connection<'a> {
    port: &'a mut SerialPort,
    timer: SystemTimer,
    deadline: Instant,
}

impl embedded_io::ErrorType for Connection<'_> {
    type Error = ErrorKind;
}

impl embedded_io::Read for Connection<'_> {
    /// The end of the stream is not seen: an answer has to say how long it is.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut count = 0;
        loop {
            match self.port.receive() {
                Some(byte) => {
                    let Some(space) = buffer.get_mut(count) else { return Ok(count) };
                    *space = byte;
                    count += 1;
                    if count == buffer.len() {
                        return Ok(count);
                    }
                }
                None if count > 0 => return Ok(count),
                None if self.timer.now() >= self.deadline => return Err(ErrorKind::TimedOut),
                // The port has room for sixteen bytes, more than come in a millisecond at 115200 baud.
                None => self.timer.wait(),
            }
        }
    }
}

impl embedded_io::Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for byte in bytes {
            self.port.send(*byte);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
