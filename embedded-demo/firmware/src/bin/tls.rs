//! The login over a serial line, encrypted, at a server that proves who it is.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use cortex_m::singleton;
use cortex_m_rt::entry;
use firmware::heap;
use firmware::ram_record::RamRecord;
use firmware::scenario::{self, Verdict};
use firmware::serial_board::{self, SEED};
use firmware::tls_line::{NotRandom, Records, TlsLine};

#[entry]
fn main() -> ! {
    heap::start();
    serial_board::end(run())
}

#[inline(never)]
fn run() -> Verdict {
    let (line, timer, screen) = serial_board::start()?;
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
