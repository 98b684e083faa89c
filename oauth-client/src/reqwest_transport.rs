//! [`HttpTransport`] over reqwest and rustls.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oauth_protocol::{HttpRequest, HttpResponse, Method, TransportFailure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::clock::BoxFuture;
use crate::http_transport::{HttpTransport, TransportError};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP client that comes with the package.
pub(crate) struct ReqwestTransport {
    user_agent: String,
    extra_roots: Vec<CertificateDer<'static>>,
    /// Without root certificates, so that loopback works where there are none.
    http: OnceLock<reqwest::Client>,
    https: OnceLock<reqwest::Client>,
}

/// The text is no PEM file with certificates in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoCertificates;

impl ReqwestTransport {
    pub(crate) fn new(user_agent: String, extra_roots_pem: &[Vec<u8>]) -> Result<Self, NoCertificates> {
        let mut extra_roots = Vec::new();
        for pem in extra_roots_pem {
            let before = extra_roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                extra_roots.push(certificate.map_err(|_| NoCertificates)?);
            }
            if extra_roots.len() == before {
                return Err(NoCertificates);
            }
        }
        Ok(Self { user_agent, extra_roots, http: OnceLock::new(), https: OnceLock::new() })
    }

    fn client_for(&self, is_https: bool) -> Result<&reqwest::Client, TransportError> {
        let cell = if is_https { &self.https } else { &self.http };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let roots = if is_https { self.root_certificates()? } else { rustls::RootCertStore::empty() };
        let client = self.client_with(roots)?;
        Ok(cell.get_or_init(|| client))
    }

    /// Built at the first https request: a login over loopback needs no certificates.
    fn root_certificates(&self) -> Result<rustls::RootCertStore, TransportError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(self.extra_roots.iter().cloned());
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            return Err(TransportError::with_detail(
                TransportFailure::Tls,
                "no root certificates on this machine: install the package ca-certificates, \
                 or give a PEM file of the authority that signed the server's certificate",
            ));
        }
        Ok(roots)
    }

    fn client_with(&self, roots: rustls::RootCertStore) -> Result<reqwest::Client, TransportError> {
        // Never the process's default provider: an application may have chosen another one, or none.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::with_detail(TransportFailure::Tls, error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .http1_only()
            .referer(false)
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| transport_error(&error))
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let client = self.client_for(request.url().is_https())?;
        let url = url::Url::parse(request.url().as_str())
            .map_err(|error| TransportError::with_detail(TransportFailure::Connect, error.to_string()))?;
        let method = match request.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut outgoing = client.request(method, url).timeout(request.timeout());
        for (name, value) in request.headers() {
            let mut value = reqwest::header::HeaderValue::from_str(value).map_err(|_| {
                TransportError::with_detail(TransportFailure::NotHttp, "a header value is no HTTP")
            })?;
            value.set_sensitive(name == "authorization");
            outgoing = outgoing.header(name, value);
        }
        if request.method() == Method::Post {
            outgoing = outgoing.body(request.body().to_owned());
        }
        let mut response = outgoing.send().await.map_err(|error| transport_error(&error))?;
        let status = response.status().as_u16();
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| transport_error(&error))? {
            if body.len() + chunk.len() > request.max_body_bytes() {
                return Err(TransportError::new(TransportFailure::BodyTooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse::new(status, headers, body))
    }
}

impl HttpTransport for ReqwestTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let result = self.exchange(&request).await;
            match &result {
                Ok(response) => tracing::debug!(url = ?request.url(), status = response.status(), "answered"),
                Err(error) => tracing::debug!(url = ?request.url(), %error, "no answer"),
            }
            result
        })
    }
}

/// Sorts an error by its innermost cause, and keeps that cause's words: reqwest's own hold the URL.
fn transport_error(error: &reqwest::Error) -> TransportError {
    let mut failure = if error.is_timeout() {
        TransportFailure::Timeout
    } else if error.is_connect() {
        TransportFailure::Connect
    } else {
        TransportFailure::Closed
    };
    let mut innermost: &dyn StdError = error;
    while let Some(source) = innermost.source() {
        innermost = source;
        let kind = innermost.downcast_ref::<io::Error>().map(io::Error::kind);
        let in_io = innermost.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if innermost.is::<rustls::Error>()
            || in_io.is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
        {
            failure = TransportFailure::Tls;
        } else if innermost.to_string().starts_with("dns error") {
            failure = TransportFailure::Dns;
        } else if matches!(kind, Some(io::ErrorKind::TimedOut)) {
            failure = TransportFailure::Timeout;
        } else if innermost.to_string().starts_with("invalid HTTP") {
            failure = TransportFailure::NotHttp;
        }
    }
    if innermost.source().is_none() && innermost.is::<reqwest::Error>() {
        return TransportError::new(failure);
    }
    TransportError::with_detail(failure, innermost.to_string())
}
