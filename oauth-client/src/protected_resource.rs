//! Calls with a token, to the origins it is meant for.

use std::sync::Arc;

use oauth_protocol::{EndpointUrl, HttpResponse, Secret};

use crate::client::{Client, Shared};
use crate::endpoints::checked_url;
use crate::error::{Error, UrlError};

impl Client {
    /// The value of the `Authorization` header for `access_token`: `Bearer TOKEN`, or as the preset says. For
    /// an HTTP client of the caller's own, who sees to it where it goes.
    pub fn authorization_header(&self, access_token: &Secret) -> Secret {
        self.shared.provider.authorization_scheme.authorization(access_token)
    }

    /// Gets a protected resource with `access_token` in the `Authorization` header, as `Bearer TOKEN` (RFC
    /// 6750 §2.1) or as the preset says.
    ///
    /// The token goes only to origins that the preset or [`ClientBuilder::resource_origin`] named; every
    /// HTTP status is an answer.
    ///
    /// [`ClientBuilder::resource_origin`]: crate::ClientBuilder::resource_origin
    pub fn get_resource(
        &self,
        url: &str,
        access_token: &Secret,
    ) -> impl Future<Output = Result<HttpResponse, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let (url, access_token) = (checked_url(&shared.endpoint_policy, url), access_token.clone());
        async move {
            let url = url?;
            shared.check_resource(&url)?;
            let request = shared.provider.authorization_scheme.get(&url, &access_token);
            Ok(shared.send(request).await?)
        }
    }
}

impl Shared {
    /// Whether a token may be sent to `url`.
    pub(crate) fn check_resource(&self, url: &EndpointUrl) -> Result<(), Error> {
        if self.provider.resource_origins.iter().any(|named| self.is_origin_of(named, url)) {
            return Ok(());
        }
        Err(Error::Url(UrlError::ForeignOrigin { origin: url.origin().to_owned() }))
    }

    /// Whether `url` lies at the origin of the URL `named`.
    pub(crate) fn is_origin_of(&self, named: &str, url: &EndpointUrl) -> bool {
        self.endpoint_policy.endpoint(named).is_ok_and(|named| same_origin(&named, url))
    }
}

fn same_origin(one: &EndpointUrl, other: &EndpointUrl) -> bool {
    one.is_https() == other.is_https()
        && one.port() == other.port()
        && one.host().eq_ignore_ascii_case(other.host())
}
