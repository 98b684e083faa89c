//! Whether a server answers, for containers that have no other program to ask it.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// A server on this machine that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// The beginning of the answer, at most its status line.
fn status_of_metadata(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut beginning = Vec::new();
    stream.take(64).read_to_end(&mut beginning)?;
    let text = String::from_utf8_lossy(&beginning);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
