//! Logins and nothing else, over a serial line: no storage, no refresh, no call. The least that a device can do.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use cortex_m_rt::entry;
use firmware::heap;
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
    scenario::play_logins(line, timer, screen, SEED)
}
