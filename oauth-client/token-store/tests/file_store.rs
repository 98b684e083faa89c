//! The file stores, plain and sealed: what they write, what they leave behind, and what they do with a file
//! that is broken.

use std::fs;

use oauth_token_store::{StoreProblem, TokenKey, TokenRecord, TokenStore as _, log_out, save_login};
use proptest::prelude::*;

use crate::example_login::{key, record, record_of};
use crate::place::{Kind, Place, Plain, STEM, with_each_kind};

with_each_kind! {
    keeps_what_was_saved_until_it_is_deleted
    keeps_logins_apart
    keeps_a_token_of_20_kilobytes
    refuses_to_go_back_a_generation
    refuses_another_logins_record_under_a_lock
    a_login_is_one_generation_above_the_one_before
    a_logout_erases_and_gives_back_what_is_to_be_revoked
    a_record_cut_off_anywhere_is_kept_aside_and_reported
    a_damaged_record_gives_way_to_a_new_login_and_goes_with_the_logout
    a_damaged_record_is_no_logout_however_often_it_is_asked_for
    a_record_of_another_version_is_neither_read_nor_overwritten
    a_record_copied_from_another_login_is_refused
    what_a_killed_process_left_is_swept_under_the_lock_of_its_own_login
    the_space_set_aside_goes_with_the_lock_and_the_record_is_as_long_as_its_text
    a_lock_that_is_held_is_waited_for_in_vain_and_is_free_once_dropped
    a_lock_file_removed_while_it_was_waited_for_is_made_again
    any_bytes_in_the_records_place_are_reported_and_none_are_lost
}

fn keeps_what_was_saved_until_it_is_deleted<K: Kind>() {
    let place = Place::<K>::new();
    let store = place.store();
    assert_eq!(store.load(&key()).unwrap(), None);
    assert!(!place.directory().exists(), "reading makes nothing");
    store.save(&record()).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
    assert_eq!(place.names(), [Place::<K>::record_name(), Place::<K>::lock_name()]);
    assert!(store.delete(&key()).unwrap());
    assert!(!store.delete(&key()).unwrap());
    assert_eq!(store.load(&key()).unwrap(), None);
    assert_eq!(place.names(), [Place::<K>::lock_name()], "the lock file is never removed");
}

fn keeps_logins_apart<K: Kind>() {
    let place = Place::<K>::new();
    let other = TokenKey { account: "you".into(), ..key() };
    place.store().save(&record()).unwrap();
    assert_eq!(place.store().load(&other).unwrap(), None);
    let run_together = TokenKey::new("https://auth.example.comd", "evice", "me");
    assert_eq!(place.store().load(&run_together).unwrap(), None);
    place.store().save(&TokenRecord { key: other.clone(), ..record() }).unwrap();
    assert!(place.store().delete(&key()).unwrap());
    assert_eq!(place.store().load(&other).unwrap().unwrap().key, other);
}

fn keeps_a_token_of_20_kilobytes<K: Kind>() {
    let place = Place::<K>::new();
    let token = "x".repeat(20_000);
    let long = record_of(&format!(
        r#"{{"access_token":"{token}","token_type":"Bearer","refresh_token":"{token}","id_token":"{token}"}}"#
    ));
    place.store().save(&long).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(long));
}

fn refuses_to_go_back_a_generation<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&TokenRecord { generation: 3, ..record() }).unwrap();
    let refused = place.store().save(&TokenRecord { generation: 2, ..record() }).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Superseded { stored: 3, offered: 2 }), "{refused}");
    assert_eq!(place.store().load(&key()).unwrap().unwrap().generation, 3);
}

fn refuses_another_logins_record_under_a_lock<K: Kind>() {
    let place = Place::<K>::new();
    let other = TokenKey { account: "you".into(), ..key() };
    let refused = place.store().lock(&other).unwrap().save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::OtherKey), "{refused}");
}

fn a_login_is_one_generation_above_the_one_before<K: Kind>() {
    let place = Place::<K>::new();
    assert_eq!(save_login(&place.store(), &record()).unwrap().generation, 1);
    place.store().save(&TokenRecord { generation: 8, login_needed: true, ..record() }).unwrap();
    let stored = save_login(&place.store(), &record()).unwrap();
    assert_eq!((stored.generation, stored.login_needed), (9, false));
    assert_eq!(place.store().load(&key()).unwrap(), Some(stored));
}

fn a_logout_erases_and_gives_back_what_is_to_be_revoked<K: Kind>() {
    let place = Place::<K>::new();
    assert_eq!(log_out(&place.store(), &key()).unwrap(), None);
    place.store().save(&record()).unwrap();
    assert_eq!(log_out(&place.store(), &key()).unwrap(), Some(record()));
    assert_eq!(place.names(), [Place::<K>::lock_name()]);
}

fn a_record_cut_off_anywhere_is_kept_aside_and_reported<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    let whole = fs::read(place.record_path()).unwrap();
    // The last byte is the line's end: without it nothing is missing.
    for length in 0..whole.len() - 1 {
        fs::write(place.record_path(), &whole[..length]).unwrap();
        let error = place.store().load(&key()).unwrap_err();
        let kept_as = place.directory().join(format!("{}.corrupt-{}", Place::<K>::record_name(), length + 1));
        assert!(
            matches!(error.problem(), StoreProblem::Corrupt { kept_as: path } if *path == kept_as),
            "{length}: {error}"
        );
        assert_eq!(fs::read(&kept_as).unwrap(), whole[..length]);
        // A file as private as the store's own for the next length.
        place.store().save(&record()).unwrap();
    }
}

fn a_damaged_record_gives_way_to_a_new_login_and_goes_with_the_logout<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    fs::write(place.record_path(), "\0\0\0").unwrap();
    assert_eq!(save_login(&place.store(), &record()).unwrap().generation, 1);
    let kept = format!("{}.corrupt-1", Place::<K>::record_name());
    assert_eq!(place.names(), [Place::<K>::record_name(), kept, Place::<K>::lock_name()]);
    fs::write(place.record_path(), "{").unwrap();
    assert_eq!(log_out(&place.store(), &key()).unwrap(), None);
    assert_eq!(place.names(), [Place::<K>::lock_name()]);
}

fn a_damaged_record_is_no_logout_however_often_it_is_asked_for<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    fs::write(place.record_path(), "\0\0\0").unwrap();
    for _ in 0..3 {
        let loaded = [place.store().load(&key()), place.store().lock(&key()).unwrap().load()];
        for refused in loaded.map(Result::unwrap_err) {
            let StoreProblem::Corrupt { kept_as } = refused.problem() else { panic!("{refused}") };
            assert_eq!(fs::read(kept_as).unwrap(), b"\0\0\0");
        }
    }
    place.store().save(&record()).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
    log_out(&place.store(), &key()).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), None);
}

fn a_record_of_another_version_is_neither_read_nor_overwritten<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    let later = K::of_version_2();
    fs::write(place.record_path(), &later).unwrap();
    let refusals = [
        place.store().load(&key()).unwrap_err(),
        place.store().save(&record()).unwrap_err(),
        save_login(&place.store(), &record()).unwrap_err(),
    ];
    for refused in refusals {
        assert!(matches!(refused.problem(), StoreProblem::UnknownVersion { version: 2 }), "{refused}");
        let shown = refused.to_string();
        assert!(shown.contains(&format!("{} store", K::NAME)) && shown.contains(STEM), "{shown}");
    }
    assert_eq!(fs::read(place.record_path()).unwrap(), later);
    assert_eq!(log_out(&place.store(), &key()).unwrap(), None);
    assert!(!place.record_path().exists());
}

fn a_record_copied_from_another_login_is_refused<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    let own = fs::read(place.record_path()).unwrap();
    let other = TokenKey { account: "you".into(), ..key() };
    place.store().save(&TokenRecord { key: other, ..record() }).unwrap();
    let others_path = place.other_record_path();
    fs::copy(&others_path, place.record_path()).unwrap();
    for refused in [place.store().load(&key()).unwrap_err(), place.store().save(&record()).unwrap_err()] {
        assert!(matches!(refused.problem(), StoreProblem::ForeignRecord), "{refused}");
    }
    assert_eq!(fs::read(place.record_path()).unwrap(), fs::read(&others_path).unwrap(), "it stays");
    fs::write(place.record_path(), own).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

fn what_a_killed_process_left_is_swept_under_the_lock_of_its_own_login<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    let left = place.directory().join(format!("tmp.{}{STEM}.0123456789abcdef", K::PREFIX));
    let others = place.directory().join("tmp.0000.0123456789abcdef");
    fs::write(&left, "{\"version\":1,").unwrap();
    fs::write(&others, "another login's write under way").unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()), "half a write is never read");
    assert!(left.exists(), "reading changes nothing");
    drop(place.store().lock(&key()).unwrap());
    assert!(!left.exists());
    assert!(others.exists());
}

fn the_space_set_aside_goes_with_the_lock_and_the_record_is_as_long_as_its_text<K: Kind>() {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    let length = fs::metadata(place.record_path()).unwrap().len();
    let mut locked = place.store().lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    assert!(place.names().iter().any(|name| name.starts_with("tmp.")), "{:?}", place.names());
    drop(locked);
    assert_eq!(place.names(), [Place::<K>::record_name(), Place::<K>::lock_name()]);

    let mut locked = place.store().lock(&key()).unwrap();
    locked.reserve(&record()).unwrap();
    locked.save(&TokenRecord { generation: 2, ..record() }).unwrap();
    assert_eq!(fs::metadata(place.record_path()).unwrap().len(), length);
    assert_eq!(place.names(), [Place::<K>::record_name(), Place::<K>::lock_name()]);
}

fn a_lock_that_is_held_is_waited_for_in_vain_and_is_free_once_dropped<K: Kind>() {
    let place = Place::<K>::new();
    let held = place.store().lock(&key()).unwrap();
    let impatient = place.impatient_store();
    let refused = impatient.save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::LockTimeout { .. }), "{refused}");
    drop(held);
    impatient.save(&record()).unwrap();
}

fn a_lock_file_removed_while_it_was_waited_for_is_made_again<K: Kind>() {
    let place = Place::<K>::new();
    let held = place.store().lock(&key()).unwrap();
    let store = place.store();
    let waiter = std::thread::spawn(move || store.save(&record()));
    fs::remove_file(place.lock_path()).unwrap();
    drop(held);
    waiter.join().unwrap().unwrap();
    assert_eq!(place.names(), [Place::<K>::record_name(), Place::<K>::lock_name()]);
}

#[test]
fn the_plain_one_says_what_it_promises() {
    let place = Place::<Plain>::new();
    let promises = place.store().describe();
    assert_eq!((promises.encrypted_at_rest, promises.survives_reboot), (false, true));
    assert_eq!(promises.location, Some(place.directory()));
}

fn any_bytes_in_the_records_place_are_reported_and_none_are_lost<K: Kind>() {
    proptest!(ProptestConfig::with_cases(64), |(bytes: Vec<u8>)| {
        let place = Place::<K>::new();
        place.store().save(&record()).unwrap();
        fs::write(place.record_path(), &bytes).unwrap();
        let error = place.store().load(&key()).unwrap_err();
        let StoreProblem::Corrupt { kept_as } = error.problem() else { panic!("{error}") };
        prop_assert_eq!(fs::read(kept_as).unwrap(), bytes);
    });
}
