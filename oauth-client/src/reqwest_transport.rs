//! [`HttpTransport`] over reqwest and rustls.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oauth_protocol::{HttpRequest, HttpResponse, Method, Secret, TransportFailure};
use reqwest::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::clock::BoxFuture;
use crate::error::ConfigurationError;
use crate::http_transport::{HttpTransport, Obstacle, TransportError};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Shorter than the shortest keep-alive time of servers (Node: 5 s),
/// so that a poll or a refresh is not sent into a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Never sent to a proxy: it would see the tokens of plain http, and this machine is not behind it.
const LOOPBACK: &str = "localhost, 127.0.0.0/8, ::1";

/// What hyper-util says of a proxy that answers `CONNECT` with 407, and of one that does with anything else but 200.
const TUNNEL_WANTS_CREDENTIALS: &str = "tunnel error: proxy authorization required";
const TUNNEL_REFUSED: &str = "tunnel error: unsuccessful";

/// The HTTP client that comes with the package.
pub(crate) struct ReqwestTransport {
    user_agent: HeaderValue,
    extra_roots: Vec<CertificateDer<'static>>,
    proxy: Option<reqwest::Proxy>,
    /// Without root certificates, so that loopback works where there are none.
    http: OnceLock<reqwest::Client>,
    https: OnceLock<reqwest::Client>,
}

impl ReqwestTransport {
    pub(crate) fn new(
        user_agent: &str,
        extra_roots_pem: &[Vec<u8>],
        proxy: Option<&Secret>,
    ) -> Result<Self, ConfigurationError> {
        let mut extra_roots = Vec::new();
        for pem in extra_roots_pem {
            let before = extra_roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| ConfigurationError::NoCertificates)?;
                rustls::RootCertStore::empty()
                    .add(certificate.clone())
                    .map_err(|_| ConfigurationError::NoCertificates)?;
                extra_roots.push(certificate);
            }
            if extra_roots.len() == before {
                return Err(ConfigurationError::NoCertificates);
            }
        }
        Ok(Self {
            user_agent: HeaderValue::from_str(user_agent).map_err(|_| ConfigurationError::UserAgent)?,
            extra_roots,
            proxy: proxy.map(proxy_at).transpose()?,
            http: OnceLock::new(),
            https: OnceLock::new(),
        })
    }

    fn client_for(&self, is_https: bool) -> Result<&reqwest::Client, TransportError> {
        let cell = if is_https { &self.https } else { &self.http };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let builder = self.builder(is_https)?.redirect(reqwest::redirect::Policy::none());
        let client = builder.build().map_err(|error| transport_error(&error))?;
        Ok(cell.get_or_init(|| client))
    }

    /// A client that trusts, is named and goes through a proxy as this transport's are; without root
    /// certificates unless it is to speak https.
    pub(crate) fn builder(&self, is_https: bool) -> Result<reqwest::ClientBuilder, TransportError> {
        let roots = if is_https { self.root_certificates()? } else { rustls::RootCertStore::empty() };
        self.builder_with(roots)
    }

    /// Built at the first https request: a login over loopback needs no certificates.
    pub(crate) fn root_certificates(&self) -> Result<rustls::RootCertStore, TransportError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(self.extra_roots.iter().cloned());
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if !roots.is_empty() {
            return Ok(roots);
        }
        let cause = native.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        let detail = format!(
            "no root certificates on this machine{cause}; install the package ca-certificates, set SSL_CERT_FILE, \
             or give a PEM file with the certificate of the server's authority"
        );
        Err(TransportError::with_detail(TransportFailure::Tls, detail)
            .with_obstacle(Obstacle::NoRootCertificates))
    }

    fn builder_with(&self, roots: rustls::RootCertStore) -> Result<reqwest::ClientBuilder, TransportError> {
        // Never the process's default provider: an application may have chosen another one, or none.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::with_detail(TransportFailure::Tls, error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut builder = reqwest::Client::builder()
            .user_agent(self.user_agent.clone())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_only()
            .referer(false)
            // Reads no environment: the application names its proxy.
            .no_proxy()
            .tls_backend_preconfigured(tls);
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        Ok(builder)
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let client = self.client_for(request.url().is_https())?;
        let method = match request.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut outgoing =
            client.request(method, unchanged(request.url().as_str())?).timeout(request.timeout());
        for (name, value) in request.headers() {
            let mut value = HeaderValue::from_str(value).map_err(|_| {
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
        if status == 407 && self.proxy.is_some() {
            // To a request that is not tunnelled the proxy answers in the server's place.
            return Err(proxy_wants_credentials());
        }
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

fn proxy_at(url: &Secret) -> Result<reqwest::Proxy, ConfigurationError> {
    let url = url::Url::parse(url.expose()).map_err(|_| ConfigurationError::Proxy)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConfigurationError::Proxy);
    }
    let proxy = reqwest::Proxy::all(url).map_err(|_| ConfigurationError::Proxy)?;
    Ok(proxy.no_proxy(reqwest::NoProxy::from_string(LOOPBACK)))
}

/// The last place where a URL could change on its way.
fn unchanged(text: &str) -> Result<url::Url, TransportError> {
    match url::Url::parse(text) {
        Ok(url) if url.as_str() == text => Ok(url),
        _ => Err(TransportError::with_detail(TransportFailure::Connect, "the URL is not in its normal form")),
    }
}

/// Sorts an error by its causes and keeps the innermost one's words: reqwest's own hold the URL.
pub(crate) fn transport_error(error: &reqwest::Error) -> TransportError {
    let mut failure = if error.is_connect() {
        TransportFailure::Connect
    } else if error.is_timeout() {
        TransportFailure::Timeout
    } else {
        TransportFailure::Closed
    };
    let mut advice = "";
    let mut obstacle = None;
    let mut innermost: &(dyn StdError + 'static) = error;
    while let Some(cause) = cause_of(innermost) {
        innermost = cause;
        let kind = innermost.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(tls) = innermost.downcast_ref::<rustls::Error>() {
            failure = TransportFailure::Tls;
            (obstacle, advice) = obstacle_in(tls);
        } else if innermost.to_string() == "dns error" {
            failure = TransportFailure::Dns;
        } else if innermost.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            failure = TransportFailure::NotHttp;
        } else if !error.is_connect()
            && matches!(kind, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput))
        {
            // A chunk size that is none.
            failure = TransportFailure::NotHttp;
        }
    }
    match innermost.to_string().as_str() {
        TUNNEL_WANTS_CREDENTIALS => return proxy_wants_credentials(),
        TUNNEL_REFUSED => {
            return TransportError::with_detail(failure, "the proxy makes no tunnel to it")
                .with_obstacle(Obstacle::ProxyRefused);
        }
        _ => {}
    }
    // reqwest's own words hold the URL.
    if innermost.is::<reqwest::Error>() {
        return TransportError::new(failure);
    }
    let sought = match (failure, error.url().and_then(url::Url::host_str)) {
        // Not of which name: it may be the proxy's.
        (TransportFailure::Dns, Some(host)) => format!("on the way to {host}: "),
        _ => String::new(),
    };
    let error = TransportError::with_detail(failure, format!("{sought}{innermost}{advice}"));
    match obstacle {
        Some(obstacle) => error.with_obstacle(obstacle),
        None => error,
    }
}

fn proxy_wants_credentials() -> TransportError {
    TransportError::with_detail(TransportFailure::Connect, "the proxy wants a user name and a password")
        .with_obstacle(Obstacle::ProxyCredentials)
}

/// An `io::Error` leaves what it wraps out of `source`.
fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn obstacle_in(error: &rustls::Error) -> (Option<Obstacle>, &'static str) {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            (Some(Obstacle::UnknownAuthority), "; if the authority is your own, give its certificate as PEM")
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => (Some(Obstacle::OtherHostsCertificate), "; check the host name in the URL"),
        rustls::Error::InvalidCertificate(
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. },
        ) => (Some(Obstacle::CertificateNotValidNow), "; check this machine's clock"),
        rustls::Error::InvalidMessage(_) => (None, "; does this port speak TLS at all?"),
        _ => (None, ""),
    }
}
