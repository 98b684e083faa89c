//! The board with nothing but two serial ports: one leads to the server, the other to whoever watches.

use core::fmt::Write as _;

use embedded_demo::{Screen, View};

use crate::host;
use crate::registers::Registers;
use crate::scenario::Verdict;
use crate::serial_line::SerialLine;
use crate::serial_port::SerialPort;
use crate::system_timer::SystemTimer;

/// The chip's map of addresses.
#[allow(unsafe_code)] // SAFETY: UART0; it has no DMA.
const LINE: Registers = unsafe { Registers::at(0x4000_C000) };
#[allow(unsafe_code)] // SAFETY: UART1; it has no DMA.
const LOG: Registers = unsafe { Registers::at(0x4000_D000) };

/// NOT RANDOM: this board has nothing to draw a seed from. A product takes its serial number, and noise.
pub const SEED: u64 = 1;

/// What a person sees, as lines of text.
pub struct Lines(SerialPort);

impl Screen for Lines {
    fn show(&mut self, view: &View<'_>) {
        // Nothing to be done about it.
        let _ = writeln!(self.0, "{view}");
    }
}

/// The board's parts, once.
pub fn start() -> Result<(SerialLine, SystemTimer, Lines), &'static str> {
    let processor = cortex_m::Peripherals::take().ok_or("the processor is taken")?;
    let timer = SystemTimer::start(processor.SYST);
    let line = SerialLine::new(SerialPort::start(LINE), timer);
    Ok((line, timer, Lines(SerialPort::start(LOG))))
}

/// Tells whoever watches, and the host.
pub fn end(verdict: Verdict) -> ! {
    host::exit(SerialPort::start(LOG), verdict)
}
