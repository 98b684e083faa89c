//! The key as a credential that systemd hands to a service.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use oauth_token_store::{SealedFileStore, StoreProblem, SystemdCredential, TokenStore as _, UnsafeState};
use tempfile::TempDir;

use crate::example_login::{key, record};

struct Place {
    root: TempDir,
}

impl Place {
    /// The file as systemd leaves it.
    fn with(credential: &[u8]) -> Self {
        let place = Self { root: TempDir::new().unwrap() };
        fs::create_dir(place.root.path().join("credentials")).unwrap();
        fs::write(place.path(), credential).unwrap();
        place.set_mode(0o400);
        place
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("credentials/token-key")
    }

    fn set_mode(&self, mode: u32) {
        fs::set_permissions(self.path(), Permissions::from_mode(mode)).unwrap();
    }

    fn store(&self) -> SealedFileStore {
        let source = SystemdCredential::new(self.root.path().join("credentials"), "token-key");
        SealedFileStore::new(self.root.path().join("tokens"), source)
    }
}

#[test]
fn seals_and_opens_as_bytes_or_as_base64() {
    let place = Place::with(&[7; 32]);
    place.store().save(&record()).unwrap();
    place.set_mode(0o600);
    fs::write(place.path(), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

#[test]
fn may_show_as_readable_by_the_group_but_by_nobody_else() {
    let place = Place::with(&[7; 32]);
    place.set_mode(0o440);
    place.store().save(&record()).unwrap();
    place.set_mode(0o444);
    let refused = place.store().load(&key()).unwrap_err();
    assert!(
        matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::ReadableByOthers { mode: 0o444 })),
        "{refused}"
    );
    place.set_mode(0o620);
    let refused = place.store().load(&key()).unwrap_err();
    assert!(
        matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::WritableByOthers { mode: 0o620 })),
        "{refused}"
    );
}

#[test]
fn a_missing_one_names_the_line_of_the_unit() {
    let place = Place::with(&[7; 32]);
    place.store().save(&record()).unwrap();
    fs::remove_file(place.path()).unwrap();
    for refused in [place.store().load(&key()).unwrap_err(), place.store().save(&record()).unwrap_err()] {
        assert_eq!(
            refused.to_string(),
            format!(
                "sealed file (systemd credential) store, {}: the key is not there: \
                 add LoadCredential= or LoadCredentialEncrypted= to the unit, then restart the service",
                place.path().display()
            )
        );
    }
    assert!(!place.path().exists());
}

#[test]
fn one_that_is_no_key_or_no_file_is_refused() {
    for credential in [&[][..], &[7; 31], &[b'A'; 4096]] {
        let refused = Place::with(credential).store().prepare().unwrap_err();
        assert!(matches!(refused.problem(), StoreProblem::InvalidKey { .. }), "{refused}");
    }
    let place = Place::with(&[7; 32]);
    fs::rename(place.path(), place.path().with_file_name("target")).unwrap();
    symlink("target", place.path()).unwrap();
    let refused = place.store().prepare().unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::SymbolicLink)), "{refused}");
}
