//! OAuth 2.0 as pure protocol: the RFCs and nothing else.
//!
//! No sockets, no clock, no sleep, no randomness, no `std`. Two shapes carry everything:
//!
//! - **Pairs** for one exchange: a `request(..)` that builds an [`HttpRequest`] and a
//!   `process_response(..)` that reads the [`HttpResponse`].
//! - **One state machine**, [`DeviceCodeGrant`], for the device authorization grant (RFC 8628): the
//!   caller sends what [`DeviceCodeGrant::poll`] asks for and hands back what came.
//!
//! Start at [`DeviceCodeGrant`] and at its page of decisions in `grants/device_code`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod authorization_server_metadata;
mod client_authentication;
mod endpoint_url;
mod error;
mod error_response;
mod extra_parameters;
mod form_urlencoded;
mod grants;
mod http_message;
mod instant;
mod introspection;
mod pkce;
mod protected_resource;
mod response_parameters;
mod revocation;
mod secret;
mod server_text;

mod access_token_response;

pub use access_token_response::{AccessTokenResponse, Scope, TokenType};
pub use authorization_server_metadata::AuthorizationServerMetadata;
pub use client_authentication::{ClientAuthentication, InvalidClient};
pub use endpoint_url::{EndpointPolicy, EndpointUrl, EndpointUrlError, EndpointUrlProblem};
pub use error::{Error, InvalidResponse, Redirect, Unavailable, Undisplayable};
pub use error_response::{ErrorCode, ErrorResponse};
pub use extra_parameters::ExtraParameters;
pub use grants::authorization_code::{
    AuthorizationCode, AuthorizationCodeRequest, AuthorizationResponseError,
};
pub use grants::client_credentials::ClientCredentialsRequest;
pub use grants::device_code::{
    Action, DeviceAuthorizationResponse, DeviceCodeGrant, DeviceCodeRequest, InvalidPendingLogin,
    PendingLogin, PollingPolicy, RetryCause, WaitCause,
};
pub use grants::refresh_token::RefreshTokenRequest;
pub use http_message::{HttpRequest, HttpResponse, Method, TransportFailure};
pub use instant::Instant;
pub use introspection::{IntrospectionRequest, IntrospectionResponse};
pub use pkce::{CodeVerifier, InvalidCodeVerifier, Pkce};
pub use protected_resource::AuthorizationScheme;
pub use revocation::{RevocationRequest, TokenTypeHint};
pub use secret::Secret;
pub use server_text::{ServerText, is_safe_to_display};
