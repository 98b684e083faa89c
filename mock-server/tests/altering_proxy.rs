//! A server that is wrong in one way: a proxy in front of the right one that alters its answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What is altered in answers to requests whose path begins so.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alteration {
    /// A header is left out.
    Drop(&'static str, &'static str),
    /// A text is replaced wherever it stands, in headers too.
    Body(&'static str, &'static str, &'static str),
    /// A status becomes another.
    Status(&'static str, u16, u16),
}

/// Takes one request a connection, as the probe sends them.
pub(crate) struct AlteringProxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    upstream: u16,
    alterations: &'static [Alteration],
}

impl AlteringProxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (upstream, alterations) = {
                    let state = shared.lock().unwrap();
                    (state.upstream, state.alterations)
                };
                // A side that went away needs no answer.
                thread::spawn(move || pass_on(stream, upstream, alterations).ok());
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn lead_to(&self, port: u16) {
        self.state.lock().unwrap().upstream = port;
    }

    pub(crate) fn alter(&self, alterations: &'static [Alteration]) {
        self.state.lock().unwrap().alterations = alterations;
    }
}

fn pass_on(mut client: TcpStream, upstream: u16, alterations: &[Alteration]) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&request) {
        match client.read(&mut chunk)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&chunk[..length]),
        }
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream))?;
    server.write_all(&request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let target = String::from_utf8_lossy(&request).split(' ').nth(1).unwrap_or_default().to_owned();
    client.write_all(altered(&target, &String::from_utf8_lossy(&answer), alterations).as_bytes())
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn altered(target: &str, answer: &str, alterations: &[Alteration]) -> String {
    let mut answer = answer.to_owned();
    for alteration in alterations {
        match alteration {
            Alteration::Drop(path, header) if concerns(path, target) => {
                let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                let dropped = |line: &&str| !line.to_ascii_lowercase().starts_with(&format!("{header}:"));
                let head: Vec<_> = head.split("\r\n").filter(dropped).collect();
                answer = format!("{}\r\n\r\n{body}", head.join("\r\n"));
            }
            Alteration::Body(path, from, to) if concerns(path, target) => answer = answer.replace(from, to),
            Alteration::Status(path, from, to) if concerns(path, target) => {
                let (from, to) = (format!("HTTP/1.1 {from} "), format!("HTTP/1.1 {to} "));
                answer = answer.replacen(&from, &to, 1);
            }
            _ => {}
        }
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    format!("{}\r\ncontent-length: {}\r\n\r\n{body}", head.collect::<Vec<_>>().join("\r\n"), body.len())
}

/// The whole path, or its beginning where it ends with a slash; nothing concerns every request.
fn concerns(path: &str, target: &str) -> bool {
    let target = target.split('?').next().unwrap_or_default();
    path.is_empty() || target == path || (path.ends_with('/') && target.starts_with(path))
}
