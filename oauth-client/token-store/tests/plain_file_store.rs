//! The plain file store: what it writes, what it leaves behind, and what it does with a file that is broken.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use oauth_token_store::{
    PlainFileStore, StoreProblem, TokenKey, TokenRecord, TokenStore as _, log_out, save_login,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::example_login::{key, record, record_of};

/// The store in an empty place.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { root: TempDir::new().unwrap() }
    }

    /// It gives up at a held lock after this long: nothing here holds one for longer.
    pub(crate) fn store(&self) -> PlainFileStore {
        PlainFileStore::new(self.directory()).with_lock_timeout(Duration::from_secs(20))
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("state/tokens")
    }

    /// SHA-256 over each of the three names behind its length in eight bytes, computed elsewhere.
    pub(crate) fn record_path(&self) -> PathBuf {
        self.directory().join(format!("{STEM}.json"))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.directory())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

pub(crate) const STEM: &str = "6ac4e91496791b5d2581c85495f610ae842b2244d10fdcf2c2b01dff0e15b179";

#[test]
fn keeps_what_was_saved_until_it_is_deleted() {
    let place = Place::new();
    let store = place.store();
    assert_eq!(store.load(&key()).unwrap(), None);
    assert!(!place.directory().exists(), "reading makes nothing");
    store.save(&record()).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
    assert_eq!(place.names(), [format!("{STEM}.json"), format!("{STEM}.lock")]);
    assert!(store.delete(&key()).unwrap());
    assert!(!store.delete(&key()).unwrap());
    assert_eq!(store.load(&key()).unwrap(), None);
    assert_eq!(place.names(), [format!("{STEM}.lock")], "the lock file is never removed");
}

#[test]
fn keeps_logins_apart() {
    let place = Place::new();
    let other = TokenKey { account: "you".into(), ..key() };
    place.store().save(&record()).unwrap();
    assert_eq!(place.store().load(&other).unwrap(), None);
    let run_together = TokenKey::new("https://auth.example.comd", "evice", "me");
    assert_eq!(place.store().load(&run_together).unwrap(), None);
    place.store().save(&TokenRecord { key: other.clone(), ..record() }).unwrap();
    assert!(place.store().delete(&key()).unwrap());
    assert_eq!(place.store().load(&other).unwrap().unwrap().key, other);
}

#[test]
fn keeps_a_token_of_20_kilobytes() {
    let place = Place::new();
    let token = "x".repeat(20_000);
    let long = record_of(&format!(
        r#"{{"access_token":"{token}","token_type":"Bearer","refresh_token":"{token}","id_token":"{token}"}}"#
    ));
    place.store().save(&long).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(long));
}

#[test]
fn refuses_to_go_back_a_generation() {
    let place = Place::new();
    place.store().save(&TokenRecord { generation: 3, ..record() }).unwrap();
    let refused = place.store().save(&TokenRecord { generation: 2, ..record() }).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Superseded { stored: 3, offered: 2 }), "{refused}");
    assert_eq!(place.store().load(&key()).unwrap().unwrap().generation, 3);
}

#[test]
fn refuses_another_logins_record_under_a_lock() {
    let place = Place::new();
    let other = TokenKey { account: "you".into(), ..key() };
    let refused = place.store().lock(&other).unwrap().save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::OtherKey), "{refused}");
}

#[test]
fn a_login_is_one_generation_above_the_one_before() {
    let place = Place::new();
    assert_eq!(save_login(&place.store(), &record()).unwrap().generation, 1);
    place.store().save(&TokenRecord { generation: 8, login_needed: true, ..record() }).unwrap();
    let stored = save_login(&place.store(), &record()).unwrap();
    assert_eq!((stored.generation, stored.login_needed), (9, false));
    assert_eq!(place.store().load(&key()).unwrap(), Some(stored));
}

#[test]
fn a_logout_erases_and_gives_back_what_is_to_be_revoked() {
    let place = Place::new();
    assert_eq!(log_out(&place.store(), &key()).unwrap(), None);
    place.store().save(&record()).unwrap();
    assert_eq!(log_out(&place.store(), &key()).unwrap(), Some(record()));
    assert_eq!(place.names(), [format!("{STEM}.lock")]);
}

#[test]
fn a_record_cut_off_anywhere_is_kept_aside_and_reported() {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    let whole = fs::read(place.record_path()).unwrap();
    // The last byte is the line's end: without it nothing is missing.
    for length in 0..whole.len() - 1 {
        fs::write(place.record_path(), &whole[..length]).unwrap();
        let error = place.store().load(&key()).unwrap_err();
        let kept_as = place.directory().join(format!("{STEM}.json.corrupt-{}", length + 1));
        assert!(
            matches!(error.problem(), StoreProblem::Corrupt { kept_as: path } if *path == kept_as),
            "{length}: {error}"
        );
        assert_eq!(fs::read(&kept_as).unwrap(), whole[..length]);
        // A file as private as the store's own for the next length.
        place.store().save(&record()).unwrap();
    }
}

#[test]
fn a_damaged_record_gives_way_to_a_new_login_and_goes_with_the_logout() {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    fs::write(place.record_path(), "\0\0\0").unwrap();
    assert_eq!(save_login(&place.store(), &record()).unwrap().generation, 1);
    let kept = format!("{STEM}.json.corrupt-1");
    assert_eq!(place.names(), [format!("{STEM}.json"), kept, format!("{STEM}.lock")]);
    fs::write(place.record_path(), "{").unwrap();
    assert_eq!(log_out(&place.store(), &key()).unwrap(), None);
    assert_eq!(place.names(), [format!("{STEM}.lock")]);
}

#[test]
fn a_record_of_another_version_is_neither_read_nor_overwritten() {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    let later = r#"{"version":2,"sealed":"AAAA"}"#;
    fs::write(place.record_path(), later).unwrap();
    let refusals = [
        place.store().load(&key()).unwrap_err(),
        place.store().save(&record()).unwrap_err(),
        save_login(&place.store(), &record()).unwrap_err(),
    ];
    for refused in refusals {
        assert!(matches!(refused.problem(), StoreProblem::UnknownVersion { version: 2 }), "{refused}");
        let shown = refused.to_string();
        assert!(shown.contains("plain file store") && shown.contains(STEM), "{shown}");
    }
    assert_eq!(fs::read_to_string(place.record_path()).unwrap(), later);
    assert_eq!(log_out(&place.store(), &key()).unwrap(), None);
    assert!(!place.record_path().exists());
}

#[test]
fn a_record_copied_from_another_login_is_refused() {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    let json = fs::read_to_string(place.record_path()).unwrap();
    fs::write(place.record_path(), json.replace("\"account\":\"me\"", "\"account\":\"you\"")).unwrap();
    for refused in [place.store().load(&key()).unwrap_err(), place.store().save(&record()).unwrap_err()] {
        assert!(matches!(refused.problem(), StoreProblem::ForeignRecord), "{refused}");
    }
}

#[test]
fn what_a_killed_process_left_is_swept_under_the_lock_of_its_own_login() {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    let left = place.directory().join(format!("tmp.{STEM}.0123456789abcdef"));
    let others = place.directory().join("tmp.0000.0123456789abcdef");
    fs::write(&left, "{\"version\":1,").unwrap();
    fs::write(&others, "another login's write under way").unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()), "half a write is never read");
    assert!(left.exists(), "reading changes nothing");
    drop(place.store().lock(&key()).unwrap());
    assert!(!left.exists());
    assert!(others.exists());
}

#[test]
fn the_space_set_aside_goes_with_the_lock_and_the_record_is_as_long_as_its_text() {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    let mut locked = place.store().lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    assert!(place.names().iter().any(|name| name.starts_with("tmp.")), "{:?}", place.names());
    drop(locked);
    assert_eq!(place.names(), [format!("{STEM}.json"), format!("{STEM}.lock")]);

    let mut locked = place.store().lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    locked.save(&TokenRecord { generation: 2, ..record() }).unwrap();
    assert!(fs::read_to_string(place.record_path()).unwrap().ends_with("\"login_needed\":false}\n"));
    assert_eq!(place.names(), [format!("{STEM}.json"), format!("{STEM}.lock")]);
}

#[test]
fn a_lock_that_is_held_is_waited_for_in_vain_and_is_free_once_dropped() {
    let place = Place::new();
    let held = place.store().lock(&key()).unwrap();
    let impatient = place.store().with_lock_timeout(Duration::from_millis(10));
    let refused = impatient.save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::LockTimeout { .. }), "{refused}");
    drop(held);
    impatient.save(&record()).unwrap();
}

#[test]
fn a_lock_file_removed_while_it_was_waited_for_is_made_again() {
    let place = Place::new();
    let held = place.store().lock(&key()).unwrap();
    let store = place.store();
    let waiter = std::thread::spawn(move || store.save(&record()));
    fs::remove_file(place.directory().join(format!("{STEM}.lock"))).unwrap();
    drop(held);
    waiter.join().unwrap().unwrap();
    assert_eq!(place.names(), [format!("{STEM}.json"), format!("{STEM}.lock")]);
}

#[test]
fn says_what_it_promises() {
    let place = Place::new();
    let promises = place.store().describe();
    assert_eq!((promises.encrypted_at_rest, promises.survives_reboot), (false, true));
    assert_eq!(promises.location, Some(place.directory()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_in_the_records_place_are_reported_and_none_are_lost(bytes: Vec<u8>) {
        let place = Place::new();
        place.store().save(&record()).unwrap();
        fs::write(place.record_path(), &bytes).unwrap();
        let error = place.store().load(&key()).unwrap_err();
        let StoreProblem::Corrupt { kept_as } = error.problem() else { panic!("{error}") };
        prop_assert_eq!(fs::read(kept_as).unwrap(), bytes);
    }
}
