//! The key from what a person knows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use oauth_protocol::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::record_file::{LOCK_TIMEOUT, RecordFile};
use crate::sealing_key::draw;
use crate::token_key::hexadecimal;
use crate::{KeySource, SealingKey, StoreError, StoreProblem};

const STORE: &str = "sealed file (passphrase)";
const STEM: &str = "passphrase";
const EXTENSION: &str = ".json";
const VERSION: u64 = 1;
const SALT_BYTES: usize = 16;
/// A header that asks for more is damaged: it would take the machine down.
const MOST_MEMORY_KIB: u32 = 4 * 1024 * 1024;
const MOST_PASSES: u32 = 64;
const MOST_LANES: u32 = 64;

/// A key derived from a passphrase with Argon2id (RFC 9106). The salt and the cost are in the file
/// `passphrase.json` beside the records, with a mark that tells the right passphrase from a wrong one; the
/// first passphrase makes it, so let a new one be typed twice.
///
/// The key is derived once and kept in memory.
pub struct Passphrase {
    secret: Secret,
    cost: PassphraseCost,
    derived: Mutex<Option<(Header, SealingKey)>>,
}

/// What one guess at the passphrase costs, whoever makes it. It is chosen when the first record is written;
/// after that the header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

#[derive(Deserialize)]
struct HeaderVersion {
    version: u64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    version: u64,
    /// `argon2id`.
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    /// In hexadecimal digits, as it is hashed.
    salt: String,
    /// The name of the key that the right passphrase leads to.
    key: String,
}

impl Passphrase {
    /// The key that `passphrase` leads to.
    #[must_use]
    pub fn new(passphrase: Secret) -> Self {
        Self { secret: passphrase, cost: PassphraseCost::default(), derived: Mutex::new(None) }
    }

    /// With another cost, for a device that has less memory.
    #[must_use]
    pub fn with_cost(mut self, cost: PassphraseCost) -> Self {
        self.cost = cost;
        self
    }

    /// Whether a passphrase was chosen for the records in `directory`, so that a new one is not what to ask for.
    pub fn is_set_in(directory: &Path) -> Result<bool, StoreError> {
        Ok(file(directory).read()?.is_some())
    }

    /// The key that the header stands for; the one from before where the header is the same.
    fn key_of(&self, header: Header, path: PathBuf) -> Result<SealingKey, StoreError> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        match &*derived {
            Some((known, key)) if *known == header => return Ok(key.clone()),
            _ => {}
        }
        let problem = match self.derive(&header) {
            Ok(key) if hexadecimal(&key.id()) == header.key => {
                *derived = Some((header, key.clone()));
                return Ok(key);
            }
            Ok(_) => StoreProblem::WrongPassphrase,
            Err(problem) => problem,
        };
        Err(StoreError::new(STORE, Some(path), problem))
    }

    fn derive(&self, header: &Header) -> Result<SealingKey, StoreProblem> {
        let is_bounded = header.memory_kib <= MOST_MEMORY_KIB
            && header.passes <= MOST_PASSES
            && header.lanes <= MOST_LANES
            && header.kdf == "argon2id";
        let unusable = || StoreProblem::InvalidKey { reason: "its parameters cannot be used" };
        if !is_bounded {
            return Err(unusable());
        }
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(header.memory_kib, header.passes, header.lanes, Some(key.len()))
            .map_err(|_| unusable())?;
        let mut memory = Zeroizing::new(Vec::new());
        memory.try_reserve_exact(params.block_count()).map_err(|source| StoreProblem::KeyUnavailable {
            source: source.into(),
            next_step: "free some memory, then try again",
        })?;
        memory.resize(params.block_count(), Block::new());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                self.secret.expose().as_bytes(),
                header.salt.as_bytes(),
                &mut *key,
                &mut memory[..],
            )
            .map_err(|_| unusable())?;
        Ok(SealingKey::from_bytes(&key))
    }

    fn new_header(&self) -> Result<(Header, SealingKey), StoreProblem> {
        let mut salt = [0; SALT_BYTES];
        draw(&mut salt)?;
        let PassphraseCost { memory_kib, passes, lanes } = self.cost;
        let (kdf, salt, key) = ("argon2id".to_owned(), hexadecimal(&salt), String::new());
        let mut header = Header { version: VERSION, kdf, memory_kib, passes, lanes, salt, key };
        let key = self.derive(&header)?;
        header.key = hexadecimal(&key.id());
        Ok((header, key))
    }
}

impl Default for PassphraseCost {
    /// 64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106 §4, for where memory is scarce.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

impl KeySource for Passphrase {
    fn store(&self) -> &'static str {
        STORE
    }

    fn find(&self, directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        let Some(bytes) = file(directory).read()? else { return Ok(None) };
        self.key_of(header_of(&bytes, directory)?, path(directory)).map(Some)
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        let mut file = file(directory).lock(LOCK_TIMEOUT)?;
        if let Some(bytes) = file.read()? {
            return self.key_of(header_of(&bytes, directory)?, path(directory));
        }
        let (header, key) = self.new_header().map_err(|problem| file.error(problem))?;
        // Strings and numbers: this cannot fail.
        let mut json = serde_json::to_string(&header).unwrap_or_default();
        json.push('\n');
        file.replace(json.as_bytes())?;
        *self.derived.lock().unwrap_or_else(PoisonError::into_inner) = Some((header, key.clone()));
        Ok(key)
    }

    fn missing(&self, directory: &Path) -> StoreError {
        let next_step = "the salt was in this file: restore it from a backup, \
                         or remove the directory and sign in again";
        StoreError::new(STORE, Some(path(directory)), StoreProblem::MissingKey { next_step })
    }
}

fn file(directory: &Path) -> RecordFile {
    RecordFile { store: STORE, directory: directory.to_owned(), stem: STEM.to_owned(), extension: EXTENSION }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(format!("{STEM}{EXTENSION}"))
}

fn header_of(bytes: &[u8], directory: &Path) -> Result<Header, StoreError> {
    let header = serde_json::from_slice(bytes).and_then(|HeaderVersion { version }| match version {
        VERSION => serde_json::from_slice(bytes).map(Ok),
        version => Ok(Err(StoreProblem::UnknownVersion { version })),
    });
    header
        .unwrap_or(Err(StoreProblem::InvalidKey { reason: "the file is damaged" }))
        .map_err(|problem| StoreError::new(STORE, Some(path(directory)), problem))
}

/// Neither passphrase nor key is in it.
impl fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Passphrase").field("cost", &self.cost).finish_non_exhaustive()
    }
}
