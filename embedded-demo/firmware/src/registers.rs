//! Reads and writes of a peripheral's registers.

/// The registers of one peripheral.
#[derive(Clone, Copy)]
pub struct Registers {
    base: usize,
}

impl Registers {
    /// The peripheral whose registers begin at `base`.
    ///
    /// # Safety
    /// Its registers lie there, 4 KiB at most, and none of them makes the peripheral touch the program's memory.
    #[allow(unsafe_code)] // What the caller promises cannot be checked.
    pub const unsafe fn at(base: usize) -> Self {
        Self { base }
    }

    /// The value of the register so many bytes from the beginning.
    #[allow(unsafe_code)] // The compiler does not know what a register is.
    pub fn read(self, offset: u8) -> u32 {
        // SAFETY: a register of the peripheral, by the promise made to `at`.
        unsafe { core::ptr::without_provenance::<u32>(self.base + usize::from(offset)).read_volatile() }
    }

    /// Writes a register of one byte.
    #[allow(unsafe_code)] // The compiler does not know what a register is.
    pub fn write_byte(self, offset: u8, value: u8) {
        let register = core::ptr::without_provenance_mut::<u8>(self.base + usize::from(offset));
        // SAFETY: a register of the peripheral, by the promise made to `at`.
        unsafe { register.write_volatile(value) }
    }

    /// Writes the register so many bytes from the beginning.
    #[allow(unsafe_code)] // The compiler does not know what a register is.
    pub fn write(self, offset: u8, value: u32) {
        let register = core::ptr::without_provenance_mut::<u32>(self.base + usize::from(offset));
        // SAFETY: a register of the peripheral, by the promise made to `at`.
        unsafe { register.write_volatile(value) }
    }
}
