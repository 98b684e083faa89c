//! What sealing adds to a file store.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use oauth_token_store::{
    KeySource, LoginNeeded, RefreshError, SealedFileStore, SealingKey, StoreError, StoreProblem, TokenKey,
    TokenNeed, TokenRecord, TokenStore as _, Warning, fresh_token, log_out, save_login,
};

use crate::example_login::{LOGIN_AT, at, key, record};
use crate::place::{Kind, Place};

const MAGIC_BYTES: usize = 12;
const PROLOGUE_BYTES: usize = MAGIC_BYTES + 4 + 16 + 32;
const NONCE_BYTES: usize = 24;

/// The sealed store with a key that is always there.
#[derive(Debug)]
pub(crate) struct Sealed;

impl Kind for Sealed {
    type Store = SealedFileStore;

    const NAME: &'static str = GivenKey::STORE;
    const PREFIX: &'static str = "sealed-";
    const EXTENSION: &'static str = ".bin";

    fn store(directory: PathBuf, lock_timeout: Duration) -> SealedFileStore {
        SealedFileStore::new(directory, GivenKey::new(7)).with_lock_timeout(lock_timeout)
    }

    fn recovering(store: SealedFileStore, directory: PathBuf) -> SealedFileStore {
        store.with_recovery_directory(directory)
    }

    fn of_version_2() -> Vec<u8> {
        [b"sealed-token\0\0\0\x02".as_slice(), &[0; 200]].concat()
    }
}

/// A source of the tests' own, as an application may have one.
#[derive(Clone, Debug)]
pub(crate) struct GivenKey {
    byte: u8,
    is_there: Arc<AtomicBool>,
    survives_reboot: bool,
}

impl GivenKey {
    const STORE: &str = "sealed file (given key)";

    pub(crate) fn new(byte: u8) -> Self {
        Self { byte, is_there: Arc::new(AtomicBool::new(true)), survives_reboot: true }
    }

    fn until_reboot(byte: u8) -> Self {
        Self { survives_reboot: false, ..Self::new(byte) }
    }

    pub(crate) fn take_away(&self) {
        self.is_there.store(false, Ordering::SeqCst);
    }
}

impl KeySource for GivenKey {
    fn store(&self) -> &'static str {
        Self::STORE
    }

    fn survives_reboot(&self) -> bool {
        self.survives_reboot
    }

    fn find(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        let is_there = self.is_there.load(Ordering::SeqCst);
        Ok(is_there.then(|| SealingKey::from_bytes(&[self.byte; 32])))
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        self.is_there.store(true, Ordering::SeqCst);
        self.find(directory).map(Option::unwrap)
    }

    fn missing(&self, directory: &Path) -> StoreError {
        let problem = StoreProblem::MissingKey { next_step: "find it" };
        StoreError::new(Self::STORE, Some(directory.to_owned()), problem)
    }
}

fn with_key(place: &Place<Sealed>, source: &GivenKey) -> SealedFileStore {
    SealedFileStore::new(place.directory(), source.clone())
}

fn with_record() -> Place<Sealed> {
    let place = Place::<Sealed>::new();
    place.store().save(&record()).unwrap();
    place
}

#[test]
fn no_file_in_the_directory_holds_a_token_or_a_name_in_plain_text() {
    let place = with_record();
    let mut locked = place.store().lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    for name in place.names() {
        let bytes = fs::read(place.directory().join(&name)).unwrap();
        for secret in ["access-1", "refresh-1", "auth.example.com", "access_token"] {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{secret} in {name}");
        }
    }
}

#[test]
fn no_nonce_comes_twice_and_no_two_files_are_alike() {
    let place = with_record();
    let mut nonces = HashSet::new();
    let mut texts = HashSet::new();
    for _ in 0..200 {
        place.store().save(&record()).unwrap();
        let bytes = fs::read(place.record_path()).unwrap();
        nonces.insert(bytes[PROLOGUE_BYTES..PROLOGUE_BYTES + NONCE_BYTES].to_vec());
        texts.insert(bytes[PROLOGUE_BYTES + NONCE_BYTES..].to_vec());
    }
    assert_eq!((nonces.len(), texts.len()), (200, 200));
}

#[test]
fn a_change_of_any_byte_is_noticed_and_what_is_not_damaged_for_certain_stays() {
    let place = with_record();
    let whole = fs::read(place.record_path()).unwrap();
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 1;
        fs::write(place.record_path(), &bytes).unwrap();
        let error = place.store().load(&key()).unwrap_err();
        match (position, error.problem()) {
            (12..16, StoreProblem::UnknownVersion { .. })
            | (16..32, StoreProblem::ForeignKey)
            | (32..64, StoreProblem::ForeignRecord) => {
                assert_eq!(fs::read(place.record_path()).unwrap(), bytes);
            }
            (0..12 | 64.., StoreProblem::Corrupt { kept_as }) => {
                assert_eq!(fs::read(kept_as).unwrap(), bytes);
                place.store().save(&record()).unwrap();
            }
            _ => panic!("byte {position}: {error}"),
        }
    }
}

#[test]
fn a_file_longer_or_shorter_by_a_byte_is_damaged() {
    let place = with_record();
    let whole = fs::read(place.record_path()).unwrap();
    for bytes in [&whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        place.store().save(&record()).unwrap();
        fs::write(place.record_path(), bytes).unwrap();
        let error = place.store().load(&key()).unwrap_err();
        assert!(matches!(error.problem(), StoreProblem::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_record_of_another_key_is_neither_read_nor_overwritten_nor_set_aside() {
    let place = with_record();
    let before = fs::read(place.record_path()).unwrap();
    let other = with_key(&place, &GivenKey::new(8));
    for refused in [
        other.load(&key()).unwrap_err(),
        other.lock(&key()).and_then(|mut locked| locked.load()).unwrap_err(),
        other.save(&record()).unwrap_err(),
        save_login(&other, &record()).unwrap_err(),
    ] {
        assert!(matches!(refused.problem(), StoreProblem::ForeignKey), "{refused}");
        assert_eq!(
            refused.to_string(),
            format!(
                "sealed file (given key) store, {}: the record is sealed with another key and is left as it is: \
                 use the key that it was sealed with, or log out and sign in again",
                place.record_path().display()
            )
        );
    }
    assert_eq!(fs::read(place.record_path()).unwrap(), before);
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
    assert_eq!(log_out(&other, &key()).unwrap(), None, "a logout needs no key");
    assert_eq!(place.names(), [Place::<Sealed>::lock_name()]);
}

#[test]
fn a_key_that_is_missing_is_reported_and_no_new_one_is_made_beside_old_records() {
    let place = Place::<Sealed>::new();
    let source = GivenKey::new(7);
    with_key(&place, &source).save(&record()).unwrap();
    let before = fs::read(place.record_path()).unwrap();
    source.take_away();
    let store = with_key(&place, &source);
    let newcomer = TokenRecord { key: TokenKey { account: "you".into(), ..key() }, ..record() };
    for refused in [
        store.load(&key()).unwrap_err(),
        store.save(&record()).unwrap_err(),
        save_login(&store, &record()).unwrap_err(),
        save_login(&store, &newcomer).unwrap_err(),
        store.prepare().unwrap_err(),
    ] {
        assert!(matches!(refused.problem(), StoreProblem::MissingKey { .. }), "{refused}");
    }
    assert_eq!(fs::read(place.record_path()).unwrap(), before);
    assert_eq!(log_out(&store, &key()).unwrap(), None);
    save_login(&store, &newcomer).unwrap();
}

#[test]
fn a_key_gone_with_the_reboot_asks_for_a_login_which_keeps_the_old_record_aside() {
    let place = Place::<Sealed>::new();
    let source = GivenKey::until_reboot(7);
    with_key(&place, &source).save(&TokenRecord { generation: 5, ..record() }).unwrap();
    let before = fs::read(place.record_path()).unwrap();
    source.take_away();
    let store = with_key(&place, &source);
    let token = |store: &SealedFileStore| {
        fresh_token(store, &key(), &TokenNeed::new(), &|| at(LOGIN_AT), |_| panic!("nothing is sent"))
    };
    let refused = token(&store).unwrap_err();
    assert!(matches!(refused, RefreshError::LoginNeeded(LoginNeeded::KeyGone)), "{refused}");
    assert_eq!(fs::read(place.record_path()).unwrap(), before, "the record is kept");

    // After the reboot somebody else has signed in already, so there is a key, and it is another one.
    let store = with_key(&place, &GivenKey::until_reboot(8));
    let refused = token(&store).unwrap_err();
    assert!(matches!(refused, RefreshError::LoginNeeded(LoginNeeded::KeyGone)), "{refused}");
    save_login(&store, &record()).unwrap();
    assert_eq!(store.load(&key()).unwrap(), Some(record()));
    let kept = place.directory().join(format!("{}.no-key-1", Place::<Sealed>::record_name()));
    assert_eq!(fs::read(kept).unwrap(), before);
    assert_eq!(log_out(&store, &key()).unwrap(), Some(record()));
    assert_eq!(place.names(), [Place::<Sealed>::lock_name()]);
}

#[test]
fn once_space_is_set_aside_a_save_does_not_need_the_key_again() {
    let place = Place::<Sealed>::new();
    let source = GivenKey::new(7);
    let store = with_key(&place, &source);
    store.save(&record()).unwrap();
    let mut locked = store.lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    source.take_away();
    let refreshed = TokenRecord { generation: 2, ..record() };
    locked.save(&refreshed).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(refreshed));
}

/// Answers so many times, then no more.
#[derive(Debug)]
struct Tired(AtomicUsize);

impl KeySource for Tired {
    fn store(&self) -> &'static str {
        GivenKey::STORE
    }

    fn find(&self, directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |times| times.checked_sub(1));
        if left.is_ok() {
            return GivenKey::new(7).find(directory);
        }
        let problem = StoreProblem::KeyUnavailable { source: "no answer".into(), next_step: "wait" };
        Err(StoreError::new(GivenKey::STORE, None, problem))
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        Err(self.missing(directory))
    }

    fn missing(&self, directory: &Path) -> StoreError {
        GivenKey::new(7).missing(directory)
    }
}

#[test]
fn a_key_that_cannot_be_had_for_the_write_costs_neither_a_refresh_nor_the_token_that_works() {
    let place = with_record();
    // One for each time the record is read, without the lock and under it.
    let store = SealedFileStore::new(place.directory(), Tired(AtomicUsize::new(2)));
    let clock = || at(LOGIN_AT + 900);
    let token =
        fresh_token(&store, &key(), &TokenNeed::new(), &clock, |_| panic!("nothing is sent")).unwrap();
    assert_eq!(token.record, record());
    let Some(Warning::NotRefreshed(error)) = token.warning else { panic!("{:?}", token.warning) };
    assert!(error.to_string().contains("the key cannot be had: no answer; wait"), "{error}");
}

#[test]
fn the_space_set_aside_is_enough_for_the_sealed_form() {
    let place = with_record();
    let mut locked = place.store().lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    let sealed = fs::metadata(place.record_path()).unwrap().len();
    let temporary = place.names().into_iter().find(|name| name.starts_with("tmp.")).unwrap();
    assert!(fs::metadata(place.directory().join(temporary)).unwrap().len() >= 2 * sealed + 4096);
}

#[test]
fn plain_and_sealed_records_of_one_login_lie_side_by_side() {
    let place = with_record();
    let plain = oauth_token_store::PlainFileStore::new(place.directory());
    assert_eq!(plain.load(&key()).unwrap(), None);
    let mut sealed = place.store().lock(&key()).unwrap();
    sealed.reserve(&record()).unwrap();
    plain.save(&TokenRecord { generation: 9, ..record() }).unwrap();
    sealed.save(&TokenRecord { generation: 2, ..record() }).unwrap();
    assert!(plain.delete(&key()).unwrap());
    assert_eq!(place.store().load(&key()).unwrap().unwrap().generation, 2);
}

#[test]
fn a_key_is_read_from_32_bytes_or_from_base64_and_nothing_else() {
    let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for text in [&bytes[..], base64.as_bytes(), format!(" {base64}\r\n").as_bytes(), &base64.as_bytes()[..43]]
    {
        assert_eq!(SealingKey::from_file(text).unwrap().expose(), &bytes);
    }
    for text in [&b""[..], &bytes[..31], &[7; 33], &base64.as_bytes()[..42], b"correct horse battery staple"]
    {
        let refused = SealingKey::from_file(text).unwrap_err();
        assert!(matches!(refused, StoreProblem::InvalidKey { .. }), "{refused:?}");
    }
}

#[test]
fn neither_store_nor_key_shows_the_key() {
    let key = SealingKey::from_bytes(&[0x5A; 32]);
    assert_eq!(format!("{key:?}"), "SealingKey(..)");
    let store = SealedFileStore::new("/nowhere", GivenKey::new(0x5A));
    store.prepare().unwrap();
    assert!(!format!("{store:?}").contains("90, 90"));
}

#[test]
fn says_what_it_promises() {
    let place = Place::<Sealed>::new();
    let promises = place.store().describe();
    assert_eq!(promises.name, "sealed file (given key)");
    assert_eq!((promises.encrypted_at_rest, promises.survives_reboot), (true, true));
    assert_eq!(promises.location, Some(place.directory()));
    assert!(!with_key(&place, &GivenKey::until_reboot(7)).describe().survives_reboot);
}
