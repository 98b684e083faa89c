//! Whether the server is there, asked without any credential: for whoever looks for what is broken.

use std::sync::Arc;
use std::time::Duration;

use oauth_protocol::{EndpointUrl, HttpRequest};
use oauth_token_store::UnixTime;

use crate::client::Client;
use crate::endpoints::Endpoint;
use crate::error::Error;

/// An answer to a request that asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contact {
    /// Where the request went.
    pub url: EndpointUrl,
    /// The status. Most endpoints take a `POST` alone and refuse this: 400, 404 and 405 are good signs.
    pub status: u16,
    /// The server's clock, by the answer's `Date` (RFC 9110 §6.6.1).
    pub date: Option<UnixTime>,
    /// This machine's clock when the answer came.
    pub received_at: UnixTime,
    /// From the request to the answer.
    pub elapsed: Duration,
}

impl Client {
    /// Where an endpoint is: given by hand, by preset or by metadata, which is asked for once.
    pub fn endpoint(
        &self,
        endpoint: Endpoint,
    ) -> impl Future<Output = Result<EndpointUrl, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move { shared.endpoint(endpoint).await }
    }

    /// Whether anybody answers at [that endpoint](Self::endpoint): a `GET` without a credential, which changes nothing
    /// there. Every HTTP status is an answer.
    pub fn contact(
        &self,
        endpoint: Endpoint,
    ) -> impl Future<Output = Result<Contact, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            let url = shared.endpoint(endpoint).await?;
            let sent_at = shared.clock.now();
            let response = shared.send(HttpRequest::get(&url)).await?;
            Ok(Contact {
                url,
                status: response.status(),
                date: response.date().map(|date| UnixTime::from_seconds(date.as_secs())),
                received_at: shared.clock.unix_time(),
                elapsed: shared.clock.now().saturating_duration_since(sent_at),
            })
        }
    }

    /// How many certificate authorities https requests trust: those of the system and those that were given. An error
    /// where there are none, and where the client has another transport than the built-in one.
    #[cfg(feature = "reqwest")]
    pub fn count_root_certificates(&self) -> Result<usize, Error> {
        match &self.shared.transport {
            crate::http_transport::Transport::BuiltIn(transport) => Ok(transport.root_certificates()?.len()),
            crate::http_transport::Transport::Own(_) => {
                Err(crate::error::ConfigurationError::NotTheBuiltInTransport.into())
            }
        }
    }
}
