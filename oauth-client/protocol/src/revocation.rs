//! Token revocation (RFC 7009).

use crate::access_token_response::{oauth_parameters, redirect};
use crate::client_authentication::Step;
use crate::{
    ClientAuthentication, EndpointUrl, Error, ErrorResponse, HttpRequest, HttpResponse, InvalidResponse,
    Secret,
};

/// What kind of token it is, as far as the client knows (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenTypeHint {
    /// `access_token`
    AccessToken,
    /// `refresh_token`
    RefreshToken,
}

/// Tells the server that a token is no longer needed.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    client: ClientAuthentication,
    revocation_endpoint: EndpointUrl,
    token: Secret,
    hint: TokenTypeHint,
}

impl TokenTypeHint {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

impl RevocationRequest {
    /// Revokes `token`; revoking a refresh token ends its access tokens at most servers.
    pub const fn new(
        client: ClientAuthentication,
        revocation_endpoint: EndpointUrl,
        token: Secret,
        hint: TokenTypeHint,
    ) -> Self {
        Self { client, revocation_endpoint, token, hint }
    }

    /// RFC 7009 §2.1.
    pub fn request(&self) -> HttpRequest {
        let parameters = [("token", self.token.expose()), ("token_type_hint", self.hint.as_str())];
        self.client.post(Step::Token, &self.revocation_endpoint, &parameters)
    }

    /// RFC 7009 §2.2: 200 whatever its body, also for a token that the server did not know.
    pub fn process_response(&self, response: &HttpResponse) -> Result<(), Error> {
        match response.status() {
            200..=299 => Ok(()),
            300..=399 => Err(Error::Redirected(redirect(response, Some(&self.revocation_endpoint)))),
            status => {
                let parameters = oauth_parameters(response, Some(&self.revocation_endpoint))?;
                let refusal = ErrorResponse::from_parameters(&parameters);
                let unexpected = Error::InvalidResponse(InvalidResponse::UnexpectedStatus(status));
                Err(refusal.map_or(unexpected, Error::Refused))
            }
        }
    }
}
