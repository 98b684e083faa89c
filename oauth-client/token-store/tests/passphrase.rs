//! The key from a passphrase.

use std::fs;
use std::path::PathBuf;

use oauth_protocol::Secret;
use oauth_token_store::{
    Passphrase, PassphraseCost, SealedFileStore, StoreError, StoreProblem, TokenStore as _, save_login,
};
use tempfile::TempDir;

use crate::example_login::{key, record};

struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: TempDir::new().unwrap() }
    }

    fn header_path(&self) -> PathBuf {
        self.root.path().join("tokens/passphrase.json")
    }

    /// At a cost that a test can pay often.
    fn store(&self, passphrase: &str) -> SealedFileStore {
        let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
        let source = Passphrase::new(Secret::from(passphrase)).with_cost(cost);
        SealedFileStore::new(self.root.path().join("tokens"), source)
    }

    fn refusals(&self, passphrase: &str) -> [StoreError; 4] {
        [
            self.store(passphrase).load(&key()).unwrap_err(),
            self.store(passphrase).save(&record()).unwrap_err(),
            save_login(&self.store(passphrase), &record()).unwrap_err(),
            self.store(passphrase).prepare().unwrap_err(),
        ]
    }
}

#[test]
fn opens_what_the_same_passphrase_sealed() {
    let place = Place::new();
    let is_set = || Passphrase::is_set_in(place.header_path().parent().unwrap()).unwrap();
    assert!(!is_set());
    assert_eq!(place.store("correct horse").load(&key()).unwrap(), None);
    place.store("correct horse").save(&record()).unwrap();
    assert!(is_set());
    assert_eq!(place.store("correct horse").load(&key()).unwrap(), Some(record()));
    let header = fs::read_to_string(place.header_path()).unwrap();
    let start = r#"{"version":1,"kdf":"argon2id","memory_kib":64,"passes":1,"lanes":1,"salt":""#;
    assert!(header.starts_with(start) && !header.contains("horse"), "{header}");
}

/// Argon2id of "correct horse battery staple" with the salt below, 64 MiB, 3 passes and 4 lanes, and the
/// key's name, both computed with Python's argon2-cffi and hashlib.
#[test]
fn derives_the_key_that_another_implementation_derives() {
    let place = Place::new();
    fs::create_dir_all(place.header_path().parent().unwrap()).unwrap();
    let header = r#"{"version":1,"kdf":"argon2id","memory_kib":65536,"passes":3,"lanes":4,"salt":"000102030405060708090a0b0c0d0e0f","key":"f54206080b1c170d9ac0a28b3149da03"}"#;
    write_private(&place.header_path(), header);
    place.store("correct horse battery staple").prepare().unwrap();
}

#[test]
fn a_wrong_one_is_recognised_as_such_and_changes_nothing() {
    let place = Place::new();
    place.store("correct horse").save(&record()).unwrap();
    let record_path = fs::read_dir(place.root.path().join("tokens"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .unwrap();
    let before = (fs::read(place.header_path()).unwrap(), fs::read(&record_path).unwrap());
    for refused in place.refusals("Correct horse") {
        assert!(matches!(refused.problem(), StoreProblem::WrongPassphrase), "{refused}");
        let shown = refused.to_string();
        let start = format!(
            "sealed file (passphrase) store, {}: the passphrase is wrong",
            place.header_path().display()
        );
        assert!(shown.starts_with(&start), "{shown}");
    }
    assert_eq!((fs::read(place.header_path()).unwrap(), fs::read(record_path).unwrap()), before);
}

#[test]
fn a_wrong_one_is_recognised_before_there_is_any_record() {
    let place = Place::new();
    place.store("correct horse").prepare().unwrap();
    let refused = place.store("wrong").save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::WrongPassphrase), "{refused}");
}

#[test]
fn a_damaged_header_is_left_as_it_is() {
    let place = Place::new();
    place.store("correct horse").save(&record()).unwrap();
    let whole = fs::read_to_string(place.header_path()).unwrap();
    let damaged = [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("argon2id", "pbkdf2"),
        whole.replace("\"memory_kib\":64", "\"memory_kib\":4294967295"),
        whole.replace("\"memory_kib\":64", "\"memory_kib\":0"),
        whole.replace("\"passes\":1", "\"passes\":0"),
        whole.replace("\"passes\":1", "\"passes\":4294967295"),
        whole.replace("\"lanes\":1", "\"lanes\":16777216"),
        whole.replace("\"salt\":\"", "\"salt\":\"\",\"was\":\""),
    ];
    for header in damaged {
        assert_ne!(header, whole);
        fs::write(place.header_path(), &header).unwrap();
        for refused in place.refusals("correct horse") {
            assert!(matches!(refused.problem(), StoreProblem::InvalidKey { .. }), "{header}: {refused}");
            assert_eq!(refused.path(), Some(&*place.header_path()));
        }
        assert_eq!(fs::read_to_string(place.header_path()).unwrap(), header);
    }
    fs::write(place.header_path(), whole).unwrap();
    assert_eq!(place.store("correct horse").load(&key()).unwrap(), Some(record()));
}

#[test]
fn a_header_of_a_later_release_is_left_as_it_is() {
    let place = Place::new();
    place.store("correct horse").save(&record()).unwrap();
    let later = r#"{"version":2}"#;
    fs::write(place.header_path(), later).unwrap();
    for refused in place.refusals("correct horse") {
        assert!(matches!(refused.problem(), StoreProblem::UnknownVersion { version: 2 }), "{refused}");
    }
    assert_eq!(fs::read_to_string(place.header_path()).unwrap(), later);
}

#[test]
fn a_missing_header_is_not_made_anew_while_records_wait_for_it() {
    let place = Place::new();
    place.store("correct horse").save(&record()).unwrap();
    fs::remove_file(place.header_path()).unwrap();
    for refused in place.refusals("correct horse") {
        assert!(matches!(refused.problem(), StoreProblem::MissingKey { .. }), "{refused}");
        assert_eq!(refused.path(), Some(&*place.header_path()));
    }
    assert!(!place.header_path().exists());
}

#[test]
fn two_directories_have_two_keys() {
    let (place, other) = (Place::new(), Place::new());
    place.store("correct horse").save(&record()).unwrap();
    other.store("correct horse").save(&record()).unwrap();
    fs::copy(other.header_path(), place.header_path()).unwrap();
    let refused = place.store("correct horse").load(&key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::ForeignKey), "{refused}");
}

#[test]
fn is_in_no_debug() {
    let shown = format!("{:?}", Passphrase::new(Secret::from("correct horse")));
    assert!(!shown.contains("horse"), "{shown}");
}

fn write_private(path: &PathBuf, text: &str) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    }
}
