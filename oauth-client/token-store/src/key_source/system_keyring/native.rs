//! The macOS Keychain and the Windows Credential Manager.

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

use super::{CANARY, Text, USER};
use crate::KeyringProblem;
use crate::sealing_key::draw;

pub(super) fn read(application: &str) -> Result<Option<Text>, KeyringProblem> {
    match entry(application, USER)?.get_secret() {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn write(application: &str, text: &str) -> Result<(), KeyringProblem> {
    Ok(entry(application, USER)?.set_secret(text.as_bytes())?)
}

/// Writes a canary, reads it and deletes it.
pub(super) fn try_out(application: &str) -> Result<(), KeyringProblem> {
    let mut canary = [0; 16];
    draw(&mut canary).map_err(|_| KeyringProblem::Failed("no random bytes can be drawn".into()))?;
    let entry = entry(application, CANARY)?;
    entry.set_secret(&canary)?;
    let kept = Zeroizing::new(entry.get_secret()?);
    entry.delete_credential()?;
    if *kept == canary { Ok(()) } else { Err(KeyringProblem::NotKept) }
}

fn entry(application: &str, user: &str) -> Result<Entry, KeyringProblem> {
    Ok(Store::new()?.build(application, user, None)?)
}

/// Not every message of these libraries is free of what was read: only those that are go on.
impl From<Error> for KeyringProblem {
    fn from(error: Error) -> Self {
        match error {
            Error::PlatformFailure(source) | Error::NoStorageAccess(source) => Self::Failed(source),
            _ => Self::Failed("the keyring does not hold keys in this form".into()),
        }
    }
}
