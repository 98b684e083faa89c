//! Presets: what is known of single servers beforehand.

use oauth_protocol::AuthorizationScheme;

use crate::endpoints::Endpoints;

/// A server's endpoints and ways, so that a caller need not look them up.
///
/// Sources: the providers' own documentation. What the caller gives by hand wins over a preset.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    pub(crate) issuer: Option<String>,
    pub(crate) endpoints: Endpoints,
    pub(crate) secret_placement: SecretPlacement,
    pub(crate) no_secret_on_device_authorization: bool,
    pub(crate) client_id_in_body: bool,
    pub(crate) authorization_scheme: AuthorizationScheme,
    pub(crate) resource_origins: Vec<String>,
}

/// Where the client secret goes (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SecretPlacement {
    /// As the server's metadata says; Basic where it says nothing (RFC 8414 §2).
    #[default]
    ByMetadata,
    Basic,
    Post,
}

impl Provider {
    /// The names that [`Provider::by_name`] knows.
    pub const NAMES: &'static [&'static str] = &["github", "google", "nomos", "octopus"];

    /// A preset by its name; `None` for an unknown one. `nomos` is at the issuer that the caller names with
    /// [`ClientBuilder::issuer`](crate::ClientBuilder::issuer).
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "nomos" => Some(Self::default()),
            "github" => Some(Self::github()),
            "google" => Some(Self::google()),
            "octopus" => Some(Self::octopus()),
            _ => None,
        }
    }

    /// Where it is: its issuer, else its token endpoint. `None`: where the caller says.
    pub fn url(&self) -> Option<&str> {
        self.issuer.as_ref().or(self.endpoints.token.as_ref()).map(String::as_str)
    }

    /// Octopus Energy: public clients, every path with its trailing slash, no metadata, and API calls with
    /// `Authorization: TOKEN`. Its paths are those of django-oauth-toolkit, which reads `client_id` from the
    /// body beside Basic too.
    pub fn octopus() -> Self {
        let at = |path| Some(format!("https://auth.octopus.energy{path}"));
        Self {
            endpoints: Endpoints {
                authorization: at("/authorize/"),
                token: at("/token/"),
                device_authorization: at("/device-authorization/"),
                ..Endpoints::default()
            },
            secret_placement: SecretPlacement::Basic,
            client_id_in_body: true,
            authorization_scheme: AuthorizationScheme::Raw,
            resource_origins: vec!["https://api.octopus.energy".into()],
            ..Self::default()
        }
    }

    /// Nomos Energy at `issuer`: confidential clients, codes of 10 minutes, tokens of 60 minutes, refresh
    /// tokens that rotate; endpoints from its RFC 8414 metadata.
    pub fn nomos(issuer: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), ..Self::default() }
    }

    /// GitHub: no metadata, errors with status 200, tokens without expiry.
    pub fn github() -> Self {
        let at = |path| Some(format!("https://github.com/login{path}"));
        Self {
            endpoints: Endpoints {
                authorization: at("/oauth/authorize"),
                token: at("/oauth/access_token"),
                device_authorization: at("/device/code"),
                ..Endpoints::default()
            },
            secret_placement: SecretPlacement::Post,
            resource_origins: vec!["https://api.github.com".into()],
            ..Self::default()
        }
    }

    /// Google: a client secret in the body of token requests, none on the device authorization request.
    pub fn google() -> Self {
        Self {
            issuer: Some("https://accounts.google.com".into()),
            endpoints: Endpoints {
                authorization: Some("https://accounts.google.com/o/oauth2/v2/auth".into()),
                token: Some("https://oauth2.googleapis.com/token".into()),
                device_authorization: Some("https://oauth2.googleapis.com/device/code".into()),
                revocation: Some("https://oauth2.googleapis.com/revoke".into()),
                userinfo: Some("https://openidconnect.googleapis.com/v1/userinfo".into()),
                introspection: None,
            },
            secret_placement: SecretPlacement::Post,
            no_secret_on_device_authorization: true,
            resource_origins: vec!["https://www.googleapis.com".into()],
            ..Self::default()
        }
    }
}
