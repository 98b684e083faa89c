//! Flash that is full of noise, or fails.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::{Device, FlashRecord, KeptLogin, Progress, Storage as _};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use super::server::{Server, Stage};
use super::{Screens, device, live, noise};
use crate::board::VirtualClock;

const PAGE: usize = 1024;
const PAGES: usize = 4;
const WORD: usize = 4;
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Read,
    Write,
    Erase,
}

/// A chip that outlives the device.
#[derive(Clone)]
struct Chip {
    bytes: Rc<RefCell<Vec<u8>>>,
    operations: Rc<Cell<usize>>,
    fails: fn(Operation, usize) -> bool,
}

#[derive(Debug)]
struct Worn;

impl NorFlashError for Worn {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Chip {
    fn holding(bytes: Vec<u8>) -> Self {
        assert_eq!(bytes.len(), PAGES * PAGE);
        Self { bytes: Rc::new(RefCell::new(bytes)), operations: Rc::default(), fails: |_, _| false }
    }

    fn empty() -> Self {
        Self::holding(vec![0xFF; PAGES * PAGE])
    }

    fn failing(self, fails: fn(Operation, usize) -> bool) -> Self {
        Self { fails, ..self }
    }

    fn record(&self) -> FlashRecord<Self> {
        FlashRecord::new(self.clone(), 0..u32::try_from(PAGES * PAGE).unwrap()).unwrap()
    }

    fn check(&self, operation: Operation) -> Result<(), Worn> {
        let count = self.operations.get();
        self.operations.set(count.wrapping_add(1));
        if (self.fails)(operation, count) { Err(Worn) } else { Ok(()) }
    }
}

impl ErrorType for Chip {
    type Error = Worn;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Worn> {
        self.check(Operation::Read)?;
        bytes.copy_from_slice(&self.bytes.borrow()[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        PAGES * PAGE
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Worn> {
        self.check(Operation::Erase)?;
        self.bytes.borrow_mut()[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Worn> {
        self.check(Operation::Write)?;
        for (stored, byte) in self.bytes.borrow_mut()[offset as usize..].iter_mut().zip(bytes) {
            *stored &= byte;
        }
        Ok(())
    }
}

fn switched_on(
    chip: &Chip,
    server: &Server,
    clock: &VirtualClock,
    screens: &Screens,
) -> Device<Server, VirtualClock, Screens, FlashRecord<Chip>> {
    device(server.clone(), clock.clone(), screens, chip.record())
}

/// A device with this flash signs in; after a reset, with the flash as it is then, it needs nobody's hand.
#[track_caller]
fn assert_signs_in_once(chip: &Chip, what: &str) {
    let mut clock = VirtualClock::default();
    let (server, screens) = (Server::good(&clock), Screens::default());
    let progress = live(&mut switched_on(chip, &server, &clock, &screens), &mut clock, HOUR);
    assert!(matches!(progress, Progress::SignedIn(_)), "{what}: {progress:?}");
    assert!(screens.last().starts_with("signed in"), "{what}");
    let progress = live(&mut switched_on(chip, &server, &clock, &screens), &mut clock, HOUR);
    assert!(matches!(progress, Progress::SignedIn(_)), "{what}: {progress:?}");
    let requests = [Stage::Codes, Stage::Refresh].map(|stage| server.requests(stage));
    assert_eq!(requests, [1, 1], "{what}");
    assert!(!screens.has_shown("not stored"), "{what}");
}

#[test]
fn over_any_noise_a_device_signs_in_and_keeps_it() {
    for seed in 1..=150 {
        assert_signs_in_once(&Chip::holding(noise(seed, PAGES * PAGE)), &format!("seed {seed}"));
    }
    for byte in [0x00, 0x55, 0x50, 0x52, 0xAA, 0xFF] {
        assert_signs_in_once(&Chip::holding(vec![byte; PAGES * PAGE]), &format!("bytes {byte:#x}"));
    }
}

/// The map marks a page that it uses in its first word, one that is full in its last as well: noise between such marks is
/// taken for items.
#[test]
fn noise_that_looks_like_a_map_is_no_obstacle() {
    for marks in 0..1_u32 << (2 * PAGES) {
        let mut bytes = noise(u64::from(marks) + 1_000, PAGES * PAGE);
        for page in 0..PAGES {
            for (place, at) in [page * PAGE, (page + 1) * PAGE - WORD].into_iter().enumerate() {
                let is_set = marks >> (2 * page + place) & 1 == 1;
                bytes[at..at + WORD].fill(if is_set { 0x00 } else { 0xFF });
            }
        }
        assert_signs_in_once(&Chip::holding(bytes.clone()), &format!("marks {marks:#b}"));
        let chip = Chip::holding(bytes);
        chip.record()
            .save(b"not looked at before")
            .unwrap_or_else(|error| panic!("marks {marks:#b}: {error}"));
        assert_eq!(**chip.record().load().unwrap().unwrap(), *b"not looked at before", "marks {marks:#b}");
    }
}

/// Bits of a record that turned over time.
#[test]
fn a_record_with_turned_bits_is_the_record_or_none() {
    let whole = Chip::empty();
    let mut record = whole.record();
    let secret = KeptLogin::RefreshToken("hidden-refresh".into()).to_bytes();
    record.save(&secret).unwrap();
    let written = whole.bytes.borrow().clone();
    let used = written.iter().rposition(|byte| *byte != 0xFF).unwrap() + 8;
    for bit in 0..used * 8 {
        let mut bytes = written.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let chip = Chip::holding(bytes);
        let found = chip.record().load();
        assert!(
            matches!(&found, Ok(None))
                || found.as_ref().is_ok_and(|found| **found.as_ref().unwrap() == *secret)
        );
        chip.record().save(&secret).unwrap_or_else(|error| panic!("bit {bit}: {error}"));
        assert_eq!(**chip.record().load().unwrap().unwrap(), *secret, "bit {bit}");
    }
}

#[test]
fn flash_that_fails_is_told_and_the_device_works_until_its_power_fails() {
    type Fails = fn(Operation, usize) -> bool;
    let kinds: [(&str, Fails); 6] = [
        ("everything fails", |_, _| true),
        ("nothing can be read", |operation, _| operation == Operation::Read),
        ("nothing can be written", |operation, _| operation == Operation::Write),
        ("nothing can be erased or written", |operation, _| operation != Operation::Read),
        ("every third operation fails", |_, count| count % 3 == 2),
        ("it wears out while it is used", |_, count| count > 12),
    ];
    for (what, fails) in kinds {
        for content in [vec![0xFF; PAGES * PAGE], noise(7, PAGES * PAGE)] {
            let chip = Chip::holding(content).failing(fails);
            let mut clock = VirtualClock::default();
            let (server, screens) = (Server::good(&clock), Screens::default());
            let mut device = switched_on(&chip, &server, &clock, &screens);
            let progress = live(&mut device, &mut clock, HOUR);
            assert!(matches!(progress, Progress::SignedIn(_)), "{what}: {progress:?}");
            screens.assert_shown("not stored: the flash");
            // And through the next day.
            for _ in 0..24 {
                clock.pass(HOUR);
                assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{what}");
            }
            assert_eq!(server.requests(Stage::Codes), 1, "{what}");
            // After a reset it is a new device, or the old one.
            let progress = live(&mut switched_on(&chip, &server, &clock, &screens), &mut clock, HOUR);
            assert!(matches!(progress, Progress::SignedIn(_)), "{what}: {progress:?}");
        }
    }
}

/// One operation fails, whichever: what was there before, or what was to be there, or nothing, is there after a reset.
#[test]
fn one_failure_anywhere_is_survived() {
    for failing in 0..120 {
        let chip = Chip::empty();
        let fails_once = Chip { fails: |_, count| count == usize::MAX, ..chip.clone() };
        fails_once.operations.set(usize::MAX - failing);
        let mut clock = VirtualClock::default();
        let (server, screens) = (Server::good(&clock), Screens::default());
        let progress = live(&mut switched_on(&fails_once, &server, &clock, &screens), &mut clock, HOUR);
        assert!(matches!(progress, Progress::SignedIn(_)), "operation {failing}: {progress:?}");
        let progress = live(&mut switched_on(&chip, &server, &clock, &screens), &mut clock, HOUR);
        assert!(matches!(progress, Progress::SignedIn(_)), "operation {failing}: {progress:?}");
    }
}
