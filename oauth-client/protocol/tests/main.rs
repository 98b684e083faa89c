//! The protocol as its callers see it: literal bytes in, literal bytes out, and time as an argument.
#![allow(clippy::disallowed_methods, reason = "tests start programs and read their settings")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // Outside `#[test]` functions too.
#![allow(clippy::float_cmp)] // Seconds made of whole milliseconds.

mod scripted_login;

mod access_token_response;
mod any_bytes;
mod client_authentication;
mod crate_count;
mod device_code;
mod endpoint_url;
mod http_message;
mod provider_vectors;
mod secret;
mod server_text;
