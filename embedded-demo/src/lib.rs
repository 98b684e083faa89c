//! A device program that signs in: no `std`, no operating system, any network that carries bytes.
//!
//! The board brings three things, each a small trait: a [`Transport`] for one HTTP exchange, a [`Clock`],
//! and a [`Screen`]. [`sign_in`] is the whole login over them. [`http1::exchange`] makes a transport out of
//! any byte stream that has the `embedded-io` traits.
//!
//! ```
//! use embedded_demo::{Clock, Screen, Transport, sign_in};
//! use oauth_protocol::{AccessTokenResponse, DeviceCodeGrant, Error};
//!
//! fn login(
//!     grant: DeviceCodeGrant,
//!     network: &mut impl Transport,
//!     timer: &mut impl Clock,
//!     panel: &mut impl Screen,
//! ) -> Result<Box<AccessTokenResponse>, Error> {
//!     sign_in(grant, network, timer, panel)
//! }
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod board;
mod client;
mod device;
mod device_login;
mod flash_record;
pub mod http1;
mod kept_login;
pub mod output;
mod snapshot;
mod view;

pub use board::{Clock, Screen, Speaker, Storage, Transport};
pub use client::Client;
pub use device::{CallError, Device, Progress};
pub use device_login::sign_in;
pub use flash_record::{FlashError, FlashRecord};
pub use kept_login::KeptLogin;
pub use view::{Status, View};
