//! TLS in front of the same server: who it says it is, handshakes, and what comes to the port without one.

use std::collections::HashMap;
use std::error::Error;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use hyper::Uri;
use hyper::http::uri::Authority as HttpAuthority;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};
use tokio_rustls::server::TlsStream;

use crate::certificates::{Authority, Identity};
use crate::clock::RealClock;
use crate::settings::Settings;
use crate::tls_faults::TlsFault;

/// How a server proves who it is.
#[derive(Clone)]
pub struct Tls(Source);

#[derive(Clone)]
enum Source {
    Generated,
    Pem { certificates: Vec<u8>, key: Vec<u8> },
}

impl Tls {
    /// With a certificate made at the start, for localhost, 127.0.0.1, `[::1]`, the issuer's host and those that are
    /// allowed; clients trust [`ca_certificate_pem`](crate::MockServer::ca_certificate_pem).
    #[must_use]
    pub const fn generated() -> Self {
        Self(Source::Generated)
    }

    /// With a certificate of your own, then those between it and the root, and its private key: both as PEM.
    pub fn from_pem(certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self(Source::Pem { certificates: certificates.into(), key: key.into() })
    }
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Source::Generated => "Tls::generated()",
            Source::Pem { .. } => "Tls::from_pem(..)",
        })
    }
}

/// What was made so far, by fault and by the address that a client came to.
type Made = HashMap<(Option<TlsFault>, IpAddr), Arc<ServerConfig>>;

/// Makes the handshakes of one server.
pub(crate) struct Handshakes {
    /// Signs what the server shows; with a certificate of one's own, only what is to be refused.
    authority: Authority,
    own: Option<Arc<ServerConfig>>,
    names: Vec<String>,
    clock: RealClock,
    /// Made when first needed: a sound one for each address of this machine, and those with a fault.
    made: Mutex<Made>,
}

impl Handshakes {
    pub(crate) fn new(tls: &Tls, settings: &Settings, clock: RealClock) -> io::Result<Self> {
        let authority = Authority::new(clock.now()).map_err(io::Error::other)?;
        let own = match &tls.0 {
            Source::Generated => None,
            Source::Pem { certificates, key } => {
                let unfit = |error: Box<dyn Error + Send + Sync>| {
                    io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("the TLS certificate and its key cannot be used: {error}"),
                    )
                };
                Some(read_pem(certificates, key).and_then(config).map_err(unfit)?)
            }
        };
        Ok(Self { authority, own, names: names(settings), clock, made: Mutex::default() })
    }

    /// The certificate of the authority that signs what the server shows; `None` with a certificate of one's own.
    pub(crate) fn ca_certificate_pem(&self) -> Option<String> {
        self.own.is_none().then(|| self.authority.pem())
    }

    /// Ends the client's handshake, so or so.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        local: IpAddr,
        fault: Option<TlsFault>,
    ) -> io::Result<TlsStream<S>> {
        if fault == Some(TlsFault::CutOff) {
            // Whatever of the first message is there has been read when the connection ends: FIN, not RST.
            let _ = stream.read(&mut [0; 4096]).await?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let config = match &self.own {
            Some(own) if fault.is_none() => Arc::clone(own),
            _ => self.made(fault, local).map_err(io::Error::other)?,
        };
        TlsAcceptor::from(config).accept(stream).await
    }

    fn made(
        &self,
        fault: Option<TlsFault>,
        local: IpAddr,
    ) -> Result<Arc<ServerConfig>, Box<dyn Error + Send + Sync>> {
        let local = if local.is_loopback() { IpAddr::from([127, 0, 0, 1]) } else { local };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(&(fault, local)) {
            return Ok(Arc::clone(config));
        }
        let mut names = self.names.clone();
        if !local.is_loopback() {
            names.push(local.to_string());
        }
        let now = self.clock.now();
        let config = config(match fault {
            Some(TlsFault::UnknownAuthority) => Authority::new(now)?.identity(now, &names, None)?,
            fault => self.authority.identity(now, &names, fault)?,
        })?;
        made.insert((fault, local), Arc::clone(&config));
        Ok(config)
    }
}

/// What clients may call this server.
fn names(settings: &Settings) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let issuer = settings.issuer.as_ref().and_then(|issuer| issuer.parse::<Uri>().ok());
    let allowed = settings.allowed_hosts.iter().filter_map(|host| host.parse::<HttpAuthority>().ok());
    for host in issuer
        .as_ref()
        .and_then(Uri::host)
        .map(str::to_owned)
        .into_iter()
        .chain(allowed.map(|host| host.host().to_owned()))
    {
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn read_pem(certificates: &[u8], key: &[u8]) -> Result<Identity, Box<dyn Error + Send + Sync>> {
    let certificates = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        return Err("there is no BEGIN CERTIFICATE block in the certificate file".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        format!("no private key in the key file (PKCS#8, PKCS#1 or SEC 1 as PEM): {error}")
    })?;
    Ok((certificates, key))
}

/// Each certificate has sessions of its own: none can be resumed under another.
fn config((certificates, key): Identity) -> Result<Arc<ServerConfig>, Box<dyn Error + Send + Sync>> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
