//! Stores that do what many programs do. The tests of the token store must catch them.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use oauth_token_store::{
    LockedRecord, PlainFileStore, StoreDescription, StoreError, StoreProblem, TokenKey, TokenRecord,
    TokenStore,
};

/// Each write is whole, and nothing holds others off between reading and writing.
#[derive(Debug)]
pub(crate) struct UnlockedStore {
    files: PlainFileStore,
}

/// The lock is right, and records are written over what is there.
#[derive(Debug)]
pub(crate) struct InPlaceStore {
    files: PlainFileStore,
    directory: PathBuf,
    draft: PathBuf,
}

#[derive(Debug)]
struct Unlocked {
    files: PlainFileStore,
    key: TokenKey,
}

#[derive(Debug)]
struct InPlace {
    locked: Box<dyn LockedRecord>,
    directory: PathBuf,
    draft: PathBuf,
}

impl UnlockedStore {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { files: PlainFileStore::new(directory) }
    }
}

impl TokenStore for UnlockedStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.files.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        Ok(Box::new(Unlocked { files: self.files.clone(), key: key.clone() }))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.files.lock_name(key)
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription { name: "plain file without a lock", ..self.files.describe() }
    }
}

impl LockedRecord for Unlocked {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        self.files.load(&self.key)
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        self.files.save(in_doubt)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        self.files.save(record)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.files.delete(&self.key)
    }
}

impl InPlaceStore {
    pub(crate) fn new(directory: PathBuf, draft: PathBuf) -> Self {
        Self { files: PlainFileStore::new(&directory), directory, draft }
    }
}

impl TokenStore for InPlaceStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.files.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        let locked = self.files.lock(key)?;
        Ok(Box::new(InPlace { locked, directory: self.directory.clone(), draft: self.draft.clone() }))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.files.lock_name(key)
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription { name: "plain file, written in place", ..self.files.describe() }
    }
}

impl InPlace {
    /// The record's bytes come from a right store elsewhere.
    fn write(&self, record: &TokenRecord) -> Result<(), StoreError> {
        PlainFileStore::new(&self.draft).save(record)?;
        write_over(&self.draft, &self.directory).map_err(|source| {
            let problem = StoreProblem::Io { operation: "write the record", source };
            StoreError::new("plain file, written in place", Some(self.directory.clone()), problem)
        })
    }
}

impl LockedRecord for InPlace {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        self.locked.load()
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        self.write(in_doubt)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        self.write(record)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.locked.delete()
    }
}

fn write_over(draft: &Path, directory: &Path) -> io::Result<()> {
    for entry in draft.read_dir()? {
        let from = entry?.path();
        if from.extension().is_some_and(|extension| extension == "json") {
            let bytes = std::fs::read(&from)?;
            let to = directory.join(from.file_name().unwrap_or_default());
            let mut file = match File::options().write(true).truncate(true).open(&to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::fs::copy(&from, &to)?;
                    return Ok(());
                }
                file => file?,
            };
            let (first, second) = bytes.split_at(bytes.len() / 2);
            file.write_all(first)?;
            file.write_all(second)?;
            file.sync_all()?;
        }
    }
    Ok(())
}
