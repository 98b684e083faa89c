//! The login on a RISC-V machine without a network.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::fmt::{self, Write as _};

use embedded_demo::{Screen, View};
use firmware::ram_record::RamRecord;
use firmware::registers::Registers;
use firmware::scenario::{self, Verdict};
use firmware::script::Script;
use firmware::{heap, host};
use riscv_rt::entry;

#[allow(unsafe_code)] // SAFETY: the serial port of QEMU's `virt`; it has no DMA.
const LOG: Registers = unsafe { Registers::at(0x1000_0000) };

/// NOT RANDOM: this machine is given nothing to draw a seed from.
const SEED: u64 = 1;

/// What a person sees, as lines of text on the serial port.
struct Lines;

impl fmt::Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // QEMU's port takes a byte at any time.
        text.bytes().for_each(|byte| LOG.write_byte(0, byte));
        Ok(())
    }
}

impl Screen for Lines {
    fn show(&mut self, view: &View<'_>) {
        // Nothing to be done about it.
        let _ = writeln!(self, "{view}");
    }
}

#[entry]
fn main() -> ! {
    heap::start();
    let verdict = run();
    host::exit(Lines, verdict)
}

fn run() -> Verdict {
    let script = Script::default();
    scenario::play(&script, &script, Lines, RamRecord::default(), SEED)?;
    if script.is_over() { Ok(()) } else { Err("the requests are others than the script's") }
}
