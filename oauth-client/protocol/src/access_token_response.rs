//! The answer that carries a token (RFC 6749 §5.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::response_parameters::{Body, Number, Parameters};
use crate::{
    EndpointUrl, Error, ErrorResponse, ExtraParameters, HttpResponse, InvalidResponse, Redirect, Secret,
    ServerText, Unavailable,
};

/// Above this, an `expires_in` is taken as this: 2^31 - 1 seconds, 68 years.
const MAX_LIFE: Duration = Duration::from_secs(i32::MAX as u64);

const ACCESS_TOKEN: &[&str] = &["access_token", "accessToken"];
const TOKEN_TYPE: &[&str] = &["token_type", "tokenType"];
const EXPIRES_IN: &[&str] = &["expires_in", "expiresIn", "expires"];
const REFRESH_TOKEN: &[&str] = &["refresh_token", "refreshToken"];
const SCOPE: &[&str] = &["scope", "scopes"];
const ID_TOKEN: &[&str] = &["id_token", "idToken"];

/// A token and what the server said about it.
#[derive(Clone)]
pub struct AccessTokenResponse {
    /// The token itself.
    pub access_token: Secret,
    /// How it is used.
    pub token_type: TokenType,
    /// Its life, counted from the answer; `None`: unknown, use it until a 401; zero: expired already.
    pub expires_in: Option<Duration>,
    /// For a new access token later. After a refresh without a new one, this is the one that was sent.
    pub refresh_token: Option<Secret>,
    /// What it may do; `None`: as requested (RFC 6749 §5.1).
    pub scope: Option<Scope>,
    /// OpenID Connect's statement about the person, not validated here.
    pub id_token: Option<Secret>,
    /// Every other member of the answer, as JSON.
    pub extra: ExtraParameters,
}

/// The types of token that this client can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// RFC 6750; also what a missing `token_type` means.
    Bearer,
}

impl TokenType {
    /// The canonical spelling: some resource servers refuse `bearer`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
        }
    }
}

/// A set of scope values (RFC 6749 §3.3) in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<ServerText>);

impl Scope {
    /// Values separated by spaces, or by commas where there is no space.
    pub fn parse(text: &str) -> Self {
        let separator = if text.contains(' ') { ' ' } else { ',' };
        Self(text.split(separator).filter(|value| !value.is_empty()).map(ServerText::from).collect())
    }

    /// The values as they came.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(ServerText::as_sent)
    }

    /// Whether both hold the same values, in any order.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.iter().all(|value| other.0.contains(value))
            && other.0.iter().all(|value| self.0.contains(value))
    }
}

impl<Value: AsRef<str>> FromIterator<Value> for Scope {
    fn from_iter<Values: IntoIterator<Item = Value>>(values: Values) -> Self {
        Self(values.into_iter().map(|value| ServerText::from(value.as_ref())).collect())
    }
}

/// Values joined by spaces, as they go on the wire; what a terminal must not see is left out.
impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, value) in self.0.iter().enumerate() {
            if position > 0 {
                formatter.write_str(" ")?;
            }
            value.fmt(formatter)?;
        }
        Ok(())
    }
}

impl AccessTokenResponse {
    /// Reads the answer to a token request, whatever the grant.
    pub fn process_response(response: &HttpResponse) -> Result<Self, Error> {
        Self::from_parameters(&oauth_parameters(response, None)?)
    }

    /// As [`AccessTokenResponse::process_response`], for an answer from this endpoint.
    pub(crate) fn answer_of(token_endpoint: &EndpointUrl, response: &HttpResponse) -> Result<Self, Error> {
        Self::from_parameters(&oauth_parameters(response, Some(token_endpoint))?)
    }

    pub(crate) fn from_parameters(parameters: &Parameters) -> Result<Self, Error> {
        let invalid = |what| Err(Error::InvalidResponse(what));
        if parameters.is_ambiguous() {
            return invalid(InvalidResponse::RepeatedParameter);
        }
        if let Some(refusal) = ErrorResponse::from_parameters(parameters) {
            return Err(Error::Refused(refusal));
        }
        let Some(access_token) = parameters.text(ACCESS_TOKEN).filter(|token| !token.is_empty()) else {
            return invalid(InvalidResponse::MissingParameter("access_token"));
        };
        // It goes into a header, and a program may print it.
        if !access_token.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
            return invalid(InvalidResponse::UnsafeAccessToken);
        }
        let is_bearer = match parameters.text(TOKEN_TYPE) {
            Some(token_type) => token_type.is_empty() || token_type.eq_ignore_ascii_case("bearer"),
            None => !parameters.has(TOKEN_TYPE),
        };
        if !is_bearer {
            return invalid(InvalidResponse::UnknownTokenType);
        }
        Ok(Self {
            access_token: access_token.into(),
            token_type: TokenType::Bearer,
            expires_in: expires_in(parameters),
            refresh_token: parameters.text(REFRESH_TOKEN).filter(|token| !token.is_empty()).map(Secret::from),
            scope: scope(parameters),
            id_token: parameters.text(ID_TOKEN).filter(|token| !token.is_empty()).map(Secret::from),
            extra: parameters.extra(&[ACCESS_TOKEN, TOKEN_TYPE, EXPIRES_IN, REFRESH_TOKEN, SCOPE, ID_TOKEN]),
        })
    }

    /// Whether the server granted something else than what was asked for; a missing `scope` says no.
    pub fn scope_differs_from(&self, requested: &Scope) -> bool {
        self.scope.as_ref().is_some_and(|granted| !granted.is_same_as(requested))
    }
}

/// Tokens stay out of it.
impl fmt::Debug for AccessTokenResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessTokenResponse")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("has_id_token", &self.id_token.is_some())
            .finish_non_exhaustive()
    }
}

/// Missing, null, zero and garbage are unknown; below zero is expired already.
fn expires_in(parameters: &Parameters) -> Option<Duration> {
    match parameters.number(EXPIRES_IN)? {
        Number::AtLeastZero(value) if !value.is_zero() => Some(value.rounded_down(MAX_LIFE)),
        Number::AtLeastZero(_) | Number::Garbage => None,
        Number::Negative => Some(Duration::ZERO),
    }
}

fn scope(parameters: &Parameters) -> Option<Scope> {
    if let Some(text) = parameters.text(SCOPE) {
        return Some(Scope::parse(&text));
    }
    parameters.texts(SCOPE).map(|values| values.into_iter().collect())
}

/// The parameters of an answer to a one-shot request, or what the answer is instead.
#[allow(clippy::match_same_arms)] // The order of the rows matters: 5xx comes before any body.
pub(crate) fn oauth_parameters(
    response: &HttpResponse,
    requested: Option<&EndpointUrl>,
) -> Result<Parameters, Error> {
    let status = response.status();
    match (status, Body::of(response)) {
        (500..=599, _) => Err(unavailable(response)),
        (200..=299 | 400..=499, Body::OAuth(parameters)) => Ok(parameters),
        (408 | 425 | 429, _) => Err(unavailable(response)),
        (300..=399, _) => Err(Error::Redirected(redirect(response, requested))),
        (200..=299, Body::OtherObject(_)) => {
            Err(Error::InvalidResponse(InvalidResponse::MissingParameter("access_token")))
        }
        (200..=299, _) => Err(Error::InvalidResponse(InvalidResponse::NoParameters)),
        _ => Err(Error::InvalidResponse(InvalidResponse::UnexpectedStatus(status))),
    }
}

/// The server is there but cannot answer now.
pub(crate) fn unavailable(response: &HttpResponse) -> Error {
    Error::Unavailable(Unavailable { status: response.status(), retry_after: response.retry_after() })
}

/// What a 3xx says; `requested` is the path that the request went to, where it is known.
pub(crate) fn redirect(response: &HttpResponse, requested: Option<&EndpointUrl>) -> Redirect {
    let location = response.header("location").map(String::from);
    let differs_by_slash = matches!(response.status(), 301 | 308)
        && location
            .as_deref()
            .zip(requested)
            .is_some_and(|(location, requested)| is_the_same_but_for_a_slash(location, requested));
    Redirect { status: response.status(), location: location.map(Into::into), differs_by_slash }
}

/// Whether `location`, absolute or as a path, is `requested` with or without a slash at the end of its path.
fn is_the_same_but_for_a_slash(location: &str, requested: &EndpointUrl) -> bool {
    let target = location.strip_prefix(requested.origin()).unwrap_or(location);
    let own = requested.path_and_query();
    let ((target, target_query), (own, own_query)) = (split_query(target), split_query(&own));
    target != own && without_slash(target) == without_slash(own) && target_query == own_query
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

fn split_query(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}
