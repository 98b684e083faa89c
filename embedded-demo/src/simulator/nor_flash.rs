//! The board's flash: in memory, or in a file that the next run finds as a reboot would.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use embedded_demo::{FlashError, FlashRecord};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use zeroize::Zeroizing;

use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Bytes that are erased together.
const PAGE: usize = 4096;
/// Bytes that are written together.
const WORD: usize = 4;
/// Three blocks of two pages: a refresh token may be as long as 8 KB.
const PAGES_OF_A_BLOCK: usize = 2;
const SIZE: usize = 3 * PAGES_OF_A_BLOCK * PAGE;
const ERASED: u8 = 0xFF;

/// Where the simulated device keeps its login.
pub(crate) type SimulatedRecord = FlashRecord<SimulatedFlash, PAGES_OF_A_BLOCK>;

pub(crate) struct SimulatedFlash {
    bytes: Zeroizing<Vec<u8>>,
    /// Written as the chip is.
    file: Option<File>,
    is_worn_out: bool,
}

/// Why the chip does not obey.
#[derive(Debug)]
pub(crate) enum FlashFault {
    OutOfBounds,
    NotAligned,
    /// It takes no writes any more, or its file does not.
    Failed,
}

impl SimulatedFlash {
    /// A new chip, gone at the end of the run.
    pub(crate) fn in_memory() -> Self {
        Self { bytes: Zeroizing::new(vec![ERASED; SIZE]), file: None, is_worn_out: false }
    }

    /// A chip that another program left full of something.
    pub(crate) fn full_of_noise(mut seed: u64) -> Self {
        let mut flash = Self::in_memory();
        for byte in flash.bytes.iter_mut() {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            *byte = seed.to_le_bytes()[3];
        }
        flash
    }

    /// A chip that can be read, and neither erased nor written.
    pub(crate) fn worn_out() -> Self {
        Self { is_worn_out: true, ..Self::in_memory() }
    }

    /// The chip in a file, which is made where there is none; for its owner alone, since it holds a credential.
    pub(crate) fn in_file(path: &Path) -> Result<Self, Failure> {
        let failure = |error| Failure::file("the flash (--flash)", path, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failure)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Failure::new(
                ExitCode::FilesUnavailable,
                format!(
                    "another run uses the flash (--flash) {}: end it, or name another file",
                    path.display()
                ),
            ),
            TryLockError::Error(error) => failure(error),
        })?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(SIZE));
        // A byte more than there should be is enough to see that it is something else.
        (&mut file).take(SIZE as u64 + 1).read_to_end(&mut bytes).map_err(failure)?;
        if bytes.is_empty() {
            bytes.resize(SIZE, ERASED);
            write_at(&mut file, 0, &bytes).map_err(failure)?;
        } else if bytes.len() != SIZE {
            let problem = io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is no flash of this simulator, which has {SIZE} bytes"),
            );
            return Err(failure(problem));
        }
        Ok(Self { bytes, file: Some(file), is_worn_out: false })
    }

    /// The whole chip as the place of one record.
    pub(crate) fn into_record(self) -> Result<SimulatedRecord, FlashError> {
        let range = 0..u32::try_from(SIZE).unwrap_or(0);
        FlashRecord::new(self, range)
    }

    fn range(&self, offset: u32, length: usize) -> Result<std::ops::Range<usize>, FlashFault> {
        let start = usize::try_from(offset).map_err(|_| FlashFault::OutOfBounds)?;
        let end = start.checked_add(length).filter(|end| *end <= self.bytes.len());
        end.map(|end| start..end).ok_or(FlashFault::OutOfBounds)
    }

    /// Every bit of `range` becomes what `change` makes of its byte.
    fn change(
        &mut self,
        range: std::ops::Range<usize>,
        change: impl Fn(usize, u8) -> u8,
    ) -> Result<(), FlashFault> {
        if self.is_worn_out {
            return Err(FlashFault::Failed);
        }
        let bytes = &mut self.bytes[range.clone()];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = change(index, *byte);
        }
        match &mut self.file {
            Some(file) => write_at(file, range.start, bytes).map_err(|_| FlashFault::Failed),
            None => Ok(()),
        }
    }
}

fn write_at(file: &mut File, offset: usize, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset as u64))?;
    file.write_all(bytes)
}

impl NorFlashError for FlashFault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::Failed => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for SimulatedFlash {
    type Error = FlashFault;
}

impl ReadNorFlash for SimulatedFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashFault> {
        let range = self.range(offset, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for SimulatedFlash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashFault> {
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let range = self.range(from, length)?;
        if !range.start.is_multiple_of(PAGE) || !range.end.is_multiple_of(PAGE) {
            return Err(FlashFault::NotAligned);
        }
        self.change(range, |_, _| ERASED)
    }

    /// As on a chip, a bit that is 0 stays so until its page is erased.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashFault> {
        let range = self.range(offset, bytes.len())?;
        if !range.start.is_multiple_of(WORD) || !range.end.is_multiple_of(WORD) {
            return Err(FlashFault::NotAligned);
        }
        self.change(range, |index, byte| byte & bytes[index])
    }
}
