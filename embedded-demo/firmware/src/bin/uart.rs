//! The device over a serial line, with lines of text for a screen.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use cortex_m_rt::entry;
use firmware::heap;
use firmware::ram_record::RamRecord;
use firmware::scenario::{self, Verdict};
use firmware::serial_board::{self, SEED};

#[entry]
fn main() -> ! {
    heap::start();
    serial_board::end(run())
}

#[inline(never)]
fn run() -> Verdict {
    let (line, timer, screen) = serial_board::start()?;
    scenario::play(line, timer, screen, RamRecord::default(), SEED)
}
