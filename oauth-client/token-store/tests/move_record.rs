//! From one store to another.

use std::path::PathBuf;
use std::time::Duration;

use oauth_token_store::{
    LockedRecord, MemoryStore, PlainFileStore, StoreDescription, StoreError, StoreProblem, TokenKey,
    TokenRecord, TokenStore, UnixTime, move_record, move_record_with, move_records,
};

use crate::example_login::{key, record};
use crate::place::{Kind, Place, Plain, with_each_kind};

with_each_kind! {
    a_login_moves_with_all_that_is_known_of_it_and_leaves_nothing_behind
    a_move_cut_short_after_the_write_is_finished_by_another
}

fn a_login_moves_with_all_that_is_known_of_it_and_leaves_nothing_behind<K: Kind>() {
    let (memory, place, plain) = (MemoryStore::new(), Place::<K>::new(), Place::<Plain>::new());
    let whole = TokenRecord {
        generation: 7,
        // A store keeps whole seconds: the copy is as good as one.
        expires_in: Some(Duration::from_millis(1_000_500)),
        retry_not_before: Some(UnixTime::from_seconds(9)),
        failures: 3,
        login_needed: true,
        ..record()
    };
    memory.save(&whole).unwrap();
    assert!(move_record(&memory, &place.store(), &key()).unwrap());
    assert_eq!(memory.load(&key()).unwrap(), None);
    assert!(move_record(&place.store(), &plain.store(), &key()).unwrap());
    assert_eq!(place.names(), [Place::<K>::lock_name()]);
    let moved = plain.store().load(&key()).unwrap().unwrap();
    assert_eq!(moved, TokenRecord { expires_in: Some(Duration::from_secs(1000)), ..whole });
    assert!(!move_record(&place.store(), &plain.store(), &key()).unwrap(), "nothing left to move");
    assert_eq!(plain.store().load(&key()).unwrap(), Some(moved));
}

fn a_move_cut_short_after_the_write_is_finished_by_another<K: Kind>() {
    let (from, to) = (Place::<Plain>::new(), Place::<K>::new());
    to.store().save(&record()).unwrap();
    // Meanwhile somebody has refreshed what was still there.
    let refreshed = TokenRecord {
        generation: 2,
        obtained_at: record().obtained_at.saturating_add(Duration::from_secs(800)),
        ..record()
    };
    for old in [record(), refreshed] {
        from.store().save(&old).unwrap();
        assert!(move_record(&from.store(), &to.store(), &key()).unwrap());
        assert_eq!(from.store().load(&key()).unwrap(), None);
        assert_eq!(to.store().load(&key()).unwrap(), Some(old));
    }
}

#[test]
fn where_the_login_is_is_written_down_while_both_copies_are_there() {
    let (from, to) = (Place::<Plain>::new(), Place::<Plain>::new());
    from.store().save(&record()).unwrap();
    let both = || [&from, &to].map(|place| place.store().load(&key()).unwrap().is_some());
    let moved = move_record_with(&from.store(), &to.store(), &key(), || {
        assert_eq!(both(), [true, true]);
        Ok::<_, StoreError>(())
    });
    assert!(moved.unwrap());
    assert_eq!(both(), [false, true]);
}

#[test]
fn a_move_that_cannot_be_written_down_leaves_the_login_where_it_was() {
    let (from, to) = (Place::<Plain>::new(), Place::<Plain>::new());
    from.store().save(&record()).unwrap();
    let refused = || StoreError::new("test", None, StoreProblem::NotReadBack);
    let moved = move_record_with(&from.store(), &to.store(), &key(), || Err(refused()));
    assert!(matches!(moved.unwrap_err().problem(), StoreProblem::NotReadBack));
    assert_eq!(from.store().load(&key()).unwrap(), Some(record()));
    assert_eq!(to.store().load(&key()).unwrap(), None);
}

#[test]
fn several_logins_move_one_after_the_other() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    let keys = ["a", "b", "nobody"].map(|account| TokenKey { account: account.into(), ..key() });
    for key in &keys[..2] {
        from.save(&TokenRecord { key: key.clone(), ..record() }).unwrap();
    }
    assert_eq!(move_records(&from, &to, &keys).unwrap(), 2);
    assert!(to.load(&keys[0]).unwrap().is_some() && to.load(&keys[1]).unwrap().is_some());
}

#[test]
fn a_newer_login_in_the_other_store_is_not_overwritten() {
    let later = record().obtained_at.saturating_add(Duration::from_secs(1));
    let newer = [
        TokenRecord { obtained_at: later, ..record() },
        TokenRecord { access_token: "another".into(), generation: 4, ..record() },
        TokenRecord { generation: 5, ..record() },
    ];
    for there in newer {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        let old = TokenRecord { generation: 4, ..record() };
        from.save(&old).unwrap();
        to.save(&there).unwrap();
        let refused = move_record(&from, &to, &key()).unwrap_err();
        assert!(
            matches!(refused.problem(), StoreProblem::NewerLogin | StoreProblem::Superseded { .. }),
            "{refused}"
        );
        assert_eq!((from.load(&key()).unwrap(), to.load(&key()).unwrap()), (Some(old), Some(there)));
    }
}

#[test]
fn to_move_a_login_to_where_it_is_is_refused_whatever_the_place_is_called() {
    let memory = MemoryStore::new();
    let place = Place::<Plain>::new();
    place.store().save(&record()).unwrap();
    memory.save(&record()).unwrap();
    let roundabout: PathBuf = place.directory().join("../tokens");
    let refusals = [
        move_record(&memory, &memory.clone(), &key()).unwrap_err(),
        move_record(&place.store(), &PlainFileStore::new(roundabout), &key()).unwrap_err(),
    ];
    for refused in refusals {
        assert!(matches!(refused.problem(), StoreProblem::SamePlace), "{refused}");
    }
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

#[test]
fn moves_in_opposite_directions_do_not_wait_for_each_other() {
    let (one, other) = (Place::<Plain>::new(), Place::<Plain>::new());
    one.store().save(&record()).unwrap();
    std::thread::scope(|scope| {
        for (from, to) in [(&one, &other), (&other, &one)] {
            scope.spawn(move || {
                for _ in 0..50 {
                    move_record(&from.store(), &to.store(), &key()).unwrap();
                }
            });
        }
    });
    let found = [one.store().load(&key()).unwrap(), other.store().load(&key()).unwrap()];
    assert_eq!(found.iter().flatten().collect::<Vec<_>>(), [&record()]);
}

/// Takes what is saved and gives back something else.
#[derive(Debug)]
struct Forgetful(MemoryStore);

#[derive(Debug)]
struct ForgetfulLock(Box<dyn LockedRecord>);

impl TokenStore for Forgetful {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.0.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        Ok(Box::new(ForgetfulLock(self.0.lock(key)?)))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.0.lock_name(key)
    }

    fn describe(&self) -> StoreDescription {
        self.0.describe()
    }
}

impl LockedRecord for ForgetfulLock {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.0.load()?.map(|record| TokenRecord { refresh_token: None, ..record }))
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        self.0.reserve(in_doubt)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        self.0.save(record)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.0.delete()
    }
}

#[test]
fn the_old_copy_stays_until_the_new_one_was_read_back() {
    let from = MemoryStore::new();
    from.save(&record()).unwrap();
    let refused = move_record(&from, &Forgetful(MemoryStore::new()), &key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::NotReadBack), "{refused}");
    assert_eq!(from.load(&key()).unwrap(), Some(record()));
}
