//! Signing in on a device that has no browser.
#![forbid(unsafe_code)]

mod client;
mod clock;
mod device_login;
mod error;
mod http_transport;
mod protected_resource;
mod provider;
#[cfg(feature = "reqwest")]
mod reqwest_transport;

pub use client::{Client, ClientBuilder};
pub use clock::{BoxFuture, Clock, SystemClock};
pub use device_login::{DeviceLogin, DeviceLoginEvent, PollOnce};
pub use error::{ConfigurationError, Error, UrlError};
pub use http_transport::{HttpTransport, TransportError};
pub use oauth_protocol::{
    AccessTokenResponse, AuthorizationScheme, AuthorizationServerMetadata, EndpointUrl, ErrorCode,
    ErrorResponse, HttpRequest, HttpResponse, Instant, InvalidClient, InvalidPendingLogin, InvalidResponse,
    Method, PendingLogin, PollingPolicy, Redirect, Scope, Secret, ServerText, TokenType, TransportFailure,
    Unavailable,
};
pub use oauth_token_store as token_store;
pub use provider::Provider;
