//! The loopback receiver of an authorization response (RFC 8252 §7.3).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Where the receiver listens, and so what the `redirect_uri` is.
///
/// By default `http://127.0.0.1:{any free port}/callback`: servers that know RFC 8252 accept any port.
#[derive(Clone, Debug)]
pub struct Loopback {
    host: LoopbackHost,
    port: u16,
    path: String,
}

#[derive(Clone, Debug)]
enum LoopbackHost {
    Address(IpAddr),
    Localhost,
}

/// Browsers open connections ahead and leave them silent; so many may stay open at once.
const MAX_CONNECTIONS: usize = 32;
/// The longest request head that is read.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a browser may take to send its request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for Loopback {
    fn default() -> Self {
        Self { host: LoopbackHost::Address(Ipv4Addr::LOCALHOST.into()), port: 0, path: "/callback".into() }
    }
}

impl Loopback {
    /// A fixed port, for servers that compare the whole `redirect_uri`.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Another path than `/callback`; a missing `/` at its start is added.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        self
    }

    /// `[::1]` in place of `127.0.0.1`.
    #[must_use]
    pub const fn ipv6(mut self) -> Self {
        self.host = LoopbackHost::Address(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST));
        self
    }

    /// `localhost` in the `redirect_uri`, for servers that know only that; it listens on 127.0.0.1, and on
    /// `[::1]` too where the machine has it.
    #[must_use]
    pub fn localhost(mut self) -> Self {
        self.host = LoopbackHost::Localhost;
        self
    }

    /// Listens, before any browser is opened.
    pub(crate) async fn bind(&self) -> io::Result<LoopbackReceiver> {
        let address = match self.host {
            LoopbackHost::Address(address) => address,
            LoopbackHost::Localhost => Ipv4Addr::LOCALHOST.into(),
        };
        let listener = TcpListener::bind(SocketAddr::new(address, self.port)).await?;
        let port = listener.local_addr()?.port();
        let mut listeners = vec![listener];
        let host = match self.host {
            LoopbackHost::Address(IpAddr::V4(address)) => address.to_string(),
            LoopbackHost::Address(IpAddr::V6(address)) => format!("[{address}]"),
            LoopbackHost::Localhost => {
                let also = SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), port);
                listeners.extend(TcpListener::bind(also).await.ok());
                "localhost".to_owned()
            }
        };
        let authority = format!("{host}:{port}");
        Ok(LoopbackReceiver {
            listeners,
            redirect_uri: format!("http://{authority}{}", self.path),
            authority,
            path: self.path.clone(),
        })
    }
}

/// A receiver that listens.
pub(crate) struct LoopbackReceiver {
    listeners: Vec<TcpListener>,
    redirect_uri: String,
    authority: String,
    path: String,
}

/// Says whether a query answers this login's request.
pub(crate) type IsAnswer = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// An answer that arrived, and the browser that waits for a page.
pub(crate) struct Arrived {
    pub(crate) query: String,
    browser: TcpStream,
}

impl LoopbackReceiver {
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Serves until a `GET` of the exact path comes whose query `is_answer`; whatever else comes (a favicon,
    /// a connection opened ahead, a stray page, another Host) is turned away and the wait goes on.
    pub(crate) async fn receive(&self, is_answer: IsAnswer) -> io::Result<Arrived> {
        let (sender, mut arrived) = mpsc::channel(1);
        // Dropped with this future: no connection outlives the login.
        let mut connections = JoinSet::new();
        let mut open = VecDeque::new();
        loop {
            tokio::select! {
                Some(arrived) = arrived.recv() => return Ok(arrived),
                accepted = self.accept() => {
                    while connections.try_join_next().is_some() {}
                    open.retain(|connection: &AbortHandle| !connection.is_finished());
                    if open.len() >= MAX_CONNECTIONS {
                        // The oldest has been silent the longest; the browser's answer may be the newest.
                        open.pop_front().inspect(AbortHandle::abort);
                    }
                    let expected = Expected {
                        authority: self.authority.clone(),
                        path: self.path.clone(),
                        is_answer: Arc::clone(&is_answer),
                    };
                    open.push_back(connections.spawn(serve(accepted?, expected, sender.clone())));
                }
            }
        }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let accepted = match self.listeners.as_slice() {
            [one] => one.accept().await,
            [one, other, ..] => tokio::select! {
                accepted = one.accept() => accepted,
                accepted = other.accept() => accepted,
            },
            [] => return Err(io::ErrorKind::NotConnected.into()),
        };
        Ok(accepted?.0)
    }
}

impl Arrived {
    /// Shows the person a page and closes the connection.
    pub(crate) async fn answer(mut self, is_signed_in: bool) {
        let (title, text) = if is_signed_in {
            ("Signed in", "You can close this window and go back to the application.")
        } else {
            ("Not signed in", "The sign-in did not succeed. Go back to the application, it says why.")
        };
        respond(&mut self.browser, "200 OK", title, text).await;
    }
}

struct Expected {
    authority: String,
    path: String,
    is_answer: IsAnswer,
}

enum Verdict {
    Answer(String),
    Refused(&'static str, &'static str),
}

async fn serve(mut browser: TcpStream, expected: Expected, sender: mpsc::Sender<Arrived>) {
    let Ok(Ok(head)) = tokio::time::timeout(HEAD_TIMEOUT, read_head(&mut browser)).await else { return };
    match expected.judge(&head) {
        Verdict::Answer(query) => drop(sender.send(Arrived { query, browser }).await),
        Verdict::Refused(status, text) => respond(&mut browser, status, "Nothing here", text).await,
    }
}

impl Expected {
    fn judge(&self, head: &[u8]) -> Verdict {
        let bad_request =
            Verdict::Refused("400 Bad Request", "This is not the answer to the sign-in under way.");
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut headers);
        if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
            return bad_request;
        }
        let (Some(method), Some(target)) = (request.method, request.path) else { return bad_request };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // A page that rebinds a name of its own to this address says so here.
        let mut hosts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
        let is_own_host = |value: &[u8]| value.eq_ignore_ascii_case(self.authority.as_bytes());
        if !hosts.next().is_some_and(|host| is_own_host(host.value)) || hosts.next().is_some() {
            return bad_request;
        }
        if method != "GET" || path != self.path {
            return Verdict::Refused("404 Not Found", "There is nothing at this address.");
        }
        if (self.is_answer)(query) { Verdict::Answer(query.to_owned()) } else { bad_request }
    }
}

async fn read_head(browser: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let read = browser.read_buf(&mut head).await?;
        if head.windows(4).any(|end| end == b"\r\n\r\n") {
            return Ok(head);
        }
        if read == 0 || head.len() > MAX_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// The texts are our own: nothing of the request is repeated.
async fn respond(browser: &mut TcpStream, status: &str, title: &str, text: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <body style=\"font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem\">\
         <h1>{title}</h1><p>{text}</p></body></html>"
    );
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         connection: close\r\n\r\n{page}",
        page.len()
    );
    // A browser that is gone needs no page.
    if browser.write_all(response.as_bytes()).await.is_ok() {
        let _ = browser.shutdown().await;
    }
}
