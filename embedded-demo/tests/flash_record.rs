//! The record in flash while the power fails, on a flash that keeps a real one's rules.

use embedded_demo::{FlashError, FlashRecord, Storage as _};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

const PAGE: usize = 512;

/// NOR flash: an erased bit is 1, a write clears bits, a word is written once between two erases.
///
/// The power fails in the middle of an operation: of the word that is being written some bits are cleared, of the page
/// that is being erased some words are erased, some as they were, some noise.
#[derive(Clone)]
struct Flash<const WORD: usize> {
    bytes: Vec<u8>,
    is_written: Vec<bool>,
    /// Words that are still written, and quarters of pages that are still erased, before the power fails.
    steps_left: Option<usize>,
    steps: usize,
    erases: Vec<usize>,
    noise: u64,
}

#[derive(Debug)]
struct PowerFailed;

impl NorFlashError for PowerFailed {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl<const WORD: usize> Flash<WORD> {
    fn new(pages: usize) -> Self {
        Self {
            bytes: vec![0xFF; pages * PAGE],
            is_written: vec![false; pages * PAGE / WORD],
            steps_left: None,
            steps: 0,
            erases: vec![0; pages],
            noise: 0x9E37_79B9_7F4A_7C15,
        }
    }

    fn failing_after(&self, steps: usize) -> Self {
        Self {
            steps_left: Some(steps),
            steps: 0,
            noise: self.noise.wrapping_add(steps as u64),
            ..self.clone()
        }
    }

    fn range(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.bytes.len()).unwrap()
    }

    fn noise(&mut self) -> u8 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise.to_le_bytes()[3]
    }

    /// True while there is power for one more step.
    fn step(&mut self) -> bool {
        self.steps += 1;
        match &mut self.steps_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

impl<const WORD: usize> ErrorType for Flash<WORD> {
    type Error = PowerFailed;
}

impl<const WORD: usize> ReadNorFlash for Flash<WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerFailed> {
        if self.steps_left == Some(0) {
            return Err(PowerFailed);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize> NorFlash for Flash<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerFailed> {
        const QUARTER: usize = PAGE / 4;
        assert!((from as usize).is_multiple_of(PAGE) && (to as usize).is_multiple_of(PAGE));
        for start in (from as usize..to as usize).step_by(QUARTER) {
            if start.is_multiple_of(PAGE) {
                self.erases[start / PAGE] += 1;
            }
            let is_powered = self.step();
            for word in start / WORD..(start + QUARTER) / WORD {
                let fate = if is_powered { 0 } else { self.noise() % 3 };
                for at in word * WORD..(word + 1) * WORD {
                    match fate {
                        0 => self.bytes[at] = 0xFF,
                        1 => {}
                        _ => self.bytes[at] |= self.noise(),
                    }
                }
                if fate == 0 {
                    self.is_written[word] = false;
                }
            }
            if !is_powered {
                return Err(PowerFailed);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerFailed> {
        assert!((offset as usize).is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD));
        for (index, word) in bytes.chunks(WORD).enumerate() {
            let at = offset as usize + index * WORD;
            assert!(!self.is_written[at / WORD], "a word is written twice without an erase between");
            let is_powered = self.step();
            for (index, byte) in word.iter().enumerate() {
                let kept = if is_powered { 0 } else { self.noise() };
                self.bytes[at + index] &= byte | kept;
            }
            // Of a word that was cut off before its first bit nobody can tell that it was touched.
            self.is_written[at / WORD] =
                is_powered || self.bytes[at..at + WORD].iter().any(|byte| *byte != 0xFF);
            if !is_powered {
                return Err(PowerFailed);
            }
        }
        Ok(())
    }
}

fn record<const WORD: usize>(flash: Flash<WORD>) -> FlashRecord<Flash<WORD>> {
    let range = flash.range();
    FlashRecord::new(flash, range).unwrap()
}

/// The `index`th record: of another length each time, from one byte to nearly a page.
fn content(index: usize) -> Vec<u8> {
    let length = [40, 1, 333, 90, 200, 450, 7, 120][index % 8];
    (0..length).map(|at| u8::try_from((index * 31 + at * 7) % 251).unwrap()).collect()
}

/// Each of 48 writes is cut at each of its steps. Gives how many cuts that were.
fn cuts<const WORD: usize>(pages: usize) -> usize {
    let mut flash = Flash::<WORD>::new(pages);
    let mut cuts = 0;
    for index in 0..48_usize {
        let old = index.checked_sub(1).map(content);
        let new = content(index);
        for step in 0.. {
            let mut writing = record(flash.failing_after(step));
            let result = writing.save(&new);
            let mut after = writing.release();
            after.steps_left = None;
            let mut rebooted = record(after);
            let found = rebooted.load().unwrap().map(|found| found.to_vec());
            if result.is_ok() {
                assert_eq!(found.as_ref(), Some(&new), "write {index}");
                flash = rebooted.release();
                break;
            }
            assert!(found == old || found.as_ref() == Some(&new), "write {index}, step {step}: {found:?}");
            let next = content(index + 5);
            rebooted.save(&next).unwrap_or_else(|error| panic!("write {index}, step {step}: {error}"));
            assert_eq!(rebooted.load().unwrap().unwrap().to_vec(), next, "write {index}, step {step}");
            cuts += 1;
        }
    }
    let (least, most) = (flash.erases.iter().min().unwrap(), flash.erases.iter().max().unwrap());
    assert!(*least > 0 && most - least <= 1, "pages wear evenly: {:?}", flash.erases);
    cuts
}

#[test]
fn whenever_the_power_fails_the_record_is_the_old_one_or_the_new_one() {
    let counts = [cuts::<1>(3), cuts::<4>(3), cuts::<4>(4), cuts::<8>(5), cuts::<16>(3)];
    println!("{counts:?} cuts");
    assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
}

#[test]
fn flash_full_of_noise_is_empty_and_then_works() {
    for seed in 1..=200 {
        let mut flash = Flash::<4>::new(3);
        flash.noise = flash.noise.wrapping_mul(seed);
        for at in 0..flash.bytes.len() {
            flash.bytes[at] = flash.noise();
        }
        let mut record = record(flash);
        if seed % 2 == 0 {
            assert_eq!(record.load(), Ok(None), "seed {seed}");
        }
        record.save(&content(2)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(record.load().unwrap().unwrap().to_vec(), content(2), "seed {seed}");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_the_old_record_stays() {
    let mut record = record(Flash::<4>::new(3));
    record.save(&content(0)).unwrap();
    for length in [PAGE - 8, PAGE, 100 * PAGE] {
        assert_eq!(record.save(&vec![7; length]), Err(FlashError::TooLong), "{length}");
        assert_eq!(record.load().unwrap().unwrap().to_vec(), content(0), "{length}");
    }
}

/// A token of 4 KB in a flash with small pages.
#[test]
fn several_pages_together_hold_a_longer_record() {
    const PAGES: usize = 12;
    let flash = Flash::<4>::new(3 * PAGES);
    let range = flash.range();
    let mut record = FlashRecord::<_, PAGES>::new(flash, range.clone()).unwrap();
    let long = |fill| vec![fill; 5_000];
    for fill in 0..7 {
        record.save(&long(fill)).unwrap();
        assert_eq!(record.load().unwrap().unwrap().to_vec(), long(fill));
    }
    assert_eq!(FlashRecord::<_, 20>::new(record.release(), range).err(), Some(FlashError::InvalidRange));
}

#[test]
fn an_erased_record_leaves_no_byte_behind() {
    let mut record = record(Flash::<4>::new(3));
    for index in 0..20 {
        record.save(&content(index)).unwrap();
    }
    record.erase().unwrap();
    assert_eq!(record.load(), Ok(None));
    assert!(record.release().bytes.iter().all(|byte| *byte == 0xFF));
}

#[test]
fn a_range_outside_the_flash_or_between_its_pages_is_refused() {
    for range in [0..1024, 0..1537, 256..1792, 512..2560, 2048..2048] {
        let refused = FlashRecord::<_>::new(Flash::<4>::new(4), range.clone()).err();
        assert_eq!(refused, Some(FlashError::InvalidRange), "{range:?}");
    }
}
