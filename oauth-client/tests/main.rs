//! The front against servers of literal bytes: mockito, raw sockets, and a scripted transport on virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Tests, down to the helpers that clippy does not take for tests.

mod reqwest_transport;
mod scripted_server;
mod tls;
