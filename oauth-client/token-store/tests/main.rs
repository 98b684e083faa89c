//! The token store as its users see it.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read their settings")]
// Clippy knows a test function, not what it calls.
#![allow(clippy::unwrap_used)]

mod client_credentials;
mod example_login;
mod file_store;
#[cfg(all(feature = "kernel-keyring", target_os = "linux"))]
mod kernel_keyring;
#[cfg(feature = "key-file")]
mod key_file;
mod lock;
mod memory_store;
mod move_record;
#[cfg(feature = "passphrase")]
mod passphrase;
mod place;
mod record;
#[cfg(all(feature = "redis", unix))]
mod redis_server;
#[cfg(all(feature = "redis", unix))]
mod redis_store;
mod refresh;
mod rescue;
#[cfg(feature = "sealed-file")]
mod sealed_file_store;
#[cfg(all(feature = "system-keyring", target_os = "linux"))]
mod system_keyring;
#[cfg(all(feature = "systemd-credential", target_os = "linux"))]
mod systemd_credential;
#[cfg(unix)]
mod unsafe_state;
