//! Token introspection (RFC 7662).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::access_token_response::{redirect, unavailable};
use crate::client_authentication::Step;
use crate::response_parameters::{Body, Number, Parameters};
use crate::{
    ClientAuthentication, EndpointUrl, Error, ErrorResponse, ExtraParameters, HttpRequest, HttpResponse,
    InvalidClient, InvalidResponse, Scope, Secret, TokenTypeHint,
};

/// Asks the server what a token is worth.
#[derive(Clone, Debug)]
pub struct IntrospectionRequest {
    client: ClientAuthentication,
    introspection_endpoint: EndpointUrl,
    token: Secret,
    hint: TokenTypeHint,
}

/// What the server says about a token (RFC 7662 §2.2). Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct IntrospectionResponse {
    /// Whether it may be used now; all else may be missing.
    pub active: bool,
    /// What it may do.
    pub scope: Option<Scope>,
    /// Who asked for it.
    pub client_id: Option<String>,
    /// Who it speaks for, for people.
    pub username: Option<String>,
    /// As RFC 6749 §5.1.
    pub token_type: Option<String>,
    /// Its end.
    pub exp: Option<Duration>,
    /// Its beginning.
    pub iat: Option<Duration>,
    /// Not to be used before.
    pub nbf: Option<Duration>,
    /// Who it speaks for, for machines.
    pub sub: Option<String>,
    /// Who it is meant for: one, or several.
    pub aud: Vec<String>,
    /// Who issued it.
    pub iss: Option<String>,
    /// Its own identifier.
    pub jti: Option<String>,
    /// Every other member, as JSON.
    pub extra: ExtraParameters,
}

const KNOWN: &[&[&str]] = &[
    &["active"],
    &["scope"],
    &["client_id"],
    &["username"],
    &["token_type"],
    &["exp"],
    &["iat"],
    &["nbf"],
    &["sub"],
    &["aud"],
    &["iss"],
    &["jti"],
];

impl IntrospectionRequest {
    /// RFC 7662 §2.1: the caller must be authorised, so a client without secret is refused here.
    pub fn new(
        client: ClientAuthentication,
        introspection_endpoint: EndpointUrl,
        token: Secret,
        hint: TokenTypeHint,
    ) -> Result<Self, InvalidClient> {
        if !client.is_confidential() {
            return Err(InvalidClient::NotConfidential);
        }
        Ok(Self { client, introspection_endpoint, token, hint })
    }

    /// RFC 7662 §2.1.
    pub fn request(&self) -> HttpRequest {
        let parameters = [("token", self.token.expose()), ("token_type_hint", self.hint.as_str())];
        self.client.post(Step::Token, &self.introspection_endpoint, &parameters)
    }

    /// RFC 7662 §2.2.
    pub fn process_response(&self, response: &HttpResponse) -> Result<IntrospectionResponse, Error> {
        let status = response.status();
        match (status, Body::of(response)) {
            (408 | 425 | 429 | 500..=599, _) => Err(unavailable(response)),
            (300..=399, _) => Err(Error::Redirected(redirect(response, Some(&self.introspection_endpoint)))),
            (200..=299, Body::OAuth(parameters) | Body::OtherObject(parameters))
                if parameters.has(&["active"]) =>
            {
                IntrospectionResponse::from_parameters(&parameters)
            }
            (_, Body::OAuth(parameters)) => {
                let missing = Error::InvalidResponse(InvalidResponse::MissingParameter("active"));
                Err(ErrorResponse::from_parameters(&parameters).map_or(missing, Error::Refused))
            }
            (200..=299, Body::OtherObject(_)) => {
                Err(Error::InvalidResponse(InvalidResponse::MissingParameter("active")))
            }
            (200..=299, Body::Unusable) => Err(Error::InvalidResponse(InvalidResponse::NoParameters)),
            _ => Err(Error::InvalidResponse(InvalidResponse::UnexpectedStatus(status))),
        }
    }
}

impl IntrospectionResponse {
    fn from_parameters(parameters: &Parameters) -> Result<Self, Error> {
        let Some(active) = parameters.flag(&["active"]) else {
            return Err(Error::InvalidResponse(InvalidResponse::MissingParameter("active")));
        };
        let text = |name| parameters.text(&[name]);
        let time = |name| match parameters.number(&[name])? {
            Number::AtLeastZero(value) => Some(value.rounded_down(Duration::MAX)),
            Number::Negative | Number::Garbage => None,
        };
        Ok(Self {
            active,
            scope: text("scope").as_deref().map(Scope::parse),
            client_id: text("client_id"),
            username: text("username"),
            token_type: text("token_type"),
            exp: time("exp"),
            iat: time("iat"),
            nbf: time("nbf"),
            sub: text("sub"),
            aud: match text("aud") {
                Some(one) => alloc::vec![one],
                None => parameters.texts(&["aud"]).unwrap_or_default(),
            },
            iss: text("iss"),
            jti: text("jti"),
            extra: parameters.extra(KNOWN),
        })
    }
}
