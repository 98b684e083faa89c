//! The Secret Service over D-Bus, without prompts: what would need one is an error.

use std::collections::HashMap;

use secret_service::blocking::{Collection, SecretService};
use secret_service::{EncryptionType, Error};
use zeroize::Zeroizing;

use super::{Failure, Text, USER};

pub(super) fn read(application: &str) -> Result<Option<Text>, Failure> {
    let service = connect()?;
    let collection = default_collection(&service)?;
    let items = collection.search_items(attributes(application))?;
    match items.as_slice() {
        [] => Ok(None),
        [item] => Ok(Some(Zeroizing::new(item.get_secret()?))),
        _ => Err(Failure {
            source: format!("the keyring holds {} keys of this application", items.len()).into(),
            next_step: "remove all but the right one, or choose another store",
        }),
    }
}

/// As text: some services keep nothing else.
pub(super) fn write(application: &str, text: &str) -> Result<(), Failure> {
    let service = connect()?;
    let collection = default_collection(&service)?;
    let label = format!("{application}: {USER}");
    collection.create_item(&label, attributes(application), text.as_bytes(), true, "text/plain")?;
    Ok(())
}

fn connect() -> Result<SecretService<'static>, Failure> {
    Ok(SecretService::connect(EncryptionType::Dh)?)
}

fn default_collection<'a>(service: &'a SecretService<'_>) -> Result<Collection<'a>, Failure> {
    let collection = match service.get_default_collection() {
        Err(Error::NoResult) => {
            return Err(Failure {
                source: "there is no default keyring".into(),
                next_step: "make one with the desktop's password manager, or choose another store",
            });
        }
        collection => collection?,
    };
    if collection.is_locked()? { Err(Error::Locked.into()) } else { Ok(collection) }
}

fn attributes(application: &str) -> HashMap<&str, &str> {
    HashMap::from([("application", application), ("purpose", USER)])
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::Prompt => Self {
                source: "the keyring is locked".into(),
                next_step: "unlock it, or choose another store",
            },
            Error::Unavailable => Self {
                source: "no keyring runs on this machine (no D-Bus session, or no Secret Service on it)"
                    .into(),
                next_step: "choose another store",
            },
            error => Self { source: error.into(), next_step: "choose another store" },
        }
    }
}
