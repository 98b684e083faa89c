//! Signing in with a browser: the authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636).

use std::sync::Arc;

use oauth_protocol::{
    AccessTokenResponse, AuthorizationCodeRequest, AuthorizationResponseError, CodeVerifier, ErrorCode, Pkce,
    Scope,
};

use oauth_token_store::UnixTime;

use crate::client::{Client, Shared};
use crate::endpoints::Endpoint;
use crate::error::{ConfigurationError, Error};
use crate::loopback::{LastPage, Loopback, LoopbackReceiver};

/// A login that waits for the browser to come back, at an application that receives the redirect itself.
#[must_use = "the person is sent away, but nobody takes the code"]
#[derive(Clone)]
pub struct AuthorizationCodeLogin {
    shared: Arc<Shared>,
    request: Arc<AuthorizationCodeRequest>,
    requested_scope: Scope,
}

/// A login whose redirect comes back to this machine (RFC 8252). Dropping it cancels the login.
#[must_use = "the person is sent away, but nobody takes the code"]
pub struct LoopbackLogin {
    login: AuthorizationCodeLogin,
    receiver: LoopbackReceiver,
}

impl Client {
    /// Starts a login that sends the browser back to `redirect_uri`, byte for byte as it was registered. The
    /// scope values are separated by spaces; "" leaves them to the server.
    ///
    /// Keep the value with the person's session: it holds `state` and the code verifier.
    pub fn authorization_code_login(
        &self,
        scope: &str,
        redirect_uri: &str,
    ) -> impl Future<Output = Result<AuthorizationCodeLogin, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let scope: Scope = scope.split_ascii_whitespace().collect();
        let redirect_uri = redirect_uri.to_owned();
        async move { AuthorizationCodeLogin::new(shared, &scope, redirect_uri).await }
    }

    /// Starts a login that sends the browser back to a port of this machine. When it resolves the port is
    /// open: now open the browser at [`LoopbackLogin::authorization_url`].
    pub fn loopback_login(
        &self,
        scope: &str,
        loopback: &Loopback,
    ) -> impl Future<Output = Result<LoopbackLogin, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let scope: Scope = scope.split_ascii_whitespace().collect();
        let loopback = loopback.clone();
        async move {
            let receiver = loopback.bind().await?;
            let redirect_uri = receiver.redirect_uri().to_owned();
            let login = AuthorizationCodeLogin::new(shared, &scope, redirect_uri).await?;
            Ok(LoopbackLogin { login, receiver })
        }
    }
}

impl AuthorizationCodeLogin {
    async fn new(shared: Arc<Shared>, scope: &Scope, redirect_uri: String) -> Result<Self, Error> {
        let authentication = shared.authentication().await?;
        let authorization = shared.endpoint(Endpoint::Authorization).await?;
        let token = shared.endpoint(Endpoint::Token).await?;
        let verifier = CodeVerifier::from_random(random_bytes()?);
        let pkce =
            if shared.plain_pkce { Pkce::dangerously_use_plain_pkce(verifier) } else { Pkce::s256(verifier) };
        let mut request = AuthorizationCodeRequest::new(
            authentication,
            authorization,
            token,
            redirect_uri,
            random_bytes()?,
            pkce,
        )
        .with_scope(scope);
        for (name, value) in &shared.parameters {
            request = request.with_parameter(name, value.expose());
        }
        if let Some(issuer) = &shared.provider.issuer {
            let required = match shared.metadata().await {
                Ok(metadata) => {
                    metadata.is_some_and(|metadata| metadata.authorization_response_iss_parameter_supported)
                }
                // Metadata that cannot be used promises nothing; `iss` is compared where it comes.
                Err(Error::InvalidResponse(_) | Error::Redirected(_)) => false,
                // Whoever can hold the metadata up must not be able to switch the check off with that.
                Err(error) => return Err(error),
            };
            request = request.with_issuer(issuer.as_str(), required);
        }
        Ok(Self { shared, request: Arc::new(request), requested_scope: scope.clone() })
    }

    /// Where to send the browser.
    pub fn authorization_url(&self) -> String {
        self.request.authorization_url()
    }

    /// Takes the query of the redirect (what stands behind the `?`), checks `state` and `iss`, and exchanges
    /// the code.
    pub fn finish(
        &self,
        query: &str,
    ) -> impl Future<Output = Result<AccessTokenResponse, Error>> + Send + 'static {
        let code = self.request.process_authorization_response(query);
        let (shared, request) = (Arc::clone(&self.shared), Arc::clone(&self.request));
        async move {
            let code = code.map_err(|error| match error {
                AuthorizationResponseError::Refused(refusal) => Error::Refused(refusal),
                other => Error::AuthorizationResponse(other),
            })?;
            let response = shared.send(request.request(&code)).await?;
            Ok(request.process_response(&response)?)
        }
    }
}

impl LoopbackLogin {
    /// Where to send the browser.
    pub fn authorization_url(&self) -> String {
        self.login.authorization_url()
    }

    /// Where the browser comes back to.
    pub fn redirect_uri(&self) -> &str {
        self.receiver.redirect_uri()
    }

    /// Waits for the browser to come back with this login's `state`, and exchanges the code. What else
    /// reaches the port is turned away and does not end the wait.
    pub async fn wait(self) -> Result<AccessTokenResponse, Error> {
        Ok(self.wait_with_time().await?.0)
    }

    /// As [`LoopbackLogin::wait`], and the moment the token request was sent: its life began no earlier.
    pub async fn wait_with_time(self) -> Result<(AccessTokenResponse, UnixTime), Error> {
        let request = Arc::clone(&self.login.request);
        let is_answer = Arc::new(move |query: &str| request.is_answered_by(query));
        let arrived = self.receiver.receive(is_answer).await;
        let requested_at = self.login.shared.clock.unix_time();
        let result = self.login.finish(&arrived.query).await;
        arrived.answer(last_page(&result)).await;
        Ok((result?, requested_at))
    }

    pub(crate) const fn requested_scope(&self) -> &Scope {
        &self.login.requested_scope
    }
}

fn last_page(result: &Result<AccessTokenResponse, Error>) -> LastPage {
    match result {
        Ok(_) => LastPage::SignedIn,
        Err(Error::Refused(refusal)) if refusal.error == ErrorCode::AccessDenied => LastPage::Denied,
        Err(_) => LastPage::Failed,
    }
}

fn random_bytes() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| ConfigurationError::NoRandomness)?;
    Ok(bytes)
}
