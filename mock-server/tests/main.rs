//! Tests of the server as its clients meet it; modules are named as the source files that they test.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod mock_server;
mod raw_http;
