//! An OAuth 2.0 authorization server to develop and test clients against: strict, complete for four grants, and
//! started in a line.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mock_server::MockServer;
//!
//! let server = MockServer::start().await?; // a free port of 127.0.0.1; dropping it stops it
//! println!("the issuer is {}", server.issuer());
//!
//! // ... the device under test asks for a code, and a test answers in the person's place:
//! # let port = server.port();
//! # let asks = "POST /device-authorization HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
//! # let rest = format!("Host: 127.0.0.1:{port}\r\nContent-Length: 16\r\n\r\nclient_id=device");
//! # let mut device = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
//! # tokio::io::AsyncWriteExt::write_all(&mut device, format!("{asks}\r\n{rest}").as_bytes()).await?;
//! server.device().next().await.approve("alice")?;
//! server.advance(std::time::Duration::from_secs(600)); // codes, tokens and poll gaps age at once
//! # Ok(())
//! # }
//! ```
//!
//! # Endpoints
//!
//! Each with and without a slash at its end; the two well-known documents name them.
//!
//! | path | what |
//! |---|---|
//! | `/` | for you: what devices do, as it happens, with buttons that decide in the person's place |
//! | `/device-authorization`, `/device` | the device grant and its page (RFC 8628) |
//! | `/authorize` | authorization code with PKCE, `iss` in every answer (RFC 6749, 7636, 9207) |
//! | `/token` | all four grants; refresh tokens rotate, and reuse revokes the family |
//! | `/revoke`, `/introspect` | RFC 7009, RFC 7662 |
//! | `/resource` | says for whom a token stands; a POST needs the scope `write` (RFC 6750) |
//! | `/userinfo`, `/jwks` | OpenID Connect; it and access tokens (RFC 9068) are signed with ES256 and a key that everyone knows |
//! | `/_control/...` | devices, clients, users, tokens, the clock, requests, verdicts, faults, scripts, tenants: all in `openapi.json` there |
//! | `/t/{name}/...` | the same again for a tenant: own clients, users, clock, faults and journal |
//!
//! # Ready-made clients
//!
//! | `client_id` | secret | may |
//! |---|---|---|
//! | `device` | none | device grant, refresh |
//! | `device-secret` | `device-secret` | the same, authenticated |
//! | `native` | none | authorization code with PKCE, loopback redirect on any port (`/`, `/callback`, `/cb`), refresh |
//! | `web` | `web-secret` | authorization code, redirect `http://127.0.0.1:8765/cb`, refresh |
//! | `service` | `service-secret` | client credentials |
//! | `api` | `api-secret` | introspect every token |
//!
//! The person is `alice` unless [others](MockServerBuilder::users) are chosen. Scopes: `openid profile email offline_access read write`; `read` if none is asked.
//!
//! # Time and faults
//!
//! [`Tenant::advance`] moves one virtual clock over codes, tokens, expiry and the gaps between polls.
//! [`Tenant::fail_next`] answers the next requests with a [`Fault`], [`Tenant::fault`] those that a [`FaultRule`]
//! names while its guard lives; a [`LoginScript`] such as `pending*2, slow_down, 503*3, approve` leads one device login
//! (in Rust, in the header `Mock-Script`, in a scope `script:...` or at `/_control/scripts`). [`MockServer::pause_listening`] takes the
//! server away and [`MockServer::resume_listening`] brings it back with its state. [`Tenant::requests`] tells what
//! clients did, without secrets.
//!
//! With the feature `tls` [`MockServerBuilder::tls`] speaks TLS, and [`MockServer::tls_fault`] shows
//! certificates that a client must not trust.
//!
//! # Verdicts
//!
//! The server judges its clients by its own clock: did they wait the interval before each poll, keep a `slow_down`,
//! stop at the end, back off, use PKCE with a fresh verifier, keep secrets out of URLs, never use a spent refresh token?
//! A broken MUST is an error, a SHOULD a warning, our advice a note; each [`Verdict`] names the section, what was
//! expected and what came. [`Tenant::assert_clean`] ends a test, `mock-server --verdicts junit:FILE --fail-on
//! warning` a CI job.
//!
//! [`AuthorizationServer`] is the same server without a socket, for tests in virtual time.
#![forbid(unsafe_code)]

mod access_token;
mod access_token_format;
mod answer;
mod authorization_codes;
mod authorization_server;
mod authorize;
mod basic_credentials;
mod bearer_token;
#[cfg(feature = "tls")]
mod certificates;
mod checks;
mod client_authentication;
mod clients;
mod clock;
mod control;
mod cors;
mod decisions;
mod device;
mod device_authorization;
mod device_codes;
mod endpoint;
mod error_response;
mod exchange;
mod explanation_page;
mod fault_guard;
mod fault_injection;
mod grants;
mod home_page;
mod host_allow_list;
mod http_response;
mod id_token;
mod introspection;
mod issued_tokens;
mod issuer;
mod journal;
mod jwks;
mod listener;
mod login_script;
mod login_timeline;
mod metadata;
mod minting;
mod misbehaviour;
mod mock_server;
mod page;
mod person;
mod pkce;
mod printable;
mod profiles;
mod qr_code;
mod randomness;
mod redirect_uri;
mod request_parameters;
mod request_stream;
mod resource;
mod revision;
mod revocation;
mod router;
mod routes;
mod running_state;
mod saved_state;
mod scope;
mod sessions;
mod settings;
mod signing;
mod state_file;
mod tenant;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_fault_guard;
mod tls_faults;
mod token;
mod user_picker;
mod userinfo;
mod verdicts;
mod verification_page;
mod wrong_codes;

pub use access_token_format::AccessTokenFormat;
pub use answer::Answer;
pub use authorization_server::AuthorizationServer;
pub use checks::{Check, Explanation, Lenient, NotRelaxable};
pub use clients::Client;
pub use clock::Timestamp;
pub use decisions::{ControlError, PendingDevice, WhichDevice};
pub use device::{Device, Devices};
pub use endpoint::Endpoint;
pub use fault_guard::FaultGuard;
pub use journal::RecordedRequest;
pub use login_script::{LoginScript, LoginScriptError};
pub use minting::Mint;
pub use misbehaviour::{Delivery, Fault, FaultNotationError, FaultRule, TokenDefect};
pub use mock_server::{MockServer, MockServerBuilder};
pub use person::Person;
pub use profiles::Profile;
pub use settings::{Lifetimes, Rotation, Settings};
pub use signing::SigningAlgorithm;
pub use tenant::{FrozenClock, ScopedClient, Tenant};
#[cfg(feature = "tls")]
pub use tls::Tls;
#[cfg(feature = "tls")]
pub use tls_fault_guard::TlsFaultGuard;
pub use tls_faults::TlsFault;
pub use verdicts::{Severity, Verdict};
