//! The token store as its users see it.
// Clippy knows a test function, not what it calls.
#![allow(clippy::unwrap_used)]

mod example_login;
mod lock;
mod memory_store;
mod plain_file_store;
mod record;
mod refresh;
#[cfg(unix)]
mod unsafe_state;
