//! The proof of the token store: processes that share a login, are killed, meet full disks and silent keyrings.
//!
//! Each process is a [`worker`] that does what an application does. What became of a login is read from the journal of
//! the authorization server and from the store, never from what a client says of itself. The short form runs with all
//! tests; `tests/soak` runs the long one and prints its figures.

mod authorization_server;
mod crash;
mod device_cli_keyring;
mod figures;
mod full_disk;
mod kill;
mod large_token;
mod log_out;
mod many_processes;
mod nobody;
mod place;
mod redis;
mod redis_server;
mod rescue;
mod server_down;
mod session_bus;
mod silent_keyring;
mod strace;
mod system_calls;
mod unsafe_state;
mod worker;
