//! A strict OAuth 2.0 authorization server for tests and development.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = mock_server::MockServer::start().await?;
//! println!("sign in at {}", server.issuer());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "the endpoints that use the rest follow")]

mod authorization_server;
mod client_authentication;
mod clients;
mod clock;
mod control;
mod device_authorization;
mod device_codes;
mod endpoint;
mod error_response;
mod grants;
mod host_allow_list;
mod http_response;
mod issued_tokens;
mod journal;
mod listener;
mod metadata;
mod misbehaviour;
mod mock_server;
mod person;
mod profiles;
mod randomness;
mod request_parameters;
mod resource;
mod scope;
mod token;
mod verification_page;

pub use authorization_server::{Answer, AuthorizationServer, Settings};
pub use clock::Timestamp;
pub use control::{ControlError, PendingDevice};
pub use endpoint::Endpoint;
pub use journal::RecordedRequest;
pub use misbehaviour::Fault;
pub use mock_server::{MockServer, MockServerBuilder};
pub use profiles::Profile;
