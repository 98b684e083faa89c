//! The chip's Ethernet controller, as smoltcp wants one.

use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::registers::Registers;

const RECEIVE_CONTROL: u8 = 0x08;
const TRANSMIT_CONTROL: u8 = 0x0C;
const DATA: u8 = 0x10;
const ADDRESS_LOW: u8 = 0x14;
const ADDRESS_HIGH: u8 = 0x18;
const PACKETS_RECEIVED: u8 = 0x34;
const TRANSMISSION: u8 = 0x38;

const RECEIVE_ON: u32 = 1;
/// Frames whose checksum is wrong are dropped, and the queue begins empty.
const REJECT_BAD_AND_EMPTY: u32 = 0x18;
/// On, with padding and a checksum, both ways at once.
const TRANSMIT_ON: u32 = 0x17;
const NEW_TRANSMISSION: u32 = 1;

const HEADER: usize = 14;
/// The longest frame: 576 bytes are what every host has to take (RFC 1122 §3.3.2).
const FRAME: usize = HEADER + 576;
/// In front of a frame in the queue: its length.
const LENGTH: usize = 2;
/// Behind it: the checksum of the wire.
const CHECKSUM: usize = 4;

/// Room for one frame in and one out.
pub struct Frames {
    received: [u8; FRAME],
    sent: [u8; FRAME],
}

impl Frames {
    /// Empty.
    pub const EMPTY: Self = Self { received: [0; FRAME], sent: [0; FRAME] };
}

/// The controller.
pub struct Ethernet {
    registers: Registers,
    frames: &'static mut Frames,
}

impl Ethernet {
    /// The controller whose registers are these, switched on.
    pub fn start(registers: Registers, address: [u8; 6], frames: &'static mut Frames) -> Self {
        let little_endian =
            |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let (low, high) = address.split_at(4);
        registers.write(ADDRESS_LOW, little_endian(low));
        registers.write(ADDRESS_HIGH, little_endian(high));
        registers.write(RECEIVE_CONTROL, REJECT_BAD_AND_EMPTY);
        registers.write(RECEIVE_CONTROL, REJECT_BAD_AND_EMPTY | RECEIVE_ON);
        registers.write(TRANSMIT_CONTROL, TRANSMIT_ON);
        Self { registers, frames }
    }

    /// The length of the next frame, read from the queue; one that is too long is read and dropped.
    fn next_frame(&mut self) -> Option<usize> {
        while self.registers.read(PACKETS_RECEIVED) != 0 {
            let first = self.registers.read(DATA).to_le_bytes();
            let [low, high, ..] = first;
            let queued = usize::from(u16::from_le_bytes([low, high]));
            let length = queued.saturating_sub(LENGTH + CHECKSUM);
            let mut word = first;
            for at in LENGTH..queued {
                if at % 4 == 0 {
                    word = self.registers.read(DATA).to_le_bytes();
                }
                if let Some(byte) = self.frames.received.get_mut(at - LENGTH) {
                    *byte = word[at % 4];
                }
            }
            if (HEADER..=FRAME).contains(&length) {
                return Some(length);
            }
        }
        None
    }
}

impl Device for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sending<'_>)> {
        let length = self.next_frame()?;
        let Self { registers, frames: Frames { received, sent } } = self;
        Some((Received(received.get(..length)?), Sending { registers: *registers, frame: sent }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        // A frame that is under way: the queue has room for one.
        let is_busy = self.registers.read(TRANSMISSION) & NEW_TRANSMISSION != 0;
        (!is_busy).then_some(Sending { registers: self.registers, frame: &mut self.frames.sent })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities.checksum.ipv4 = Checksum::Both;
        capabilities
    }
}

/// A frame that has come.
pub struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Room for a frame that is to go.
pub struct Sending<'a> {
    registers: Registers,
    frame: &'a mut [u8; FRAME],
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let length = length.min(FRAME);
        let frame = &mut self.frame[..length];
        let result = write(frame);
        let payload = u16::try_from(length.saturating_sub(HEADER)).unwrap_or_default().to_le_bytes();
        let mut word = [0; 4];
        for (at, byte) in payload.iter().chain(frame.iter()).enumerate() {
            word[at % 4] = *byte;
            if at % 4 == 3 || at == LENGTH + length - 1 {
                self.registers.write(DATA, u32::from_le_bytes(word));
            }
        }
        self.registers.write(TRANSMISSION, NEW_TRANSMISSION);
        result
    }
}
