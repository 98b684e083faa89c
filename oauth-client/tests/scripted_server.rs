//! A server of raw bytes: what mockito cannot do wrong, this can.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does on one connection, step by step; after the last it closes.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    ReadRequest,
    Write(&'static str),
    /// Closes with RST in place of FIN.
    Reset,
    /// Keeps the connection open and says nothing.
    Hold,
}

pub(crate) struct ScriptedServer {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
}

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl ScriptedServer {
    /// Serves the first connection by the first script, and so on; the last script serves all further ones.
    pub(crate) async fn start(scripts: &[&[Step]]) -> Self {
        let scripts: Vec<Vec<Step>> = scripts.iter().map(|script| script.to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (seen, count) = (Arc::clone(&requests), Arc::clone(&connections));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = {
                    let mut count = count.lock().unwrap();
                    *count += 1;
                    *count
                };
                let script = scripts[number.min(scripts.len()) - 1].clone();
                tokio::spawn(serve(stream, script, Arc::clone(&seen)));
            }
        });
        Self { port, requests, connections }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Request {
    /// Header names in order, as they stand on the wire.
    pub(crate) fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands there twice");
        value
    }

    async fn read_from(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse::<usize>().unwrap());
        while bytes.len() < head_end + length {
            stream.read_buf(&mut bytes).await.ok()?;
        }
        let body = String::from_utf8(bytes[head_end..].to_vec()).unwrap();
        Some(Self { line, headers, body })
    }
}

async fn serve(mut stream: TcpStream, script: Vec<Step>, requests: Arc<Mutex<Vec<Request>>>) {
    for step in script {
        match step {
            Step::ReadRequest => match Request::read_from(&mut stream).await {
                Some(request) => requests.lock().unwrap().push(request),
                None => return,
            },
            Step::Write(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
            Step::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Step::Hold => std::future::pending().await,
        }
    }
}
