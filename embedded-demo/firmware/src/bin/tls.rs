//! The login over a serial line, encrypted, at a server that proves who it is.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::fmt::Write as _;

use cortex_m::singleton;
use cortex_m_rt::entry;
use embedded_demo::{Screen, View};
use firmware::ram_record::RamRecord;
use firmware::registers::Registers;
use firmware::scenario::{self, Verdict};
use firmware::serial_line::SerialLine;
use firmware::serial_port::SerialPort;
use firmware::system_timer::SystemTimer;
use firmware::tls_line::{NotRandom, Records, TlsLine};
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
    let records = singleton!(: Records = Records::EMPTY).ok_or("the records' memory is taken")?;
    let authority = authority().ok_or("no authority is written to the flash")?;
    let line = TlsLine::new(line, records, authority, NotRandom(SEED));
    scenario::play_with_tls(line, timer, screen, RamRecord::default(), SEED)
}

/// The certificate in the page of flash that is the factory's.
#[allow(unsafe_code)] // It belongs to no variable of the program.
fn authority() -> Option<&'static [u8]> {
    unsafe extern "C" {
        static _authority: [u8; 4096];
    }
    // SAFETY: `memory.x` keeps the page free, and nothing writes to it while the program runs.
    let page = unsafe { &_authority };
    // DER: a sequence of 256 to 65535 bytes.
    let [0x30, 0x82, high, low, ..] = *page else { return None };
    page.get(..4 + usize::from(u16::from_be_bytes([high, low])))
}
