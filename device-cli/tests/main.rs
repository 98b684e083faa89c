//! The real binary against an authorization server of our own, and against one that means harm.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read their settings")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod bad_records;
#[cfg(unix)]
mod browser_login;
mod command_line;
mod demo;
mod discover;
mod doctor;
mod errors;
#[cfg(unix)]
mod for_other_programs;
mod hostile_server;
mod literal_server;
mod login;
mod logout;
#[cfg(unix)]
mod output;
mod profile;
mod program;
mod small_tools;
mod status;
mod storage;
mod stores;
mod token;
