//! One request, one connection, one answer as it came: no redirect is followed, nothing is tried again.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::form::encode;

/// A server that thinks longer than that is not thinking.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bigger than any page or document that is asked for.
const MAX_BODY: usize = 1 << 20;
/// A probe is no load test.
const CONNECTIONS_AT_ONCE: usize = 8;

/// Sends requests over HTTP/1.1, with TLS where the URL says so.
pub(super) struct HttpClient {
    tls: OnceLock<TlsConnector>,
    extra_roots: Vec<CertificateDer<'static>>,
    connections: Semaphore,
}

/// Why no answer came.
#[derive(Debug)]
pub(super) struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl HttpClient {
    /// A client that trusts the certificate authorities of this machine, and those in a PEM file.
    pub(super) fn new(extra_roots: Option<&[u8]>) -> Result<Self, String> {
        let pem = extra_roots.unwrap_or_default();
        let extra_roots = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("no certificates in PEM: {error}"))?;
        Ok(Self { tls: OnceLock::new(), extra_roots, connections: Semaphore::new(CONNECTIONS_AT_ONCE) })
    }

    /// Sends a request; an answer is an answer whatever its status.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, NoAnswer> {
        let _permit = self.connections.acquire().await;
        let place = format!("{} {}", request.method, without_query(&request.url));
        let explain = |cause: String| NoAnswer(format!("{place} had no answer: {cause}"));
        match timeout(PATIENCE, self.exchange(request)).await {
            Ok(answer) => answer.map_err(explain),
            Err(_) => Err(explain(format!("none within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn exchange(&self, request: Request) -> Result<Answer, String> {
        let uri: Uri = request.url.parse().map_err(|_| "its URL cannot be read".to_owned())?;
        let host = uri.host().ok_or("its URL names no host")?;
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let bare_host = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare_host, port)).await.map_err(|error| error.to_string())?;
        if !is_https {
            return request.over(stream, &uri).await;
        }
        let name = ServerName::try_from(bare_host.to_owned()).map_err(|error| error.to_string())?;
        let stream = self.tls()?.connect(name, stream).await.map_err(|error| error.to_string())?;
        request.over(stream, &uri).await
    }

    fn tls(&self) -> Result<&TlsConnector, String> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.extra_roots.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let configuration = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(configuration))))
    }
}

/// A request to be sent.
#[derive(Clone)]
pub(super) struct Request {
    method: Method,
    url: String,
    headers: Vec<(hyper::header::HeaderName, String)>,
    body: String,
}

impl Request {
    /// A GET.
    pub(super) fn get(url: &str) -> Self {
        Self { method: Method::GET, url: url.to_owned(), headers: Vec::new(), body: String::new() }
    }

    /// A POST of a form.
    pub(super) fn post(url: &str, parameters: &[(&str, &str)]) -> Self {
        Self { method: Method::POST, body: encode(parameters), ..Self::get(url) }
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    /// A POST of JSON.
    pub(super) fn post_json(url: &str, body: &Value) -> Self {
        Self { method: Method::POST, body: body.to_string(), ..Self::get(url) }
            .header(CONTENT_TYPE, "application/json")
    }

    /// The same with another method.
    pub(super) fn with_method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The same body under another name.
    pub(super) fn with_content_type(mut self, media_type: &str) -> Self {
        self.headers.retain(|(name, _)| *name != CONTENT_TYPE);
        self.header(CONTENT_TYPE, media_type)
    }

    /// The same with one more header.
    pub(super) fn header(mut self, name: hyper::header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with `Authorization: SCHEME` and these two halves as they stand (RFC 7617).
    pub(super) fn basic(self, scheme: &str, id: &str, secret: &str) -> Self {
        let credentials = STANDARD.encode(format!("{id}:{secret}"));
        self.header(AUTHORIZATION, format!("{scheme} {credentials}"))
    }

    /// The same with an access token in its header (RFC 6750 section 2.1).
    pub(super) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {token}"))
    }

    async fn over<S>(self, stream: S, uri: &Uri) -> Result<Answer, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = hyper::Request::builder()
            .method(self.method)
            .uri(target)
            .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
            .header(USER_AGENT, concat!("mock-server-probe/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body))).map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| error.to_string())?;
        connection.abort();
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// What came back.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// The value of a header, all of its lines.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// The media type, in lower case and without its parameters.
    pub(super) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A member of the JSON body that is a string.
    pub(super) fn text(&self, member: &str) -> Option<String> {
        self.json()[member].as_str().map(str::to_owned)
    }

    /// Whether it may be kept by no cache.
    pub(super) fn is_not_stored(&self) -> bool {
        self.header("cache-control").is_some_and(|value| value.to_ascii_lowercase().contains("no-store"))
    }

    /// Whether it sends a browser elsewhere.
    pub(super) fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308) && self.header("location").is_some()
    }

    /// What came, in few words: never the body itself, which may hold secrets.
    pub(super) fn in_words(&self) -> String {
        let mut words = self.status.to_string();
        if let Some(error) = self.text("error") {
            words = format!("{words} {error}");
        } else if !self.media_type().is_empty() {
            words = format!("{words} {}", self.media_type());
        }
        words
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}
