//! The endpoints of a server, by their names in RFC 8414 metadata.

use oauth_protocol::{AuthorizationServerMetadata, EndpointPolicy, EndpointUrl};

use crate::error::{Error, UrlError};

/// An endpoint by its name in RFC 8414 metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// RFC 6749 §3.1.
    Authorization,
    /// RFC 6749 §3.2.
    Token,
    /// RFC 8628 §3.1.
    DeviceAuthorization,
    /// RFC 7009.
    Revocation,
    /// RFC 7662.
    Introspection,
    /// OpenID Connect Core §5.3.
    Userinfo,
}

/// Endpoints by name, where they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) device_authorization: Option<String>,
    pub(crate) revocation: Option<String>,
    pub(crate) introspection: Option<String>,
    pub(crate) userinfo: Option<String>,
}

impl Endpoint {
    /// Its name in RFC 8414 metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization_endpoint",
            Self::Token => "token_endpoint",
            Self::DeviceAuthorization => "device_authorization_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Userinfo => "userinfo_endpoint",
        }
    }

    pub(crate) const fn of(self, endpoints: &Endpoints) -> Option<&String> {
        match self {
            Self::Authorization => endpoints.authorization.as_ref(),
            Self::Token => endpoints.token.as_ref(),
            Self::DeviceAuthorization => endpoints.device_authorization.as_ref(),
            Self::Revocation => endpoints.revocation.as_ref(),
            Self::Introspection => endpoints.introspection.as_ref(),
            Self::Userinfo => endpoints.userinfo.as_ref(),
        }
    }

    pub(crate) const fn in_metadata(self, metadata: &AuthorizationServerMetadata) -> Option<&String> {
        match self {
            Self::Authorization => metadata.authorization_endpoint.as_ref(),
            Self::Token => metadata.token_endpoint.as_ref(),
            Self::DeviceAuthorization => metadata.device_authorization_endpoint.as_ref(),
            Self::Revocation => metadata.revocation_endpoint.as_ref(),
            Self::Introspection => metadata.introspection_endpoint.as_ref(),
            Self::Userinfo => metadata.userinfo_endpoint.as_ref(),
        }
    }
}

impl Endpoints {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &String> {
        [
            &self.authorization,
            &self.token,
            &self.device_authorization,
            &self.revocation,
            &self.introspection,
            &self.userinfo,
        ]
        .into_iter()
        .flatten()
    }

    pub(crate) fn over(self, other: Self) -> Self {
        Self {
            authorization: self.authorization.or(other.authorization),
            token: self.token.or(other.token),
            device_authorization: self.device_authorization.or(other.device_authorization),
            revocation: self.revocation.or(other.revocation),
            introspection: self.introspection.or(other.introspection),
            userinfo: self.userinfo.or(other.userinfo),
        }
    }

    pub(crate) fn is_any_known(&self) -> bool {
        self.iter().next().is_some()
    }
}

/// Checks the scheme, and that nothing on the way would change the URL.
pub(crate) fn checked_url(policy: &EndpointPolicy, url: &str) -> Result<EndpointUrl, Error> {
    let checked = policy.endpoint(url)?;
    match url::Url::parse(url) {
        Ok(parsed) if parsed.as_str() == url => Ok(checked),
        Ok(parsed) => Err(Error::Url(UrlError::NotNormalized {
            given: url.to_owned(),
            normalized: parsed.as_str().to_owned(),
        })),
        Err(_) => Err(Error::Url(UrlError::InvalidHost { given: url.to_owned() })),
    }
}
