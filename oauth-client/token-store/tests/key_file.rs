//! The key in a file of its own.

use std::fs;
use std::path::PathBuf;

use oauth_token_store::{KeyFile, SealedFileStore, StoreProblem, TokenKey, TokenRecord, TokenStore as _};
use tempfile::TempDir;

use crate::example_login::{key, record};

struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: TempDir::new().unwrap() }
    }

    fn key_path(&self) -> PathBuf {
        self.root.path().join("keys/tokens.key")
    }

    fn made_if_missing(&self) -> SealedFileStore {
        self.store(KeyFile::made_if_missing(self.key_path()))
    }

    fn store(&self, key: KeyFile) -> SealedFileStore {
        SealedFileStore::new(self.root.path().join("tokens"), key)
    }
}

#[test]
fn is_made_with_the_first_record_and_read_ever_after() {
    let place = Place::new();
    assert_eq!(place.made_if_missing().load(&key()).unwrap(), None);
    assert!(!place.key_path().exists(), "reading makes nothing");
    place.made_if_missing().save(&record()).unwrap();
    let made = fs::read_to_string(place.key_path()).unwrap();
    assert_eq!((made.len(), made.ends_with('\n')), (45, true));
    place.made_if_missing().prepare().unwrap();
    let given = place.store(KeyFile::new(place.key_path()));
    assert_eq!(given.load(&key()).unwrap(), Some(record()));
    assert_eq!(fs::read_to_string(place.key_path()).unwrap(), made, "never overwritten");
}

#[test]
fn is_not_made_unless_asked_for() {
    let place = Place::new();
    let refused = place.store(KeyFile::new(place.key_path())).save(&record()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "sealed file (key file) store, {}: the key is not there: \
             mount its disk, restore it from a backup, or name the right file",
            place.key_path().display()
        )
    );
    assert!(!place.key_path().exists());
}

#[test]
fn a_missing_one_is_not_replaced_while_records_wait_for_it() {
    let place = Place::new();
    place.made_if_missing().save(&record()).unwrap();
    let elsewhere = place.key_path().with_file_name("elsewhere");
    fs::rename(place.key_path(), &elsewhere).unwrap();
    let refused = place.made_if_missing().save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::MissingKey { .. }), "{refused}");
    assert!(!place.key_path().exists());
    fs::rename(elsewhere, place.key_path()).unwrap();
    assert_eq!(place.made_if_missing().load(&key()).unwrap(), Some(record()));
}

#[test]
fn many_that_make_it_at_once_make_the_same() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = place.made_if_missing();
            scope.spawn(move || {
                let key = TokenKey { account: number.to_string(), ..key() };
                store.save(&TokenRecord { key, ..record() }).unwrap();
            });
        }
    });
    for number in 0..8 {
        let key = TokenKey { account: number.to_string(), ..key() };
        assert!(place.made_if_missing().load(&key).unwrap().is_some());
    }
}

#[test]
fn one_that_is_no_key_is_left_as_it_is() {
    let place = Place::new();
    place.made_if_missing().save(&record()).unwrap();
    fs::write(place.key_path(), "").unwrap();
    for refused in [
        place.made_if_missing().load(&key()).unwrap_err(),
        place.made_if_missing().save(&record()).unwrap_err(),
    ] {
        assert!(matches!(refused.problem(), StoreProblem::InvalidKey { .. }), "{refused}");
        assert_eq!(refused.path(), Some(&*place.key_path()));
    }
    assert_eq!(fs::read(place.key_path()).unwrap(), b"");
}

#[cfg(unix)]
#[test]
fn one_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    use oauth_token_store::UnsafeState;

    let place = Place::new();
    place.made_if_missing().save(&record()).unwrap();
    let mode = |mode| fs::set_permissions(place.key_path(), fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(place.key_path()).unwrap().permissions().mode() & 0o7777, 0o600);
    mode(0o644);
    let refused = place.made_if_missing().load(&key()).unwrap_err();
    assert!(
        matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::ReadableByOthers { mode: 0o644 })),
        "{refused}"
    );
    mode(0o600);
    fs::hard_link(place.key_path(), place.key_path().with_file_name("second")).unwrap();
    let refused = place.made_if_missing().load(&key()).unwrap_err();
    assert!(
        matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::ManyLinks { links: 2 })),
        "{refused}"
    );
}
