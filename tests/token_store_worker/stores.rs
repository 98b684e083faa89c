//! The stores that a worker can open, by name.

use std::path::{Path, PathBuf};

use oauth_client::Secret;
use oauth_token_store::{
    KernelKeyring, KeyFile, Passphrase, PassphraseCost, PlainFileStore, RedisStore, SealedFileStore,
    SystemKeyring, SystemdCredential, TokenStore,
};

use crate::AnyError;
use crate::wrong_stores::{InPlaceStore, UnlockedStore};

/// The store that `name` means: `KIND:DIRECTORY`, or `redis:URL`.
pub(crate) fn open(name: &str) -> Result<Box<dyn TokenStore>, AnyError> {
    let (kind, place) = name.split_once(':').ok_or("a store is named KIND:PLACE")?;
    let directory = PathBuf::from(place);
    Ok(match kind {
        "plain" => Box::new(PlainFileStore::new(directory)),
        "with-recovery" => {
            let recovery = beside(&directory, "recovery");
            Box::new(PlainFileStore::new(directory).with_recovery_directory(recovery))
        }
        "key-file" => {
            let key = KeyFile::made_if_missing(beside(&directory, "key").join("tokens.key"));
            Box::new(SealedFileStore::new(directory, key))
        }
        "passphrase" => {
            let cheap = PassphraseCost { memory_kib: 8, passes: 1, lanes: 1 };
            let passphrase = Passphrase::new(Secret::from("correct horse battery staple")).with_cost(cheap);
            Box::new(SealedFileStore::new(directory, passphrase))
        }
        "credential" => {
            let credential = SystemdCredential::new(beside(&directory, "credentials"), "tokens");
            Box::new(SealedFileStore::new(directory, credential))
        }
        "kernel" => {
            let keyring = KernelKeyring::new(format!("oauth-token-store test {}", directory.display()));
            Box::new(SealedFileStore::new(directory, keyring))
        }
        "keyring" => Box::new(SealedFileStore::new(directory, SystemKeyring::new("oauth-token-store-test"))),
        "redis" => Box::new(RedisStore::new(place, "token-store-test")?),
        "unlocked" => Box::new(UnlockedStore::new(directory)),
        "in-place" => {
            let draft = beside(&directory, &format!("draft-{}", std::process::id()));
            Box::new(InPlaceStore::new(directory, draft))
        }
        _ => return Err(format!("no store is called {kind}").into()),
    })
}

fn beside(directory: &Path, name: &str) -> PathBuf {
    directory.with_file_name(name)
}
