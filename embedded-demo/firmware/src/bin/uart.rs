//! The device over a serial line, with lines of text for a screen.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::fmt::Write as _;

use cortex_m_rt::entry;
use embedded_demo::{Screen, View};
use firmware::ram_record::RamRecord;
use firmware::registers::Registers;
use firmware::scenario::{self, Verdict};
use firmware::serial_line::SerialLine;
use firmware::serial_port::SerialPort;
use firmware::system_timer::SystemTimer;
use firmware::{heap, host};

/// The chip's map of addresses.
#[allow(unsafe_code)] // SAFETY: UART0; it has no DMA.
const LINE: Registers = unsafe { Registers::at(0x4000_C000) };
#[allow(unsafe_code)] // SAFETY: UART1; it has no DMA.
const LOG: Registers = unsafe { Registers::at(0x4000_D000) };

/// NOT RANDOM: this board has nothing to draw a seed from. A product takes its serial number, and noise.
const SEED: u64 = 1;

/// What a person sees, as lines of text.
struct Lines(SerialPort);

impl Screen for Lines {
    fn show(&mut self, view: &View<'_>) {
        // Nothing to be done about it.
        let _ = writeln!(self.0, "{view}");
    }
}

#[entry]
fn main() -> ! {
    heap::start();
    let verdict = run();
    host::exit(SerialPort::start(LOG), verdict)
}

#[inline(never)]
fn run() -> Verdict {
    let processor = cortex_m::Peripherals::take().ok_or("the processor is taken")?;
    let timer = SystemTimer::start(processor.SYST);
    let line = SerialLine::new(SerialPort::start(LINE), timer);
    let screen = Lines(SerialPort::start(LOG));
    scenario::play(line, timer, screen, RamRecord::default(), SEED)
}
