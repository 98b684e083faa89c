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

mod authorization_codes;
mod authorization_server;
mod authorize;
mod bearer_token;
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
mod id_token;
mod introspection;
mod issued_tokens;
mod journal;
mod jwks;
mod listener;
mod metadata;
mod misbehaviour;
mod mock_server;
mod page;
mod person;
mod pkce;
mod profiles;
mod randomness;
mod redirect_uri;
mod request_parameters;
mod resource;
mod revocation;
mod scope;
mod sessions;
mod token;
mod userinfo;
mod verification_page;
mod wrong_codes;

pub use authorization_server::{Answer, AuthorizationServer, Settings};
pub use clock::Timestamp;
pub use control::{ControlError, PendingDevice};
pub use endpoint::Endpoint;
pub use journal::RecordedRequest;
pub use misbehaviour::Fault;
pub use mock_server::{MockServer, MockServerBuilder};
pub use profiles::Profile;
