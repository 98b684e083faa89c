//! The token store as its users see it.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read their settings")]
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
