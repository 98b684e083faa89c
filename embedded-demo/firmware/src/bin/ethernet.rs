//! The device with a panel, on Ethernet.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use cortex_m::singleton;
use cortex_m_rt::entry;
use firmware::ethernet::{Ethernet, Frames};
use firmware::network::{Network, SocketMemory};
use firmware::panel::{self, Panel, Pixels};
use firmware::ram_record::RamRecord;
use firmware::registers::Registers;
use firmware::scenario::{self, Verdict};
use firmware::serial_port::SerialPort;
use firmware::system_timer::SystemTimer;
use firmware::{heap, host};

/// The chip's map of addresses.
#[allow(unsafe_code)] // SAFETY: UART0; it has no DMA.
const LOG: Registers = unsafe { Registers::at(0x4000_C000) };
#[allow(unsafe_code)] // SAFETY: the Ethernet controller; it has no DMA.
const ETHERNET: Registers = unsafe { Registers::at(0x4004_8000) };

/// One of those that nobody owns.
const HARDWARE_ADDRESS: [u8; 6] = [0x02, 0x00, 0x00, 0x00, 0x00, 0x01];
/// NOT RANDOM: this board has nothing to draw a seed from. A product takes its serial number, and noise.
const SEED: u64 = 1;

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
    let network = network(timer).ok_or("the network's memory is taken")?;
    let pixels = singleton!(: Pixels = panel::DARK).ok_or("the panel's memory is taken")?;
    let panel = Panel::new(pixels, SerialPort::start(LOG));
    scenario::play(network, timer, panel, RamRecord::default(), SEED)
}

/// In static memory: on the stack it would lie below all that the login puts there.
#[inline(never)]
fn network(timer: SystemTimer) -> Option<&'static mut Network> {
    let frames = singleton!(: Frames = Frames::EMPTY)?;
    let sockets = singleton!(: SocketMemory = SocketMemory::EMPTY)?;
    let ethernet = Ethernet::start(ETHERNET, HARDWARE_ADDRESS, frames);
    singleton!(: Network = Network::start(ethernet, HARDWARE_ADDRESS, timer, sockets, SEED))
}
