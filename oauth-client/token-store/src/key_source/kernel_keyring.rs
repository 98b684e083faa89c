//! The key in the kernel's memory, until the reboot.

use std::path::Path;

use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

use crate::record_file::{LOCK_TIMEOUT, RecordFile};
use crate::{KeySource, SealingKey, StoreError, StoreProblem};

const STORE: &str = "sealed file (kernel keyring, until reboot)";

/// A key in the keyring that the Linux kernel keeps for the user: on no disk, and gone with a reboot. In the
/// persistent keyring, where the kernel has one, it goes after three days without use too (`persistent-keyring(7)`);
/// else it is in the user's keyring, and goes with the last process of the user.
///
/// With the key the login is over: the record is kept, and says so. Containers often have no keyring.
#[derive(Clone, Debug)]
pub struct KernelKeyring {
    name: String,
}

impl KernelKeyring {
    /// The key called `name`, one for each directory of records: the name of the application serves.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Removes the key, and with it what is sealed; says whether there was one.
    pub fn forget(&self) -> Result<bool, StoreError> {
        let Some(key) = self.key()? else { return Ok(false) };
        key.invalidate().map_err(|error| unavailable(None, error))?;
        Ok(true)
    }

    fn key(&self) -> Result<Option<Key>, StoreError> {
        match keyring().and_then(|keyring| keyring.search(&self.name)) {
            Ok(key) => Ok(Some(key)),
            Err(error) if is_gone(error) => Ok(None),
            Err(error) => Err(unavailable(None, error)),
        }
    }
}

impl KeySource for KernelKeyring {
    fn store(&self) -> &'static str {
        STORE
    }

    fn survives_reboot(&self) -> bool {
        false
    }

    fn find(&self, directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        let Some(key) = self.key()? else { return Ok(None) };
        // One byte more than a key has, to see that it is none.
        let mut payload = Zeroizing::new([0; 33]);
        match key.read(&mut payload) {
            Ok(length) => {
                let bytes = payload.get(..length).unwrap_or_default();
                let bytes = bytes.try_into().map_err(|_| {
                    let reason = "the kernel's key of this name has not 32 bytes";
                    StoreError::new(STORE, Some(directory.to_owned()), StoreProblem::InvalidKey { reason })
                })?;
                Ok(Some(SealingKey::from_bytes(bytes)))
            }
            // Between the two calls.
            Err(error) if is_gone(error) => Ok(None),
            Err(error) => Err(unavailable(Some(directory), error)),
        }
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        let lock = RecordFile {
            store: STORE,
            directory: directory.to_owned(),
            stem: "kernel-keyring".to_owned(),
            extension: "",
        };
        let _lock = lock.lock(LOCK_TIMEOUT)?;
        if let Some(key) = self.find(directory)? {
            return Ok(key);
        }
        let key = SealingKey::generate()
            .map_err(|problem| StoreError::new(STORE, Some(directory.to_owned()), problem))?;
        // The user's processes read it whatever their session is linked to.
        let permissions =
            KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build();
        keyring()
            .and_then(|keyring| keyring.add_key(&self.name, key.expose()))
            .and_then(|added| added.set_perms(permissions))
            .map_err(|error| unavailable(Some(directory), error))?;
        Ok(key)
    }

    fn missing(&self, directory: &Path) -> StoreError {
        StoreError::new(STORE, Some(directory.to_owned()), StoreProblem::KeyGone)
    }
}

/// Linking it to the process gives the right to what is in it, and changes no other process's keyrings.
fn keyring() -> Result<KeyRing, KeyError> {
    match KeyRing::get_persistent(KeyRingIdentifier::Process) {
        Err(KeyError::OperationNotSupported) => KeyRing::from_special_id(KeyRingIdentifier::User, true),
        keyring => keyring,
    }
}

fn is_gone(error: KeyError) -> bool {
    matches!(error, KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked)
}

fn unavailable(directory: Option<&Path>, error: KeyError) -> StoreError {
    let next_step = match error {
        KeyError::QuotaExceeded => "remove keys that nobody needs (keyctl show), or choose another store",
        _ => "choose another store: containers and old kernels often have no keyring",
    };
    let source = error.to_string().into();
    let problem = StoreProblem::KeyUnavailable { source, next_step };
    StoreError::new(STORE, directory.map(Path::to_owned), problem)
}
