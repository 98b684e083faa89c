//! What the images have in common, most of them for an emulated TI LM3S6965: the parts of the board, and what has to happen on it.
//!
//! The device program is `embedded-demo`'s; here are its transport, clock, screen and storage on one chip. Registers are
//! written as QEMU's `lm3s6965evb` wants them: a chip on a table also wants its clocks switched on and its pins chosen.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

pub mod configuration;
#[cfg(target_arch = "arm")]
pub mod ethernet;
pub mod heap;
pub mod host;
#[cfg(target_arch = "arm")]
pub mod network;
pub mod panel;
pub mod ram_record;
pub mod registers;
pub mod scenario;
pub mod script;
#[cfg(target_arch = "arm")]
pub mod serial_board;
#[cfg(target_arch = "arm")]
pub mod serial_line;
#[cfg(target_arch = "arm")]
pub mod serial_port;
#[cfg(target_arch = "arm")]
pub mod stack;
#[cfg(target_arch = "arm")]
pub mod system_timer;
#[cfg(all(target_arch = "arm", feature = "tls"))]
pub mod tls_line;
pub mod witness;
