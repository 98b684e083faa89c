//! Presets: where single servers are, from the providers' own documentation.

use oauth_protocol::{AuthorizationScheme, ClientAuthentication, InvalidClient, Secret};

/// A server that is known beforehand.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Provider {
    /// GitHub: a public client with the device flow switched on.
    Github,
    /// Google: a client of the kind "TVs and Limited Input devices", with its secret.
    Google,
    /// Octopus Energy: a public client; calls carry the bare token.
    Octopus,
}

impl Provider {
    pub(crate) const fn device_authorization_endpoint(self) -> &'static str {
        match self {
            Self::Github => "https://github.com/login/device/code",
            Self::Google => "https://oauth2.googleapis.com/device/code",
            Self::Octopus => "https://auth.octopus.energy/device-authorization/",
        }
    }

    pub(crate) const fn token_endpoint(self) -> &'static str {
        match self {
            Self::Github => "https://github.com/login/oauth/access_token",
            Self::Google => "https://oauth2.googleapis.com/token",
            Self::Octopus => "https://auth.octopus.energy/token/",
        }
    }

    pub(crate) const fn authorization_scheme(self) -> AuthorizationScheme {
        match self {
            Self::Github | Self::Google => AuthorizationScheme::Bearer,
            Self::Octopus => AuthorizationScheme::Raw,
        }
    }

    /// How it wants a client to authenticate that has a secret.
    pub(crate) fn confidential(
        self,
        client_id: &str,
        secret: Secret,
    ) -> Result<ClientAuthentication, InvalidClient> {
        match self {
            Self::Github => ClientAuthentication::client_secret_post(client_id, secret),
            Self::Google => Ok(ClientAuthentication::client_secret_post(client_id, secret)?
                .no_secret_on_device_authorization()),
            Self::Octopus => {
                Ok(ClientAuthentication::client_secret_basic(client_id, secret)?.client_id_in_body())
            }
        }
    }
}
