//! Records as files that only the holder of a key can read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::private_directory::PrivateDirectory;
use crate::record_files::{RecordFiles, RecordFormat, Unreadable, record_of, without_trailing_slash};
use crate::record_json::to_json;
use crate::sealing_key::{KEY_ID_BYTES, draw};
use crate::{
    KeySource, LockedRecord, SealingKey, StoreDescription, StoreError, StoreProblem, TokenKey, TokenRecord,
    TokenStore,
};

/// The files of [`PlainFileStore`](crate::PlainFileStore), with the same checks, lock and crash-safe write,
/// each sealed by a key from elsewhere: safe from whoever takes the disk or a backup and not the key.
///
/// A record opens with the key that sealed it and for the login that it was sealed for, or not at all: one
/// under another login's name, and one sealed with another key, are reported and stay as they are. Whoever
/// can write to the directory can still put an older record in a newer one's place.
///
/// ```no_run
/// # #[cfg(feature = "key-file")]
/// # fn main() -> Result<(), oauth_token_store::StoreError> {
/// use oauth_token_store::{KeyFile, SealedFileStore, TokenStore as _};
///
/// let key = KeyFile::made_if_missing("/etc/my-device/tokens.key");
/// let store = SealedFileStore::new("/var/lib/my-device/tokens", key);
/// store.prepare()?; // before a person is sent away to sign in
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "key-file"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct SealedFileStore {
    files: RecordFiles<Sealed>,
}

/// XChaCha20-Poly1305 over the record's JSON; the file is
///
/// ```text
/// "sealed-token"  version  key's name  login's hash  nonce     JSON, enciphered  tag
///       12           4         16           32         24             n           16
/// |------------ authenticated with it ------------|
/// ```
///
/// The nonce is drawn for each write: of 192 random bits none comes twice.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    source: Arc<dyn KeySource>,
    /// `None`: the records are on a server that other machines use too, and no key is made here.
    directory: Option<PathBuf>,
    /// The key to write with, once it was asked for: only in the copy that a lock holds, or is to hold.
    writing_key: Option<SealingKey>,
}

const MAGIC: &[u8; 12] = b"sealed-token";
const VERSION: u32 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// What stands before the nonce.
type Prologue = [u8; MAGIC.len() + 4 + KEY_ID_BYTES + 32];

impl SealedFileStore {
    /// A store in `directory`, which is made with the first record, sealed with the key that `source` has.
    pub fn new(directory: impl Into<PathBuf>, source: impl KeySource + 'static) -> Self {
        let directory = without_trailing_slash(directory);
        let format =
            Sealed { source: Arc::new(source), directory: Some(directory.clone()), writing_key: None };
        Self { files: RecordFiles::new(directory, format) }
    }

    /// Waits this long for a lock, at most and by default 45 seconds.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.files.set_lock_timeout(timeout);
        self
    }

    /// Tokens that were obtained and cannot be written are kept in this directory, sealed as they would be here, and are taken
    /// from there until the store can be written again. Best on another file system than the records; of several,
    /// the first that works.
    #[must_use]
    pub fn with_recovery_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.files.add_recovery_directory(directory);
        self
    }
}

impl TokenStore for SealedFileStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        self.files.load(key)
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        self.files.lock(key)
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.files.lock_name(key)
    }

    /// Makes sure of the key, and makes one where there is none yet.
    fn prepare(&self) -> Result<(), StoreError> {
        self.files.format.clone().writing_key().map(|_| ())
    }

    fn rescue(&self, record: &TokenRecord, cause: StoreError) -> StoreError {
        self.files.clone().rescue(record, cause)
    }

    fn describe(&self) -> StoreDescription {
        let source = &self.files.format.source;
        StoreDescription {
            name: source.store(),
            encrypted_at_rest: true,
            survives_reboot: source.survives_reboot(),
            location: Some(self.files.directory().to_owned()),
        }
    }
}

impl RecordFormat for Sealed {
    const PREFIX: &'static str = "sealed-";
    const EXTENSION: &'static str = ".bin";

    fn store(&self) -> &'static str {
        self.source.store()
    }

    fn prepare_for_lock(&mut self) {
        self.writing_key = self.source.find_before_lock(self.directory());
    }

    fn decode(&self, key: &TokenKey, mut bytes: Zeroizing<Vec<u8>>) -> Result<TokenRecord, Unreadable> {
        let (prologue, rest) = bytes.split_first_chunk_mut().ok_or(Unreadable::Damaged)?;
        let (nonce, rest) = rest.split_first_chunk_mut().ok_or(Unreadable::Damaged)?;
        let (json, tag) = rest.split_last_chunk_mut().ok_or(Unreadable::Damaged)?;
        let sealing_key = self.key_for(key, prologue)?;
        cipher(&sealing_key)
            .decrypt_inout_detached(&XNonce::from(*nonce), prologue, json.into(), &Tag::from(*tag))
            .map_err(|_| Unreadable::Damaged)?;
        record_of(key, json)
    }

    fn encode(&mut self, record: &TokenRecord) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let sealing_key = self.writing_key()?;
        self.seal(record, &sealing_key)
    }

    /// With a key that was had before: it may only be out of reach for now.
    fn encode_at_any_rate(&mut self, record: &TokenRecord) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        match (self.writing_key(), &self.source) {
            (Ok(sealing_key), _) => self.seal(record, &sealing_key),
            (Err(error), source) => match source.find(self.directory()) {
                Ok(Some(sealing_key)) => self.seal(record, &sealing_key),
                _ => Err(error),
            },
        }
    }
}

impl Sealed {
    fn seal(&self, record: &TokenRecord, sealing_key: &SealingKey) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let prologue = prologue(&record.key, sealing_key);
        let json = to_json(record);
        let mut nonce = [0; NONCE_BYTES];
        draw(&mut nonce).map_err(|problem| self.error(problem))?;

        let length = prologue.len() + nonce.len() + json.len() + TAG_BYTES;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&prologue);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&json);
        let text = &mut bytes[prologue.len() + NONCE_BYTES..];
        let tag = cipher(sealing_key)
            .encrypt_inout_detached(&XNonce::from(nonce), &prologue, text.into())
            // Of 256 GiB and more.
            .map_err(|_| self.error(StoreProblem::InvalidKey { reason: "the record is too long for it" }))?;
        bytes.extend_from_slice(&tag);
        Ok(bytes)
    }

    #[cfg(feature = "redis")]
    pub(crate) fn elsewhere(source: impl crate::SharedKeySource + 'static) -> Self {
        Self { source: Arc::new(source), directory: None, writing_key: None }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn prepare(&mut self) -> Result<(), StoreError> {
        self.writing_key().map(|_| ())
    }

    fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap_or(Path::new(""))
    }

    /// The key that opens the record of `key` that begins with `prologue`.
    fn key_for(&self, key: &TokenKey, prologue: &Prologue) -> Result<SealingKey, Unreadable> {
        let (magic, rest) = prologue.split_at(MAGIC.len());
        let (version, _) = rest.split_first_chunk().ok_or(Unreadable::Damaged)?;
        if magic != MAGIC {
            return Err(Unreadable::Damaged);
        }
        match u32::from_be_bytes(*version) {
            VERSION => {}
            version => {
                return Err(Unreadable::Kept(StoreProblem::UnknownVersion { version: version.into() }));
            }
        }
        if prologue[MAGIC.len() + 4 + KEY_ID_BYTES..] != key.sha256() {
            return Err(Unreadable::Kept(StoreProblem::ForeignRecord));
        }
        let sealing_key = match &self.writing_key {
            Some(sealing_key) => Some(sealing_key.clone()),
            None => self.source.find(self.directory()).map_err(Unreadable::NoKey)?,
        };
        match sealing_key {
            Some(sealing_key) if *prologue == self::prologue(key, &sealing_key) => Ok(sealing_key),
            // A reboot took the key, and after it another one may have been made.
            _ if !self.source.survives_reboot() => Err(Unreadable::Kept(StoreProblem::KeyGone)),
            Some(_) => Err(Unreadable::Kept(StoreProblem::ForeignKey)),
            None => Err(Unreadable::NoKey(self.source.missing(self.directory()))),
        }
    }

    /// The key to seal with. One that lasts is not replaced while records lie there that it opens: it may
    /// only be out of reach, on a disk that is not mounted.
    fn writing_key(&mut self) -> Result<SealingKey, StoreError> {
        if let Some(sealing_key) = &self.writing_key {
            return Ok(sealing_key.clone());
        }
        let sealing_key = match self.source.find_to_write(self.directory())? {
            Some(sealing_key) => sealing_key,
            None if self.directory.is_none() || self.source.survives_reboot() && self.has_records()? => {
                return Err(self.source.missing(self.directory()));
            }
            None => self.source.make(self.directory())?,
        };
        self.writing_key = Some(sealing_key.clone());
        Ok(sealing_key)
    }

    fn has_records(&self) -> Result<bool, StoreError> {
        let Some(directory) = PrivateDirectory::open(self.store(), self.directory())? else {
            return Ok(false);
        };
        let is_record = |name: &String| name.starts_with(Self::PREFIX) && name.ends_with(Self::EXTENSION);
        Ok(directory.names()?.iter().any(is_record))
    }

    fn error(&self, problem: StoreProblem) -> StoreError {
        StoreError::new(self.store(), self.directory.clone(), problem)
    }
}

fn prologue(key: &TokenKey, sealing_key: &SealingKey) -> Prologue {
    let parts: [&[u8]; 4] = [MAGIC, &VERSION.to_be_bytes(), &sealing_key.id(), &key.sha256()];
    let mut prologue = [0; size_of::<Prologue>()];
    for (byte, value) in prologue.iter_mut().zip(parts.concat()) {
        *byte = value;
    }
    prologue
}

fn cipher(sealing_key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(sealing_key.expose().into())
}
