//! Tokens that were obtained and cannot be stored.

use std::fs;
#[cfg(feature = "sealed-file")]
use std::path::Path;
use std::time::Duration;

use oauth_token_store::{
    FreshToken, NextStep, PendingRefresh, RefreshPoint, StoreError, StoreProblem, TokenNeed, TokenRecord,
    TokenStore, Warning, log_out, next_step, save_login, use_without_lock,
};

#[cfg(feature = "sealed-file")]
use oauth_token_store::{KeyringProblem, SealingKey};

use crate::example_login::{LOGIN_AT, answer, at, key, record};
use crate::place::{Kind, Place, with_each_kind};

with_each_kind! {
    what_a_refresh_brought_is_rescued_and_taken_from_there
    the_first_write_after_a_rescue_puts_the_tokens_back_in_their_place
    a_login_is_rescued_whatever_lies_in_its_place
    a_login_for_which_no_lock_can_be_had_is_rescued
    a_logout_erases_what_was_rescued
    what_was_rescued_before_a_newer_login_does_not_come_back
    what_may_not_be_overwritten_is_no_reason_for_a_rescue
    without_a_recovery_directory_the_caller_alone_has_the_tokens
}

/// When the second token is obtained.
const REFRESHED_AT: u64 = LOGIN_AT + 900;

fn begin(store: &dyn TokenStore) -> PendingRefresh {
    match next_step(store, &key(), &TokenNeed::new(), &|| at(REFRESHED_AT)).unwrap() {
        NextStep::Refresh(pending) => pending,
        NextStep::Use(token) => panic!("{token:?}"),
    }
}

fn complete(pending: PendingRefresh) -> FreshToken {
    let second =
        r#"{"access_token":"access-2","token_type":"Bearer","expires_in":1000,"refresh_token":"refresh-2"}"#;
    pending.complete(answer(200, second), at(REFRESHED_AT), RefreshPoint::from_random(100)).unwrap()
}

/// Nobody can put a file where a directory is.
fn obstruct<K: Kind>(place: &Place<K>) {
    let _ = fs::remove_file(place.record_path());
    fs::create_dir(place.record_path()).unwrap();
}

fn clear<K: Kind>(place: &Place<K>) {
    fs::remove_dir(place.record_path()).unwrap();
}

fn is_rescued(error: &StoreError) -> bool {
    matches!(error.problem(), StoreProblem::Rescued { .. })
}

fn has_rescued<K: Kind>(place: &Place<K>) -> bool {
    place.recovery_directory().join(Place::<K>::record_name()).exists()
}

/// A refresh whose answer could not be written.
fn refresh_in_vain<K: Kind>(place: &Place<K>) -> FreshToken {
    let store = place.recovering_store();
    save_login(&store, &record()).unwrap();
    let pending = begin(&store);
    obstruct(place);
    complete(pending)
}

fn what_a_refresh_brought_is_rescued_and_taken_from_there<K: Kind>() {
    let place = Place::<K>::new();
    let token = refresh_in_vain(&place);
    let Some(Warning::NotStored(error)) = &token.warning else { panic!("{token:?}") };
    let there = place.recovery_directory().join(Place::<K>::record_name());
    let words = format!(
        "{} store, {}: the tokens could not be stored and are safe in {}, from where they are taken as soon as \
         this is mended: ",
        K::NAME,
        place.directory().display(),
        there.display()
    );
    assert!(is_rescued(error) && error.to_string().starts_with(&words), "{error}");

    // What is in the way is reported until it is mended.
    let refused = place.recovering_store().load(&key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Unsafe(_)), "{refused}");
    clear(&place);
    assert_eq!(place.recovering_store().load(&key()).unwrap(), Some(token.record));
    assert_eq!(place.store().load(&key()).unwrap(), None, "it is nowhere else");
}

fn the_first_write_after_a_rescue_puts_the_tokens_back_in_their_place<K: Kind>() {
    let place = Place::<K>::new();
    let rescued = refresh_in_vain(&place).record;
    clear(&place);
    let store = place.recovering_store();
    let later = rescued.refresh_at.unwrap();
    let usable = use_without_lock(store.load(&key()).unwrap().unwrap(), &TokenNeed::new(), later);
    assert!(usable.unwrap().is_none(), "a refresh is due");
    let NextStep::Refresh(pending) = next_step(&store, &key(), &TokenNeed::new(), &|| later).unwrap() else {
        panic!("a refresh is due");
    };
    assert!(!has_rescued(&place), "the record is marked and back in its place");
    drop(pending);
    let back = place.store().load(&key()).unwrap().unwrap();
    assert_eq!((back.generation, back.refresh_token), (rescued.generation, rescued.refresh_token));
}

fn a_login_is_rescued_whatever_lies_in_its_place<K: Kind>() {
    let place = Place::<K>::new();
    let store = place.recovering_store();
    save_login(&store, &record()).unwrap();
    obstruct(&place);
    let second = TokenRecord { obtained_at: at(REFRESHED_AT), ..record() };
    let error = save_login(&store, &second).unwrap_err();
    assert!(is_rescued(&error), "{error}");
    clear(&place);
    assert_eq!(store.load(&key()).unwrap(), Some(second));
}

fn a_login_for_which_no_lock_can_be_had_is_rescued<K: Kind>() {
    let place = Place::<K>::new();
    let store = place.recovering_store();
    let first = save_login(&store, &TokenRecord { generation: 7, ..record() }).unwrap();
    let held = place.store().lock(&key()).unwrap();
    let second = TokenRecord { obtained_at: at(REFRESHED_AT), ..record() };
    let error = save_login(&store, &second).unwrap_err();
    assert!(is_rescued(&error), "{error}");
    drop(held);
    // Its generation could not be known: what was obtained later is the newer one.
    assert_eq!(place.store().load(&key()).unwrap(), Some(first));
    assert_eq!(store.load(&key()).unwrap(), Some(second));
}

fn a_logout_erases_what_was_rescued<K: Kind>() {
    let place = Place::<K>::new();
    let rescued = refresh_in_vain(&place).record;
    clear(&place);
    let store = place.recovering_store();
    assert_eq!(log_out(&store, &key()).unwrap(), Some(rescued), "to be revoked");
    assert!(!has_rescued(&place));
    assert_eq!(store.load(&key()).unwrap(), None);
    assert!(!store.delete(&key()).unwrap());
}

fn what_was_rescued_before_a_newer_login_does_not_come_back<K: Kind>() {
    let place = Place::<K>::new();
    let rescued = refresh_in_vain(&place).record;
    clear(&place);
    // By somebody who does not know of the rescue.
    let login_at = rescued.obtained_at.saturating_add(Duration::from_secs(1));
    let newer = save_login(&place.store(), &TokenRecord { obtained_at: login_at, ..record() }).unwrap();
    assert_eq!(newer.generation, 1, "lower than the rescued one's");
    let store = place.recovering_store();
    assert_eq!(store.load(&key()).unwrap(), Some(newer));
}

fn what_may_not_be_overwritten_is_no_reason_for_a_rescue<K: Kind>() {
    let place = Place::<K>::new();
    let store = place.recovering_store();
    save_login(&store, &record()).unwrap();
    fs::write(place.record_path(), K::of_version_2()).unwrap();
    let error = save_login(&store, &record()).unwrap_err();
    assert!(matches!(error.problem(), StoreProblem::UnknownVersion { version: 2 }), "{error}");
    assert!(!place.recovery_directory().exists());
    assert_eq!(fs::read(place.record_path()).unwrap(), K::of_version_2());
}

fn without_a_recovery_directory_the_caller_alone_has_the_tokens<K: Kind>() {
    let place = Place::<K>::new();
    save_login(&place.store(), &record()).unwrap();
    let pending = begin(&place.store());
    obstruct(&place);
    let token = complete(pending);
    assert!(matches!(&token.warning, Some(Warning::NotStored(error)) if !is_rescued(error)), "{token:?}");
    assert_eq!(token.record.access_token.expose(), "access-2");
}

#[test]
#[cfg(feature = "sealed-file")]
fn a_sealed_record_is_rescued_sealed_with_the_key_that_was_had_before() {
    use crate::sealed_file_store::{GivenKey, Sealed};
    use oauth_token_store::SealedFileStore;

    let place = Place::<Sealed>::new();
    let source = GivenKey::new(7);
    let store = SealedFileStore::new(place.directory(), source.clone())
        .with_recovery_directory(place.recovery_directory());
    save_login(&store, &record()).unwrap();
    let pending = begin(&store);
    // Since the refresh was prepared, neither the key nor the place is there any more.
    source.take_away();
    obstruct(&place);
    let token = complete(pending);
    assert!(matches!(&token.warning, Some(Warning::NotStored(error)) if is_rescued(error)), "{token:?}");
    let bytes = fs::read(place.recovery_directory().join(Place::<Sealed>::record_name())).unwrap();
    assert!(bytes.starts_with(b"sealed-token"));
    clear(&place);
    assert_eq!(place.recovering_store().load(&key()).unwrap(), Some(token.record));
}

#[test]
#[cfg(unix)]
fn what_is_rescued_is_for_its_owner_alone_and_of_several_places_the_first_that_works_is_taken() {
    use crate::place::Plain;
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::<Plain>::new();
    let (first, second) = (place.recovery_directory(), place.recovery_directory().with_file_name("second"));
    let store = place.recovering_store().with_recovery_directory(&second);
    save_login(&store, &record()).unwrap();
    fs::create_dir_all(first.parent().unwrap()).unwrap();
    fs::write(&first, "no directory").unwrap();
    let pending = begin(&store);
    obstruct(&place);
    let token = complete(pending);
    clear(&place);
    let kept_as = second.join(Place::<Plain>::record_name());
    assert_eq!(fs::metadata(&kept_as).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(&second).unwrap().permissions().mode() & 0o7777, 0o700);
    fs::remove_file(&first).unwrap();
    assert_eq!(store.load(&key()).unwrap(), Some(token.record));
}

/// A keyring that gave its key once, and has been locked since.
#[cfg(feature = "sealed-file")]
#[derive(Debug)]
struct LockedSince;

#[cfg(feature = "sealed-file")]
impl oauth_token_store::KeySource for LockedSince {
    fn store(&self) -> &'static str {
        "sealed file (given key)"
    }

    fn find(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        Ok(Some(SealingKey::from_bytes(&[7; 32])))
    }

    fn find_to_write(&self, directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        Err(self.missing(directory))
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        Err(self.missing(directory))
    }

    fn missing(&self, _directory: &Path) -> StoreError {
        StoreError::new(self.store(), None, StoreProblem::Keyring(KeyringProblem::Locked))
    }
}

#[test]
#[cfg(feature = "sealed-file")]
fn a_login_is_rescued_from_a_keyring_that_was_locked_meanwhile() {
    use crate::sealed_file_store::Sealed;

    let place = Place::<Sealed>::new();
    let store = oauth_token_store::SealedFileStore::new(place.directory(), LockedSince)
        .with_recovery_directory(place.recovery_directory());
    let error = save_login(&store, &record()).unwrap_err();
    assert!(is_rescued(&error), "{error}");
    let bytes = fs::read(place.recovery_directory().join(Place::<Sealed>::record_name())).unwrap();
    assert!(bytes.starts_with(b"sealed-token"));
    assert_eq!(place.recovering_store().load(&key()).unwrap(), Some(record()));
}
