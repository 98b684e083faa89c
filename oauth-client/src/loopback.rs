//! The loopback receiver of an authorization response (RFC 8252 §7.3).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::error::ConfigurationError;

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
/// The most headers that a request may have.
const MAX_HEADERS: usize = 100;
/// The longest request head that is read.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a browser may take to send its request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait after a connection could not be accepted (no file descriptor left, perhaps).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many free ports are tried until one is free on both addresses of `localhost`.
const FREE_PORT_TRIES: u32 = 16;
/// What of a refused request is still read, so that closing does not reset the connection under the page.
const MAX_DRAINED_BYTES: u64 = 64 * 1024;
/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

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

    /// Another path than `/callback`; a missing `/` at its start is added. No query: the server adds one.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        self
    }

    /// `[::1]` in place of `127.0.0.1`.
    #[must_use]
    pub const fn ipv6(mut self) -> Self {
        self.host = LoopbackHost::Address(IpAddr::V6(Ipv6Addr::LOCALHOST));
        self
    }

    /// `localhost` in the `redirect_uri`, for servers that know only that; it listens on 127.0.0.1, and on
    /// `[::1]` too where the machine has it.
    #[must_use]
    pub fn localhost(mut self) -> Self {
        self.host = LoopbackHost::Localhost;
        self
    }

    /// As it is registered at the server: `http://127.0.0.1/PATH`, `http://[::1]/PATH` or
    /// `http://localhost/PATH`; with a port only where that is fixed, else any free one is taken. Without a
    /// path, none is sent.
    pub fn from_redirect_uri(redirect_uri: &str) -> Result<Self, ConfigurationError> {
        let refused = ConfigurationError::LoopbackRedirectUri;
        let rest = redirect_uri.strip_prefix("http://").ok_or(refused)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // The colons of an IPv6 address stand before its bracket.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) if !digits.ends_with(']') => {
                let port = digits.parse::<u16>().ok().filter(|port| *port > 0).ok_or(refused)?;
                // Servers compare letter by letter: no sign, no leading zero.
                (host, (port.to_string() == digits).then_some(port).ok_or(refused)?)
            }
            _ => (authority, 0),
        };
        let host = match host {
            "127.0.0.1" => LoopbackHost::Address(Ipv4Addr::LOCALHOST.into()),
            "[::1]" => LoopbackHost::Address(Ipv6Addr::LOCALHOST.into()),
            "localhost" => LoopbackHost::Localhost,
            _ => return Err(refused),
        };
        if !is_sent_as_it_is(path) {
            return Err(refused);
        }
        Ok(Self { host, port, path: path.to_owned() })
    }

    /// Listens, before any browser is opened.
    pub(crate) async fn bind(&self) -> Result<LoopbackReceiver, ConfigurationError> {
        if !is_sent_as_it_is(&self.path) {
            return Err(ConfigurationError::LoopbackPath);
        }
        let (listeners, port) = self.listeners().await.map_err(|_| ConfigurationError::LoopbackPort)?;
        let host = match self.host {
            LoopbackHost::Address(IpAddr::V4(address)) => address.to_string(),
            LoopbackHost::Address(IpAddr::V6(address)) => format!("[{address}]"),
            LoopbackHost::Localhost => "localhost".to_owned(),
        };
        Ok(LoopbackReceiver {
            listeners,
            redirect_uri: format!("http://{host}:{port}{}", self.path),
            host,
            port,
            path: self.path.clone(),
        })
    }

    async fn listeners(&self) -> io::Result<(Vec<TcpListener>, u16)> {
        let address = match self.host {
            LoopbackHost::Address(address) => address,
            LoopbackHost::Localhost => Ipv4Addr::LOCALHOST.into(),
        };
        let mut tries = if self.port == 0 { FREE_PORT_TRIES } else { 1 };
        loop {
            let listener = TcpListener::bind(SocketAddr::new(address, self.port)).await?;
            let port = listener.local_addr()?.port();
            if !matches!(self.host, LoopbackHost::Localhost) {
                return Ok((vec![listener], port));
            }
            match TcpListener::bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)).await {
                Ok(also) => return Ok((vec![listener, also], port)),
                // Browsers try [::1] first: another program there would get the code.
                Err(taken) if taken.kind() == io::ErrorKind::AddrInUse => {
                    tries -= 1;
                    if tries == 0 {
                        return Err(taken);
                    }
                }
                // No IPv6 on this machine.
                Err(_) => return Ok((vec![listener], port)),
            }
        }
    }
}

/// A receiver that listens.
pub(crate) struct LoopbackReceiver {
    listeners: Vec<TcpListener>,
    redirect_uri: String,
    host: String,
    port: u16,
    path: String,
}

/// Says whether a query answers this login's request.
pub(crate) type IsAnswer = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// An answer that arrived, and the browser that waits for a page.
pub(crate) struct Arrived {
    pub(crate) query: String,
    browser: TcpStream,
}

/// What the person sees in the browser at the end.
#[derive(Clone, Copy)]
pub(crate) enum LastPage {
    SignedIn,
    /// The person refused.
    Denied,
    Failed,
}

impl LoopbackReceiver {
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Serves until a `GET` of the exact path comes whose query `is_answer`; whatever else comes (a favicon,
    /// a connection opened ahead, a stray page, another Host) is turned away and the wait goes on.
    pub(crate) async fn receive(&self, is_answer: IsAnswer) -> Arrived {
        let (sender, mut arrived) = mpsc::channel(1);
        // Dropped with this future: no connection outlives the login.
        let mut connections = JoinSet::new();
        let mut open = VecDeque::new();
        loop {
            tokio::select! {
                Some(arrived) = arrived.recv() => return arrived,
                accepted = self.accept() => {
                    let Ok(accepted) = accepted else {
                        // A connection that was gone before it was taken ends no login.
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    };
                    while connections.try_join_next().is_some() {}
                    open.retain(|connection: &AbortHandle| !connection.is_finished());
                    if open.len() >= MAX_CONNECTIONS {
                        // The oldest has been silent the longest; the browser's answer may be the newest.
                        open.pop_front().inspect(AbortHandle::abort);
                    }
                    let expected = Expected {
                        host: self.host.clone(),
                        port: self.port,
                        path: self.path.clone(),
                        is_answer: Arc::clone(&is_answer),
                    };
                    open.push_back(connections.spawn(serve(accepted, expected, sender.clone())));
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
    pub(crate) async fn answer(mut self, page: LastPage) {
        let (title, text) = match page {
            LastPage::SignedIn => ("Signed in", "You can close this window and go back to the application."),
            LastPage::Denied => (
                "Access denied",
                "The application got no access. You can close this window and go back to it.",
            ),
            LastPage::Failed => {
                ("Not signed in", "The sign-in did not succeed. Go back to the application, it says why.")
            }
        };
        respond(&mut self.browser, "200 OK", title, text, true).await;
    }
}

struct Expected {
    host: String,
    port: u16,
    path: String,
    is_answer: IsAnswer,
}

enum Verdict {
    Answer(String),
    Refused(&'static str, &'static str),
}

async fn serve(mut browser: TcpStream, expected: Expected, sender: mpsc::Sender<Arrived>) {
    let mut head = Vec::with_capacity(1024);
    let is_whole = tokio::time::timeout(HEAD_TIMEOUT, read_head(&mut browser, &mut head)).await;
    // Opened ahead and never used: closed without a word.
    if head.is_empty() {
        return;
    }
    let verdict = if matches!(is_whole, Ok(true)) { expected.judge(&head) } else { bad_request() };
    match verdict {
        Verdict::Answer(query) => drop(sender.send(Arrived { query, browser }).await),
        Verdict::Refused(status, text) => {
            respond(&mut browser, status, "Nothing here", text, !head.starts_with(b"HEAD ")).await;
            let mut rest = browser.take(MAX_DRAINED_BYTES);
            let _ =
                tokio::time::timeout(DRAIN_TIMEOUT, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
        }
    }
}

const fn bad_request() -> Verdict {
    Verdict::Refused("400 Bad Request", "This is not the answer to the sign-in under way.")
}

impl Expected {
    fn judge(&self, head: &[u8]) -> Verdict {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
            return bad_request();
        }
        let (Some(method), Some(target)) = (request.method, request.path) else { return bad_request() };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // A page that rebinds a name of its own to this address says so here.
        let mut hosts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
        if !hosts.next().is_some_and(|host| self.is_own(host.value)) || hosts.next().is_some() {
            return bad_request();
        }
        // An empty path is asked for as "/" (RFC 9112 §3.2.1).
        let expected_path = if self.path.is_empty() { "/" } else { &self.path };
        if method != "GET" || path != expected_path {
            return Verdict::Refused("404 Not Found", "There is nothing at this address.");
        }
        if (self.is_answer)(query) { Verdict::Answer(query.to_owned()) } else { bad_request() }
    }

    fn is_own(&self, host: &[u8]) -> bool {
        let with_port = format!("{}:{}", self.host, self.port);
        host.eq_ignore_ascii_case(with_port.as_bytes())
            // Browsers leave the scheme's own port out.
            || (self.port == 80 && host.eq_ignore_ascii_case(self.host.as_bytes()))
    }
}

/// Reads until the head is whole (`true`), or certainly none: a TLS greeting is turned away at once.
async fn read_head(browser: &mut TcpStream, head: &mut Vec<u8>) -> bool {
    loop {
        match browser.read_buf(head).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return false,
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        match httparse::Request::new(&mut headers).parse(head) {
            Ok(httparse::Status::Complete(_)) => return true,
            Ok(httparse::Status::Partial) if head.len() <= MAX_HEAD_BYTES => {}
            _ => return false,
        }
    }
}

/// Whether a browser sends this path unchanged, and a query can follow it.
fn is_sent_as_it_is(path: &str) -> bool {
    if path.is_empty() {
        return true;
    }
    let with_path = format!("http://127.0.0.1:1{path}");
    url::Url::parse(&with_path).is_ok_and(|url| {
        url.as_str() == with_path && url.path() == path && path.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

/// The texts are our own: nothing of the request is repeated. `HEAD` gets no body (RFC 9110 §9.3.2).
async fn respond(browser: &mut TcpStream, status: &str, title: &str, text: &str, with_body: bool) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem}}\
         h1{{font-size:1.7rem;line-height:1.2}}</style></head>\
         <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         connection: close\r\n\r\n{}",
        page.len(),
        if with_body { &page } else { "" },
    );
    // A browser that is gone needs no page.
    if browser.write_all(response.as_bytes()).await.is_ok() {
        let _ = browser.shutdown().await;
    }
}
