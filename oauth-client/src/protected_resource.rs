//! Calls with a token, to the origins it is meant for.

use std::sync::Arc;

use oauth_protocol::{EndpointUrl, HttpResponse, Secret};

use crate::client::Client;
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
        let (url, access_token) = (shared.checked_url(url), access_token.clone());
        async move {
            let url = url?;
            let policy = &shared.endpoint_policy;
            let is_named =
                |origin: &String| policy.endpoint(origin).is_ok_and(|origin| same_origin(&origin, &url));
            if !shared.provider.resource_origins.iter().any(is_named) {
                return Err(Error::Url(UrlError::ForeignOrigin { origin: url.origin().to_owned() }));
            }
            let request = shared.provider.authorization_scheme.get(&url, &access_token);
            Ok(shared.send(request).await?)
        }
    }
}

fn same_origin(one: &EndpointUrl, other: &EndpointUrl) -> bool {
    one.is_https() == other.is_https()
        && one.port() == other.port()
        && one.host().eq_ignore_ascii_case(other.host())
}
