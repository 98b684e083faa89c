//! The Secret Service over D-Bus, without prompts: what would need one is an error.

use std::collections::HashMap;

use secret_service::blocking::{Collection, SecretService};
use secret_service::{EncryptionType, Error};
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::OwnedObjectPath;
use zeroize::Zeroizing;

use super::{CANARY, Text, USER};
use crate::KeyringProblem;

const SECRET_SERVICE: &str = "org.freedesktop.secrets";

pub(super) fn read(application: &str) -> Result<Option<Text>, KeyringProblem> {
    let service = connect(&session_bus()?)?;
    let collection = default_collection(&service)?;
    let items = collection.search_items(attributes(application, USER))?;
    match items.as_slice() {
        [] => Ok(None),
        [item] => Ok(Some(Zeroizing::new(item.get_secret()?))),
        _ => Err(KeyringProblem::Ambiguous { keys: items.len() }),
    }
}

/// As text: some services keep nothing else.
pub(super) fn write(application: &str, text: &str) -> Result<(), KeyringProblem> {
    let service = connect(&session_bus()?)?;
    let collection = default_collection(&service)?;
    create_item(&collection, application, USER, text)?;
    Ok(())
}

/// Writes a canary, reads it and deletes it. One that an earlier trial could not delete is replaced.
pub(super) fn try_out(application: &str) -> Result<(), KeyringProblem> {
    const SONG: &str = "tweet";
    let bus = session_bus()?;
    let service = connect(&bus)?;
    let collection = default_collection(&service)?;
    let canary = create_item(&collection, application, CANARY, SONG)?;
    let items = collection.search_items(attributes(application, CANARY))?;
    let is_kept = match items.as_slice() {
        [item] => *Zeroizing::new(item.get_secret()?) == SONG.as_bytes(),
        _ => false,
    };
    // Some services want to ask a person before they delete. Then it stays, and nobody is asked.
    let proxy = Proxy::new(&bus, SECRET_SERVICE, canary, "org.freedesktop.Secret.Item")?;
    let _prompt: OwnedObjectPath = proxy.call("Delete", &())?;
    if is_kept { Ok(()) } else { Err(KeyringProblem::NotKept) }
}

fn session_bus() -> Result<Connection, KeyringProblem> {
    Connection::session().map_err(|error| match error {
        zbus::Error::Address(_) | zbus::Error::InputOutput(_) | zbus::Error::Connection(..) => {
            KeyringProblem::NoBus
        }
        error => error.into(),
    })
}

fn connect(bus: &Connection) -> Result<SecretService<'static>, KeyringProblem> {
    Ok(SecretService::connect_with_existing(EncryptionType::Dh, bus.clone())?)
}

fn default_collection<'a>(service: &'a SecretService<'_>) -> Result<Collection<'a>, KeyringProblem> {
    let collection = match service.get_default_collection() {
        Err(Error::NoResult) => return Err(KeyringProblem::NoDefaultCollection),
        collection => collection?,
    };
    if collection.is_locked()? { Err(KeyringProblem::Locked) } else { Ok(collection) }
}

fn create_item(
    collection: &Collection<'_>,
    application: &str,
    purpose: &str,
    text: &str,
) -> Result<OwnedObjectPath, KeyringProblem> {
    let label = format!("{application}: {purpose}");
    let attributes = attributes(application, purpose);
    Ok(collection.create_item(&label, attributes, text.as_bytes(), true, "text/plain")?.item_path)
}

fn attributes<'a>(application: &'a str, purpose: &'a str) -> HashMap<&'a str, &'a str> {
    HashMap::from([("application", application), ("purpose", purpose)])
}

impl From<Error> for KeyringProblem {
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::Prompt => Self::Locked,
            Error::Unavailable => Self::NoService,
            Error::NoResult => Self::NoDefaultCollection,
            Error::Zbus(error) => error.into(),
            Error::ZbusFdo(error) => zbus::Error::from(error).into(),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<zbus::Error> for KeyringProblem {
    fn from(error: zbus::Error) -> Self {
        use zbus::fdo::Error as Fdo;
        let name = match &error {
            zbus::Error::MethodError(name, ..) => name.as_str(),
            zbus::Error::FDO(error) => match **error {
                Fdo::ServiceUnknown(_) | Fdo::NameHasNoOwner(_) | Fdo::SpawnFailed(_) => NO_SERVICE[0],
                _ => "",
            },
            _ => "",
        };
        if NO_SERVICE.contains(&name) || name.starts_with("org.freedesktop.DBus.Error.Spawn.") {
            return Self::NoService;
        }
        match name {
            "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
            _ => Self::Failed(error.into()),
        }
    }
}

/// What a bus says of a name that nobody has and nobody can be started for.
const NO_SERVICE: [&str; 2] =
    ["org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"];
