#![doc = include_str!("../../README.md")]
#![forbid(unsafe_code)]

mod authorization_code_login;
mod client;
mod client_builder;
mod clock;
mod clock_drift;
mod contact;
mod device_login;
mod endpoints;
mod error;
mod http_transport;
mod identity;
mod loopback;
mod protected_resource;
mod provider;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
#[cfg(feature = "reqwest")]
mod resource_client;
mod session;
mod session_error;
mod session_events;
mod session_logout;
mod token_check;

pub use authorization_code_login::{AuthorizationCodeLogin, LoopbackLogin};
pub use client::Client;
pub use client_builder::ClientBuilder;
pub use clock::{BoxFuture, Clock, SystemClock};
pub use contact::Contact;
pub use device_login::{DeviceLogin, DeviceLoginEvent, PollOnce};
pub use endpoints::Endpoint;
pub use error::{ConfigurationError, Error, LookedIn, UrlError};
pub use http_transport::{HttpTransport, Obstacle, TransportError};
pub use identity::Identity;
pub use loopback::Loopback;
pub use oauth_protocol::{
    AccessTokenResponse, AuthorizationResponseError, AuthorizationScheme, AuthorizationServerMetadata,
    EndpointPolicy, EndpointUrl, EndpointUrlError, EndpointUrlProblem, ErrorCode, ErrorResponse,
    ExtraParameters, HttpRequest, HttpResponse, Instant, IntrospectionResponse, InvalidClient,
    InvalidCodeVerifier, InvalidPendingLogin, InvalidResponse, Method, PendingLogin, PollingPolicy, Redirect,
    Scope, Secret, ServerText, TokenType, TokenTypeHint, TransportFailure, Unavailable, Undisplayable,
    is_safe_to_display,
};
pub use oauth_token_store as token_store;
pub use provider::Provider;
#[cfg(feature = "reqwest")]
pub use reqwest;
#[cfg(feature = "reqwest")]
pub use resource_client::{ResourceClient, ResourceError};
pub use session::Session;
pub use session_error::{LoginNotStored, SessionError, SignInError};
pub use session_events::{SessionEvent, SessionEvents};
pub use session_logout::{Logout, Revocation};
pub use token_check::TokenCheck;
