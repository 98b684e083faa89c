//! OAuth tokens that stay: a record, stores that own their lock, and the steps of a refresh.
//!
//! Two processes that refresh one rotating token make the server revoke it; a crash in the middle of a
//! write leaves half a file. Here every change of a record happens under a lock that holds across
//! processes, every file is replaced as a whole, and a refresh is sent only once the space for its answer
//! is set aside.
//!
//! - [`TokenRecord`]: the tokens of one login, and when to refresh them.
//! - [`TokenStore`]: where records live; [`PlainFileStore`], [`MemoryStore`], and behind a feature each
//!   the sealed files of `SealedFileStore` and the Redis server of `RedisStore`.
//! - [`fresh_token`]: an access token that works now, refreshed at most once by all processes together.
//! - [`save_login`] and [`log_out`]: the two ends of a record's life; [`move_record`]: to another store.
//! - `automatic_store`, with the feature `system-keyring`: the store where nobody has chosen one, tried out
//!   before a person is sent away.
//!
//! Everything blocks and nothing here knows HTTP: the exchange is a closure, or the caller's own await
//! between [`next_step`] and [`PendingRefresh::complete`].
//!
//! What is promised, what cannot be, and which store suits a machine without a screen: [`keeping_tokens`].
//!
//! # Features
//!
//! By default there are plain files and memory. Each place for the key of sealed files is a feature of its
//! own, so that an application links what it uses and nothing else. On a machine without a screen there is
//! rarely a system keyring; the others work there:
//!
//! | feature | key | survives a reboot | brings |
//! |---|---|---|---|
//! | `sealed-file` | from a `KeySource` of your own; each of the others implies it | as it does | chacha20poly1305 |
//! | `key-file` | `KeyFile`: a file elsewhere | yes | |
//! | `passphrase` | `Passphrase`: what a person knows, through Argon2id | yes | argon2 |
//! | `systemd-credential` | `SystemdCredential`, on Linux: given to a service by its unit | yes | |
//! | `kernel-keyring` | `KernelKeyring`, on Linux: in the kernel's memory | **no**: then sign in again | linux-keyutils |
//! | `system-keyring` | `SystemKeyring`: Secret Service over D-Bus, Keychain, Credential Manager | yes | secret-service with zbus; on macOS and Windows keyring-core |
//!
//! A service that runs on several machines shares its tokens through a server:
//!
//! | feature | store | survives a reboot | brings |
//! |---|---|---|---|
//! | `redis` | `RedisStore`: a Redis server, sealed with a `KeyFile` or `SystemdCredential` if you like | as the server is configured | redis |
//! | `redis-tls` | the same over TLS | | rustls with ring |
//!
//! ```no_run
//! use oauth_token_store::{Grant, PlainFileStore, TokenKey, TokenNeed, UnixTime, fresh_token};
//!
//! # fn send(_: Grant<'_>) -> Result<oauth_protocol::AccessTokenResponse, oauth_protocol::Error> {
//! #     Err(oauth_protocol::Error::Transport(oauth_protocol::TransportFailure::Connect))
//! # }
//! # fn main() -> Result<(), oauth_token_store::RefreshError> {
//! let store = PlainFileStore::new("/var/lib/my-device/tokens");
//! let key = TokenKey::new("https://auth.example.com", "my-client-id", "default");
//! let token = fresh_token(&store, &key, &TokenNeed::new(), &UnixTime::now, |grant| {
//!     send(grant) // oauth_protocol::RefreshTokenRequest, over the HTTP client that you have
//! })?;
//! if let Some(warning) = token.warning {
//!     eprintln!("{warning}");
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "system-keyring")]
mod automatic_store;
mod error;
#[cfg(feature = "sealed-file")]
mod key_source;
mod keyring_problem;
mod login;
mod memory_store;
mod move_record;
mod plain_file_store;
mod private_directory;
mod record;
mod record_file;
mod record_files;
mod record_json;
#[cfg(feature = "redis")]
mod redis_store;
mod refresh;
mod refresh_outcome;
#[cfg(feature = "sealed-file")]
mod sealed_file_store;
#[cfg(feature = "sealed-file")]
mod sealing_key;
mod store;
mod token_key;
mod unix_time;

#[doc = include_str!("../keeping_tokens.md")]
pub mod keeping_tokens {}

#[cfg(feature = "system-keyring")]
pub use automatic_store::{NoAutomaticStore, automatic_store};
pub use error::{StoreError, StoreProblem, UnsafeState};
#[cfg(all(feature = "kernel-keyring", target_os = "linux"))]
pub use key_source::kernel_keyring::KernelKeyring;
#[cfg(feature = "key-file")]
pub use key_source::key_file::KeyFile;
#[cfg(feature = "passphrase")]
pub use key_source::passphrase::{Passphrase, PassphraseCost};
#[cfg(feature = "system-keyring")]
pub use key_source::system_keyring::SystemKeyring;
#[cfg(all(feature = "systemd-credential", target_os = "linux"))]
pub use key_source::systemd_credential::SystemdCredential;
#[cfg(feature = "sealed-file")]
pub use key_source::{KeySource, SharedKeySource};
pub use keyring_problem::KeyringProblem;
pub use login::{log_out, save_login};
pub use memory_store::MemoryStore;
pub use move_record::{move_record, move_record_with, move_records};
pub use plain_file_store::PlainFileStore;
pub use record::{InDoubt, RefreshPoint, TokenRecord};
#[cfg(feature = "redis")]
pub use redis_store::{RedisPersistence, RedisServer, RedisStore};
pub use refresh::{
    Grant, NextStep, PendingRefresh, TokenNeed, begin_refresh, fresh_token, next_step, use_without_lock,
};
pub use refresh_outcome::{FreshToken, LoginNeeded, RefreshError, Warning};
#[cfg(feature = "sealed-file")]
pub use sealed_file_store::SealedFileStore;
#[cfg(feature = "sealed-file")]
pub use sealing_key::SealingKey;
pub use store::{LockedRecord, StoreDescription, TokenStore};
pub use token_key::TokenKey;
pub use unix_time::UnixTime;
