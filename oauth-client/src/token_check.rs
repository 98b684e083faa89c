//! Whether the server still takes a token, without spending anything.

use std::sync::Arc;

use oauth_protocol::{
    ErrorCode, HttpResponse, IntrospectionRequest, IntrospectionResponse, InvalidResponse, Redirect, Secret,
    TokenTypeHint, Unavailable,
};
use serde_json::Value;

use crate::client::{Client, Shared};
use crate::endpoints::Endpoint;
use crate::error::Error;

/// What the server says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenCheck {
    /// It works.
    Active,
    /// It does not, or no longer: it expired, was revoked, or was never issued.
    Inactive,
    /// The server offers this client no way to ask.
    NotOffered,
}

impl Client {
    /// Asks the server whether it still takes an access token: at the userinfo endpoint (OpenID Connect Core §5.3),
    /// and where that does not tell, by introspection (RFC 7662), which confidential clients may use. Nothing is
    /// spent and nothing refreshed.
    ///
    /// Where the two disagree the token works: a server calls a token that it will not talk about inactive (RFC 7662
    /// §2.2).
    pub fn check_access_token(
        &self,
        access_token: &Secret,
    ) -> impl Future<Output = Result<TokenCheck, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let access_token = access_token.clone();
        async move {
            let by_userinfo = shared.check_at_userinfo(&access_token).await?;
            if by_userinfo != TokenCheck::NotOffered {
                return Ok(by_userinfo);
            }
            shared.check_by_introspection(&access_token, TokenTypeHint::AccessToken).await
        }
    }

    /// Asks the server whether it still takes a refresh token: by introspection (RFC 7662), which confidential clients
    /// may use. It is not spent.
    pub fn check_refresh_token(
        &self,
        refresh_token: &Secret,
    ) -> impl Future<Output = Result<TokenCheck, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let refresh_token = refresh_token.clone();
        async move { shared.check_by_introspection(&refresh_token, TokenTypeHint::RefreshToken).await }
    }
}

impl Shared {
    async fn check_at_userinfo(&self, access_token: &Secret) -> Result<TokenCheck, Error> {
        match self.ask_userinfo(access_token).await {
            Ok(Some(response)) => verdict_of_userinfo(&response),
            Ok(None) | Err(Error::NoEndpoint { .. }) => Ok(TokenCheck::NotOffered),
            Err(error) => Err(error),
        }
    }

    async fn check_by_introspection(&self, token: &Secret, hint: TokenTypeHint) -> Result<TokenCheck, Error> {
        let endpoint = match self.endpoint(Endpoint::Introspection).await {
            Err(Error::NoEndpoint { .. }) => return Ok(TokenCheck::NotOffered),
            endpoint => endpoint?,
        };
        let Ok(request) =
            IntrospectionRequest::new(self.authentication().await?, endpoint, token.clone(), hint)
        else {
            // A public client, which no server may answer (RFC 7662 §2.1).
            return Ok(TokenCheck::NotOffered);
        };
        let response = self.send(request.request()).await?;
        match request.process_response(&response) {
            Ok(IntrospectionResponse { active: true, .. }) => Ok(TokenCheck::Active),
            Ok(_) => Ok(TokenCheck::Inactive),
            // The client may not ask, or not about this.
            Err(oauth_protocol::Error::Refused(_)) => Ok(TokenCheck::NotOffered),
            Err(error) => Err(error.into()),
        }
    }
}

/// RFC 6750 §3.1. What is neither yes nor no leaves the question open: some servers answer 401 to a token without the
/// scope `openid`.
fn verdict_of_userinfo(response: &HttpResponse) -> Result<TokenCheck, Error> {
    let status = response.status();
    match (status, response.bearer_error()) {
        (200, _) if is_userinfo(response) => Ok(TokenCheck::Active),
        // A captive portal's page, perhaps.
        (200, _) => Err(Error::InvalidResponse(InvalidResponse::NoParameters)),
        (401, Some(error)) if is(&error, "invalid_token") => Ok(TokenCheck::Inactive),
        (403, Some(error)) if is(&error, "insufficient_scope") => Ok(TokenCheck::Active),
        (300..=399, _) => {
            Err(Error::Redirected(Redirect { status, location: None, differs_by_slash: false }))
        }
        (408 | 425 | 429 | 500..=599, _) => {
            Err(Error::Unavailable(Unavailable { status, retry_after: response.retry_after() }))
        }
        _ => Ok(TokenCheck::NotOffered),
    }
}

fn is(error: &ErrorCode, code: &str) -> bool {
    error.as_str() == code
}

/// Claims as JSON, or signed (OpenID Connect Core §5.3.2).
fn is_userinfo(response: &HttpResponse) -> bool {
    let is_signed = response.header("content-type").is_some_and(|sent| sent.starts_with("application/jwt"));
    is_signed
        || serde_json::from_slice::<Value>(response.body()).is_ok_and(|claims| claims.get("sub").is_some())
}
