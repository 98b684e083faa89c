//! A minimal HTTP client on a plain socket: it sends what it is told and shows what came back.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// Whether all of the body came that was announced.
    pub(crate) is_whole: bool,
}

impl RawAnswer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// Sends raw bytes and reads until the server closes the connection.
pub(crate) async fn exchange(port: u16, request: &str) -> std::io::Result<RawAnswer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes).expect("UTF-8");
    let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the answer was cut");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let announced = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let is_whole = announced.is_none_or(|length: usize| body.len() == length);
    let status = head.split(' ').nth(1).expect("a status line").parse().expect("a status");
    Ok(RawAnswer { status, head: head.to_owned(), body: body.to_owned(), is_whole })
}

pub(crate) async fn post(port: u16, path: &str, form: &str) -> std::io::Result<RawAnswer> {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    );
    exchange(port, &request).await
}

pub(crate) async fn get(port: u16, path: &str, headers: &str) -> std::io::Result<RawAnswer> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}\r\n");
    exchange(port, &request).await
}
