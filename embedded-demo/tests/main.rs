//! The device program: its login in virtual time, its HTTP byte by byte, and both against a real server.
// Clippy knows a test function, not what it calls.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arriving_answer;
mod bad_input;
mod board;
mod deep_sleep;
mod device;
mod device_login;
mod flash_record;
mod fuzz_corpora;
mod http1;
mod keep_alive;
mod output;
#[cfg(feature = "simulator")]
mod simulator;
