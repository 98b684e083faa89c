//! The front against servers of literal bytes: mockito, raw sockets, and a scripted transport on virtual time.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read their settings")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // Tests, down to the helpers that clippy does not take for tests.

mod authorization_code_login;
mod client;
mod client_builder;
mod contact;
mod device_login;
mod error;
mod identity;
mod logs;
mod loopback;
mod metadata;
mod protected_resource;
mod provider;
mod reqwest_transport;
mod resource_client;
mod scripted_server;
mod scripted_transport;
mod session;
mod tls;
mod token_check;
mod virtual_clock;
