//! The key in the kernel's keyring, the real one.

use std::path::PathBuf;

use oauth_token_store::{
    KernelKeyring, LoginNeeded, RefreshError, SealedFileStore, TokenKey, TokenNeed, TokenRecord,
    TokenStore as _, fresh_token, save_login,
};
use tempfile::TempDir;

use crate::example_login::{LOGIN_AT, at, key, record};
use crate::place::STEM;

/// A directory with a key of its own in the keyring, which is removed at the end.
struct Place {
    root: TempDir,
    keyring: KernelKeyring,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        let keyring = KernelKeyring::new(format!("oauth-token-store-test:{}", root.path().display()));
        Self { root, keyring }
    }

    fn store(&self) -> SealedFileStore {
        SealedFileStore::new(self.directory(), self.keyring.clone())
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("tokens")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed before it had a key.
        let _ = self.keyring.forget();
    }
}

#[test]
#[ignore = "needs the kernel's keyring, which containers often have not; run by tests/run"]
fn seals_and_opens_in_any_thread_until_it_is_gone() {
    let place = Place::new();
    assert_eq!(place.store().load(&key()).unwrap(), None);
    place.store().save(&record()).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
    let in_a_thread = std::thread::scope(|scope| scope.spawn(|| place.store().load(&key())).join());
    assert_eq!(in_a_thread.unwrap().unwrap(), Some(record()));

    assert!(place.keyring.forget().unwrap());
    assert!(!place.keyring.forget().unwrap());
    let clock = || at(LOGIN_AT);
    let refused =
        fresh_token(&place.store(), &key(), &TokenNeed::new(), &clock, |_| panic!("nothing is sent"))
            .unwrap_err();
    assert!(matches!(refused, RefreshError::LoginNeeded(LoginNeeded::KeyGone)), "{refused}");
    assert!(place.directory().join(format!("sealed-{STEM}.bin")).exists(), "the record is kept");

    save_login(&place.store(), &record()).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

#[test]
#[ignore = "needs the kernel's keyring, which containers often have not; run by tests/run"]
fn many_that_make_it_at_once_make_the_same() {
    let place = Place::new();
    let of = |number: usize| TokenKey { account: number.to_string(), ..key() };
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = place.store();
            scope.spawn(move || store.save(&TokenRecord { key: of(number), ..record() }).unwrap());
        }
    });
    for number in 0..8 {
        assert!(place.store().load(&of(number)).unwrap().is_some());
    }
}

#[test]
fn says_that_it_lasts_until_the_reboot() {
    let promises = SealedFileStore::new("/nowhere", KernelKeyring::new("test")).describe();
    assert_eq!(promises.name, "sealed file (kernel keyring, until reboot)");
    assert_eq!((promises.encrypted_at_rest, promises.survives_reboot), (true, false));
}
