//! The macOS Keychain and the Windows Credential Manager.

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

use super::{Failure, Text, USER};

pub(super) fn read(application: &str) -> Result<Option<Text>, Failure> {
    match entry(application)?.get_secret() {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn write(application: &str, text: &str) -> Result<(), Failure> {
    Ok(entry(application)?.set_secret(text.as_bytes())?)
}

fn entry(application: &str) -> Result<Entry, Failure> {
    Ok(Store::new()?.build(application, USER, None)?)
}

/// Not every message of these libraries is free of what was read: only those that are go on.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let next_step = "unlock the keyring, or choose another store";
        match error {
            Error::PlatformFailure(source) | Error::NoStorageAccess(source) => Self { source, next_step },
            _ => Self { source: "the keyring does not hold keys in this form".into(), next_step },
        }
    }
}
