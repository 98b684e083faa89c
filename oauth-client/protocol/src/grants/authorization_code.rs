//! The authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636) and `iss` (RFC 9207).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client_authentication::Step;
use crate::form_urlencoded::{self, Space, append_pair};
use crate::{
    AccessTokenResponse, ClientAuthentication, EndpointUrl, Error, ErrorCode, ErrorResponse, HttpRequest,
    HttpResponse, Pkce, Scope, Secret,
};

/// One authorization request and all that belongs to it: its URL, the check of the answer, the exchange.
#[derive(Clone, Debug)]
pub struct AuthorizationCodeRequest {
    client: ClientAuthentication,
    authorization_endpoint: EndpointUrl,
    token_endpoint: EndpointUrl,
    redirect_uri: String,
    state: Secret,
    pkce: Pkce,
    scope: String,
    issuer: Option<String>,
    issuer_required: bool,
    parameters: Vec<(String, Secret)>,
}

/// A code that was checked and belongs to this request (RFC 6749 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode(Secret);

/// Why an authorization response is not accepted. No token request follows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationResponseError {
    /// `state` is missing or is not the one that was sent: an answer to somebody else's request.
    State,
    /// `iss` is another issuer's (RFC 9207 §2.4: "MUST reject").
    Issuer,
    /// `iss` is missing although the server says it always sends it.
    IssuerMissing,
    /// A parameter stands there twice (RFC 6749 §3.1).
    RepeatedParameter,
    /// Neither `code` nor `error`.
    CodeMissing,
    /// The server or the person refused (RFC 6749 §4.1.2.1).
    Refused(ErrorResponse),
}

impl AuthorizationCodeRequest {
    /// A request of `client` that sends the browser back to `redirect_uri`, which goes out byte for byte.
    /// `state` is 32 bytes of a cryptographic random source, fresh for each request.
    pub fn new(
        client: ClientAuthentication,
        authorization_endpoint: EndpointUrl,
        token_endpoint: EndpointUrl,
        redirect_uri: impl Into<String>,
        state: [u8; 32],
        pkce: Pkce,
    ) -> Self {
        Self {
            client,
            authorization_endpoint,
            token_endpoint,
            redirect_uri: redirect_uri.into(),
            state: Secret::new(URL_SAFE_NO_PAD.encode(state)),
            pkce,
            scope: String::new(),
            issuer: None,
            issuer_required: false,
            parameters: Vec::new(),
        }
    }

    /// Asks for these scope values; none: the server's default.
    #[must_use]
    pub fn with_scope(mut self, scope: &Scope) -> Self {
        self.scope = scope.values().collect::<Vec<_>>().join(" ");
        self
    }

    /// Compares `iss` with this issuer; `required` where the server's metadata says that it always sends it.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>, required: bool) -> Self {
        self.issuer = Some(issuer.into());
        self.issuer_required = required;
        self
    }

    /// Adds a parameter to the authorization request: `login_hint`, `prompt`, `audience` and the like.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), Secret::new(value)));
        self
    }

    /// Where to send the browser (RFC 6749 §4.1.1, RFC 7636 §4.3). A query of the endpoint's own is kept.
    pub fn authorization_url(&self) -> String {
        let endpoint = self.authorization_endpoint.as_str();
        let mut url = String::from(endpoint);
        if !endpoint.contains('?') {
            url.push('?');
        }
        let challenge = self.pkce.code_challenge();
        let own = [
            ("response_type", "code"),
            ("client_id", self.client.client_id()),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", self.state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", self.pkce.code_challenge_method()),
        ];
        let added = self.parameters.iter().map(|(name, value)| (name.as_str(), value.expose()));
        for (name, value) in own.into_iter().chain(added).filter(|(_, value)| !value.is_empty()) {
            append_pair(&mut url, name, value, Space::Percent);
        }
        url
    }

    /// Whether a query carries this request's `state`: what else reaches the redirect URI is a stranger's.
    pub fn is_answered_by(&self, query: &str) -> bool {
        let mut states = form_urlencoded::decode(query).into_iter().filter(|(name, _)| name == "state");
        states.next().is_some_and(|(_, state)| Secret::new(state) == self.state)
    }

    /// Checks the query of the redirect (RFC 6749 §4.1.2): first `state`, then `iss`, then `error`.
    pub fn process_authorization_response(
        &self,
        query: &str,
    ) -> Result<AuthorizationCode, AuthorizationResponseError> {
        let parameters = form_urlencoded::decode(query);
        let one = |name: &str| {
            let mut values =
                parameters.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(AuthorizationResponseError::RepeatedParameter),
                (value, None) => Ok(value.filter(|value| !value.is_empty())),
            }
        };
        let state = one("state")?.ok_or(AuthorizationResponseError::State)?;
        if Secret::from(state) != self.state {
            return Err(AuthorizationResponseError::State);
        }
        match (one("iss")?, &self.issuer) {
            (Some(sent), Some(own)) if sent != own => return Err(AuthorizationResponseError::Issuer),
            (None, _) if self.issuer_required => return Err(AuthorizationResponseError::IssuerMissing),
            _ => {}
        }
        if let Some(error) = one("error")? {
            return Err(AuthorizationResponseError::Refused(ErrorResponse {
                error: ErrorCode::parse(error),
                raw_error: error.into(),
                error_description: one("error_description")?.map(Into::into),
                error_uri: one("error_uri")?.map(Into::into),
                provider_code: None,
                interval: None,
            }));
        }
        let code = one("code")?.ok_or(AuthorizationResponseError::CodeMissing)?;
        Ok(AuthorizationCode(code.into()))
    }

    /// The exchange of the code (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub fn request(&self, code: &AuthorizationCode) -> HttpRequest {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.0.expose()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", self.pkce.code_verifier().expose()),
        ];
        self.client.post(Step::Token, &self.token_endpoint, &parameters)
    }

    /// Reads the answer to the exchange.
    pub fn process_response(&self, response: &HttpResponse) -> Result<AccessTokenResponse, Error> {
        AccessTokenResponse::answer_of(&self.token_endpoint, response)
    }
}

impl fmt::Display for AuthorizationResponseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State => {
                formatter.write_str("the answer's state is not this login's: start the login again")
            }
            Self::Issuer => formatter.write_str("the answer comes from another issuer than the one asked"),
            Self::IssuerMissing => formatter.write_str("the answer does not say which issuer it comes from"),
            Self::RepeatedParameter => formatter.write_str("a parameter of the answer stands there twice"),
            Self::CodeMissing => formatter.write_str("the answer holds neither a code nor an error"),
            Self::Refused(refusal) => write!(formatter, "the server refused: {refusal}"),
        }
    }
}

impl core::error::Error for AuthorizationResponseError {}
