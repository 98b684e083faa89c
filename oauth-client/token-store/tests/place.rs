//! A file store of either kind in an empty place: what they have in common is tested with both.

use std::fmt::Debug;
use std::fs;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use oauth_token_store::{PlainFileStore, TokenStore};
use tempfile::TempDir;

/// SHA-256 over each of the three names of the example's key behind its length in eight bytes, computed
/// elsewhere.
pub(crate) const STEM: &str = "6ac4e91496791b5d2581c85495f610ae842b2244d10fdcf2c2b01dff0e15b179";

/// A kind of file store.
pub(crate) trait Kind: Send + Sync {
    type Store: TokenStore + 'static;

    /// What it is called.
    const NAME: &'static str;
    /// What stands before and behind the hash in a record's name.
    const PREFIX: &'static str;
    const EXTENSION: &'static str;

    fn store(directory: PathBuf, lock_timeout: Duration) -> Self::Store;

    fn recovering(store: Self::Store, directory: PathBuf) -> Self::Store;

    /// What a later release may write.
    fn of_version_2() -> Vec<u8>;
}

/// The store in an empty place.
pub(crate) struct Place<K> {
    root: TempDir,
    kind: PhantomData<K>,
}

#[derive(Debug)]
pub(crate) struct Plain;

impl Kind for Plain {
    type Store = PlainFileStore;

    const NAME: &'static str = "plain file";
    const PREFIX: &'static str = "";
    const EXTENSION: &'static str = ".json";

    fn store(directory: PathBuf, lock_timeout: Duration) -> PlainFileStore {
        PlainFileStore::new(directory).with_lock_timeout(lock_timeout)
    }

    fn recovering(store: PlainFileStore, directory: PathBuf) -> PlainFileStore {
        store.with_recovery_directory(directory)
    }

    fn of_version_2() -> Vec<u8> {
        br#"{"version":2,"sealed":"AAAA"}"#.into()
    }
}

impl<K: Kind> Place<K> {
    pub(crate) fn new() -> Self {
        Self { root: TempDir::new().unwrap(), kind: PhantomData }
    }

    /// It gives up at a held lock after this long: nothing here holds one for longer.
    pub(crate) fn store(&self) -> K::Store {
        K::store(self.directory(), Duration::from_secs(20))
    }

    /// One that keeps what it cannot store elsewhere.
    pub(crate) fn recovering_store(&self) -> K::Store {
        K::recovering(self.impatient_store(), self.recovery_directory())
    }

    pub(crate) fn recovery_directory(&self) -> PathBuf {
        self.root.path().join("elsewhere/recovered")
    }

    pub(crate) fn impatient_store(&self) -> K::Store {
        K::store(self.directory(), Duration::from_millis(10))
    }

    pub(crate) fn store_in(directory: impl Into<PathBuf>) -> K::Store {
        K::store(directory.into(), Duration::from_secs(20))
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("state/tokens")
    }

    pub(crate) fn record_name() -> String {
        format!("{}{STEM}{}", K::PREFIX, K::EXTENSION)
    }

    pub(crate) fn lock_name() -> String {
        format!("{}{STEM}.lock", K::PREFIX)
    }

    pub(crate) fn record_path(&self) -> PathBuf {
        self.directory().join(Self::record_name())
    }

    /// The first record that is not the example's.
    pub(crate) fn other_record_path(&self) -> PathBuf {
        let is_other = |name: &String| {
            name.starts_with(K::PREFIX) && name.ends_with(K::EXTENSION) && *name != Self::record_name()
        };
        self.directory().join(self.names().into_iter().find(is_other).unwrap())
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.directory().join(Self::lock_name())
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

/// Each function named, which takes a kind, as a test of each kind.
macro_rules! with_each_kind {
    ($($test:ident)*) => {
        mod plain {
            $(#[test]
            fn $test() {
                super::$test::<crate::place::Plain>();
            })*
        }
        #[cfg(feature = "sealed-file")]
        mod sealed {
            $(#[test]
            fn $test() {
                super::$test::<crate::sealed_file_store::Sealed>();
            })*
        }
    };
}
pub(crate) use with_each_kind;
