//! One record in NOR flash that a power cut leaves old or new, never half.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use embassy_futures::block_on;
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};
use zeroize::{Zeroize as _, Zeroizing};

use crate::Storage;

/// The only key: the map holds one record.
const KEY: u8 = 1;

/// A record in a range of flash of at least three blocks, each of so many `PAGES`; it has to fit into one block.
///
/// Each write goes behind the one before it, in turn over all blocks, so that a block is erased once in as many writes
/// as fit into it, and all wear evenly. What was there before stays readable until the new record is whole, and can be
/// read from the chip until its block is erased: a refresh token that is spent, for instance. [`Storage::erase`] leaves
/// nothing.
pub struct FlashRecord<F: NorFlash, const PAGES: usize = 1> {
    map: MapStorage<u8, Blocks<F, PAGES>, Cache<Uncached, Uncached, Uncached, u8>>,
    /// As large as a block: nothing longer fits into the flash.
    buffer: Zeroizing<Vec<u8>>,
}

/// Why a record cannot be kept or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError {
    /// The range is no whole number of blocks, or fewer than three.
    InvalidRange,
    /// The record does not fit into one block.
    TooLong,
    /// The flash itself failed.
    Failed,
    /// What is in the flash is no map, and could not be made one.
    Damaged,
}

impl<F: NorFlash, const PAGES: usize> FlashRecord<F, PAGES> {
    const BLOCK: usize = F::ERASE_SIZE * PAGES;
    /// In two, the old record and the new one have to share a block.
    const FEWEST_BLOCKS: usize = 3;

    /// The record in `range`, in bytes from the flash's beginning.
    pub fn new(flash: F, range: Range<u32>) -> Result<Self, FlashError> {
        let blocks =
            usize::try_from(range.end.saturating_sub(range.start)).map_or(0, |length| length / Self::BLOCK);
        let is_there = usize::try_from(range.end).is_ok_and(|end| end <= flash.capacity());
        if blocks < Self::FEWEST_BLOCKS || !is_there {
            return Err(FlashError::InvalidRange);
        }
        let config = MapConfig::try_new(range).map_err(|_| FlashError::InvalidRange)?;
        let map = MapStorage::new(Blocks(flash), config, Cache::new_uncached());
        Ok(Self { map, buffer: Zeroizing::new(vec![0; Self::BLOCK]) })
    }

    /// The flash, for other uses of its other ranges.
    pub fn release(self) -> F {
        self.map.destroy().0.0
    }

    fn store(&mut self, record: &[u8]) -> Result<(), FlashError> {
        let result = block_on(async {
            self.map.store_item(&mut self.buffer, &KEY, &record).await?;
            let found = self.map.fetch_item::<&[u8]>(&mut self.buffer, &KEY).await?;
            if found == Some(record) { Ok(()) } else { Err(FlashError::Damaged) }
        });
        self.wipe();
        result
    }

    fn wipe(&mut self) {
        self.buffer.as_mut_slice().zeroize();
    }
}

impl<F: NorFlash, const PAGES: usize> Storage for FlashRecord<F, PAGES> {
    type Error = FlashError;

    /// Flash that holds noise counts as empty and is erased.
    fn load(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, FlashError> {
        let result = block_on(self.map.fetch_item::<&[u8]>(&mut self.buffer, &KEY))
            .map(|found| found.map(|record| Zeroizing::new(record.to_vec())));
        self.wipe();
        match result.map_err(FlashError::from) {
            Err(FlashError::Damaged) => self.erase().map(|()| None),
            result => result,
        }
    }

    /// The new record is read back.
    fn save(&mut self, record: &[u8]) -> Result<(), FlashError> {
        match self.store(record) {
            // Into noise that looks like a map nothing can be written.
            Err(FlashError::Damaged) => {
                self.erase()?;
                self.store(record)
            }
            result => result,
        }
    }

    /// Everything that was ever in the range is gone.
    fn erase(&mut self) -> Result<(), FlashError> {
        Ok(block_on(self.map.erase_all())?)
    }
}

impl<E> From<sequential_storage::Error<E>> for FlashError {
    fn from(error: sequential_storage::Error<E>) -> Self {
        use sequential_storage::Error;
        match error {
            Error::Storage { .. } => Self::Failed,
            Error::BufferTooBig
            | Error::BufferTooSmall(_)
            | Error::ItemTooBig
            | Error::SerializationError(_) => Self::TooLong,
            // One record in three blocks fills none of them; noise may look as if it did.
            _ => Self::Damaged,
        }
    }
}

impl fmt::Display for FlashError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::InvalidRange => "the range must be three whole blocks of flash, or more",
            Self::TooLong => "the record does not fit into a block of flash",
            Self::Failed => "the flash failed",
            Self::Damaged => "the flash holds something else, and cannot be cleared",
        })
    }
}

impl core::error::Error for FlashError {}

/// Several pages as one, and a driver that waits for each operation where one is asked for that does not.
struct Blocks<F, const PAGES: usize>(F);

impl<F: NorFlash, const PAGES: usize> ErrorType for Blocks<F, PAGES> {
    type Error = F::Error;
}

impl<F: NorFlash, const PAGES: usize> embedded_storage_async::nor_flash::ReadNorFlash for Blocks<F, PAGES> {
    const READ_SIZE: usize = F::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        ReadNorFlash::read(&mut self.0, offset, bytes)
    }

    fn capacity(&self) -> usize {
        ReadNorFlash::capacity(&self.0)
    }
}

impl<F: NorFlash, const PAGES: usize> embedded_storage_async::nor_flash::NorFlash for Blocks<F, PAGES> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE * PAGES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        NorFlash::erase(&mut self.0, from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        NorFlash::write(&mut self.0, offset, bytes)
    }
}
