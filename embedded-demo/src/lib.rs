//! A device program that signs in: no `std`, no operating system, any network that carries bytes.
//!
//! The board brings four things, each a small trait: a [`Transport`] for one HTTP exchange, a [`Clock`], a [`Screen`]
//! and a [`Storage`]. [`Device`] is the device over its life with them: the login, a reset in the middle of it, the
//! refresh, a server that is away. [`sign_in`] is one login and no more, without a storage.
//!
//! [`http1::KeepAlive`] and [`http1::exchange`] make a transport out of byte streams that have the `embedded-io` traits,
//! [`FlashRecord`] a storage out of NOR flash, and [`output`] has what a screen, a loudspeaker, a lamp or a radio shows of
//! a [`View`].
//!
//! ```
//! use embedded_demo::{Client, Clock, Device, Screen, Storage, Transport};
//! use oauth_protocol::{
//!     AuthorizationScheme, ClientAuthentication, EndpointPolicy, PollingPolicy, Scope,
//! };
//!
//! fn heater(
//!     network: impl Transport,
//!     timer: impl Clock,
//!     panel: impl Screen,
//!     memory: impl Storage,
//!     serial_number: u64,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let policy = EndpointPolicy::new();
//!     let prices = policy.endpoint("https://api.example.com/prices")?;
//!     let client = Client {
//!         authentication: ClientAuthentication::none("heater")?,
//!         device_authorization_endpoint: policy.endpoint("https://auth.example.com/device-authorization")?,
//!         token_endpoint: policy.endpoint("https://auth.example.com/token")?,
//!         scope: Scope::parse("prices offline_access"),
//!         endpoint_policy: policy,
//!         polling_policy: PollingPolicy::default(),
//!         authorization_scheme: AuthorizationScheme::Bearer,
//!     };
//!     let mut device = Device::new(client, network, timer, panel, memory, serial_number);
//!     while device.access_token().is_some() {
//!         match device.call(&prices) {
//!             Ok(answer) if answer.status() == 200 => { /* heat while it is cheap */ }
//!             // A refused token is replaced by the next `access_token`.
//!             Ok(_) | Err(_) => { /* heat as ever */ }
//!         }
//!         # break;
//!     }
//!     // The screen says why nobody is signed in. A button calls `start_again`.
//!     Ok(())
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
mod tick_counter;
mod view;

pub use board::{Clock, Led, Screen, Speaker, Storage, Transport};
pub use client::Client;
pub use device::{CallError, Device, Progress};
pub use device_login::sign_in;
pub use flash_record::{FlashError, FlashRecord};
pub use kept_login::KeptLogin;
pub use tick_counter::TickCounter;
pub use view::{Status, View};
