//! One of the chip's serial ports (ARM PL011).

use core::fmt;

use crate::registers::Registers;

const DATA: u8 = 0x00;
const FLAGS: u8 = 0x18;
const LINE_CONTROL: u8 = 0x2C;
const CONTROL: u8 = 0x30;

const NOTHING_RECEIVED: u32 = 1 << 4;
const NO_ROOM_TO_SEND: u32 = 1 << 5;
/// Eight bits, and room for 16 bytes each way.
const EIGHT_BITS_QUEUED: u32 = 0x70;
const ON_BOTH_WAYS: u32 = 0x301;

/// Bytes in and out.
pub struct SerialPort(Registers);

impl SerialPort {
    /// The port whose registers are these.
    pub fn start(registers: Registers) -> Self {
        registers.write(LINE_CONTROL, EIGHT_BITS_QUEUED);
        registers.write(CONTROL, ON_BOTH_WAYS);
        Self(registers)
    }

    /// Sends one byte, once there is room.
    pub fn send(&mut self, byte: u8) {
        while self.0.read(FLAGS) & NO_ROOM_TO_SEND != 0 {}
        self.0.write(DATA, u32::from(byte));
    }

    /// A byte that has come.
    pub fn receive(&mut self) -> Option<u8> {
        if self.0.read(FLAGS) & NOTHING_RECEIVED != 0 {
            return None;
        }
        let [byte, ..] = self.0.read(DATA).to_le_bytes();
        Some(byte)
    }
}

impl fmt::Write for SerialPort {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.send(byte);
        }
        Ok(())
    }
}
