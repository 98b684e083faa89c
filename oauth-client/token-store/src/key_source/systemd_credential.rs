//! The key as a credential that systemd hands to a service.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::{KeySource, SealingKey, StoreError, StoreProblem, UnsafeState};

const STORE: &str = "sealed file (systemd credential)";
/// More than a key in Base64 with its line's end.
const MOST_BYTES: usize = 128;

/// A key from `LoadCredential=`, `LoadCredentialEncrypted=` or `SetCredentialEncrypted=` of the service's
/// unit: 32 bytes, as they are or in Base64. It is made by whoever writes the unit
/// (`head -c 32 /dev/urandom | systemd-creds encrypt - NAME.cred`), never here.
#[derive(Clone, Debug)]
pub struct SystemdCredential {
    path: PathBuf,
}

impl SystemdCredential {
    /// The credential `name` in `directory`, the value of `$CREDENTIALS_DIRECTORY`.
    pub fn new(directory: impl AsRef<Path>, name: impl AsRef<Path>) -> Self {
        Self { path: directory.as_ref().join(name) }
    }

    fn open(&self) -> Result<Option<File>, StoreProblem> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match rustix::fs::open(&self.path, flags, Mode::empty()) {
            Ok(file) => Ok(Some(File::from(file))),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(StoreProblem::Unsafe(UnsafeState::SymbolicLink)),
            Err(errno) => Err(cannot("open the credential", errno.into())),
        }
    }

    fn read(&self) -> Result<Option<SealingKey>, StoreProblem> {
        let Some(file) = self.open()? else { return Ok(None) };
        let metadata = file.metadata().map_err(|source| cannot("check the credential", source))?;
        check(&metadata).map_err(StoreProblem::Unsafe)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        file.take(most).read_to_end(&mut bytes).map_err(|source| cannot("read the credential", source))?;
        SealingKey::from_file(&bytes).map(Some)
    }
}

impl KeySource for SystemdCredential {
    fn store(&self) -> &'static str {
        STORE
    }

    fn find(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        self.read().map_err(|problem| StoreError::new(STORE, Some(self.path.clone()), problem))
    }

    fn make(&self, directory: &Path) -> Result<SealingKey, StoreError> {
        Err(self.missing(directory))
    }

    fn missing(&self, _directory: &Path) -> StoreError {
        let next_step =
            "add LoadCredential= or LoadCredentialEncrypted= to the unit, then restart the service";
        StoreError::new(STORE, Some(self.path.clone()), StoreProblem::MissingKey { next_step })
    }
}

/// systemd leaves the file to root and lets the service's user in by an access list, which shows as
/// readable by the group.
fn check(metadata: &Metadata) -> Result<(), UnsafeState> {
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_file() {
        Err(UnsafeState::NotARegularFile)
    } else if owner != user && owner != 0 {
        Err(UnsafeState::ForeignOwner { owner, user })
    } else if mode & 0o022 != 0 {
        Err(UnsafeState::WritableByOthers { mode })
    } else if mode & 0o004 != 0 {
        Err(UnsafeState::ReadableByOthers { mode })
    } else {
        Ok(())
    }
}

fn cannot(operation: &'static str, source: io::Error) -> StoreProblem {
    StoreProblem::Io { operation, source }
}
