//! Whether a server answers, for containers that have no other program to ask it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{self, ClientConfig, ClientConnection, DigitallySignedStruct, StreamOwned, crypto};

/// A server on this machine that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the server says to plain HTTP where it speaks TLS.
const SPEAKS_TLS: &str = "this port speaks TLS";

/// Asks the server on `port` of 127.0.0.1, or on the port in the file, for its metadata.
pub(crate) fn check(port: u16, port_file: Option<&Path>) -> io::Result<()> {
    let port = match (port, port_file) {
        (0, Some(file)) => read_port(file)?,
        (0, None) => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "healthcheck needs --port or --port-file",
            ));
        }
        (port, _) => port,
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let unhealthy =
        |error: io::Error| io::Error::new(error.kind(), format!("{address} does not answer: {error}"));
    let status = status_of_metadata(address).map_err(unhealthy)?;
    if status.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(io::Error::other(format!("{address} answers, but not as this server does: {status:?}")))
}

fn read_port(file: &Path) -> io::Result<u16> {
    let explain = |error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("no port in {}: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| explain(&error))?;
    text.trim().parse().map_err(|error| explain(&error))
}

/// The beginning of the answer, at most its status line; over TLS where plain HTTP is told to use it.
fn status_of_metadata(address: SocketAddr) -> io::Result<String> {
    let plain = ask(connect(address)?, address)?;
    if !plain.contains(SPEAKS_TLS) {
        return Ok(status_line(&plain));
    }
    let server_name = ServerName::from(address.ip());
    let connection =
        ClientConnection::new(Arc::new(whoever_answers()?), server_name).map_err(io::Error::other)?;
    ask(StreamOwned::new(connection, connect(address)?), address).map(|answer| status_line(&answer))
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn ask(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<String> {
    let request = format!(
        "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut beginning = Vec::new();
    stream.take(1024).read_to_end(&mut beginning)?;
    Ok(String::from_utf8_lossy(&beginning).into_owned())
}

fn status_line(answer: &str) -> String {
    answer.lines().next().unwrap_or_default().to_owned()
}

/// Trusts every certificate: the question is whether the server on this machine answers, and no secret is sent.
fn whoever_answers() -> io::Result<ClientConfig> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let config = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let verifier = Arc::new(Whoever(provider));
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[derive(Debug)]
struct Whoever(Arc<crypto::CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
