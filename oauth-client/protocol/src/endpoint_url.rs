//! The URLs that requests go to, checked without the `url` crate (its tables are too large for flash).

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// The longest URL that is accepted, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// The URL of an endpoint: `https`, or `http` where an [`EndpointPolicy`] lets it pass.
///
/// It goes out byte for byte as given, path, query and trailing slash included; nothing normalises it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EndpointUrl {
    text: String,
    is_https: bool,
    host_start: usize,
    host_end: usize,
    port: Option<u16>,
    path_start: usize,
}

/// Which endpoints may be reached without TLS: those on this machine's loopback, and at most one host
/// that was named on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointPolicy {
    http_host: Option<String>,
}

/// Why a URL cannot be an endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrlError {
    url: String,
    problem: EndpointUrlProblem,
}

/// What is wrong with the URL in an [`EndpointUrlError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointUrlProblem {
    /// Longer than 2048 bytes.
    TooLong,
    /// A character that must be percent-encoded in a URL, or a control character.
    Character,
    /// Neither `https://` nor `http://` at its start.
    Scheme,
    /// `http` to a host that is neither loopback nor allowed by [`EndpointPolicy::dangerously_allow_http`].
    Http,
    /// A user name or password before the host.
    UserInfo,
    /// No host, or one with characters that no host name has.
    Host,
    /// A port that is not 1 to 65535.
    Port,
    /// A `#fragment` (RFC 6749 §3.1 and §3.2: "MUST NOT include a fragment component").
    Fragment,
}

impl EndpointPolicy {
    /// `https` everywhere; `http` to this machine's loopback only.
    pub const fn new() -> Self {
        Self { http_host: None }
    }

    /// Lets requests to `host` (a name or address, without port) go without TLS: whoever is on the way
    /// reads and changes them, tokens included. An IPv6 address may stand in its brackets.
    pub fn dangerously_allow_http(host: impl Into<String>) -> Self {
        let host: String = host.into();
        Self { http_host: Some(host.trim_start_matches('[').trim_end_matches(']').to_owned()) }
    }

    /// The host that [`EndpointPolicy::dangerously_allow_http`] named.
    pub fn dangerously_allowed_http_host(&self) -> Option<&str> {
        self.http_host.as_deref()
    }

    /// Checks that `url` may be an endpoint.
    pub fn endpoint(&self, url: &str) -> Result<EndpointUrl, EndpointUrlError> {
        let refuse = |problem| EndpointUrlError { url: url.to_owned(), problem };
        if url.contains('#') {
            return Err(refuse(EndpointUrlProblem::Fragment));
        }
        self.page(url)
    }

    /// Checks that `url` may be opened in a browser: as an endpoint, but with a fragment if it has one.
    pub fn page(&self, url: &str) -> Result<EndpointUrl, EndpointUrlError> {
        let refuse = |problem| EndpointUrlError { url: url.to_owned(), problem };
        let parsed = EndpointUrl::split(url).map_err(refuse)?;
        if parsed.is_https || parsed.is_loopback() || self.allows_http_to(parsed.host()) {
            Ok(parsed)
        } else {
            Err(refuse(EndpointUrlProblem::Http))
        }
    }

    fn allows_http_to(&self, host: &str) -> bool {
        self.http_host.as_ref().is_some_and(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

impl EndpointUrl {
    /// Checks that `url` is `https`, or `http` to loopback.
    pub fn parse(url: &str) -> Result<Self, EndpointUrlError> {
        EndpointPolicy::new().endpoint(url)
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether requests to it go through TLS.
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host as it was given, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.text.get(self.host_start..self.host_end).unwrap_or_default()
    }

    /// The port, the scheme's own where none is given.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_https { 443 } else { 80 })
    }

    /// Path and query as they go into an HTTP request line: never empty, never with a fragment.
    pub fn path_and_query(&self) -> String {
        let rest = self.text.get(self.path_start..).unwrap_or_default();
        let rest = rest.split('#').next().unwrap_or_default();
        let mut target = String::with_capacity(rest.len() + 1);
        if !rest.starts_with('/') {
            target.push('/');
        }
        target.push_str(rest);
        target
    }

    /// Scheme, host and port as they stand in the URL: `https://auth.example.com:8443`.
    pub fn origin(&self) -> &str {
        self.text.get(..self.path_start).unwrap_or_default()
    }

    /// Whether the host names this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
    }

    fn split(url: &str) -> Result<Self, EndpointUrlProblem> {
        if url.len() > MAX_URL_BYTES {
            return Err(EndpointUrlProblem::TooLong);
        }
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if !url.bytes().all(allowed) {
            return Err(EndpointUrlProblem::Character);
        }
        let (is_https, authority_start) = if starts_with_ignoring_case(url, "https://") {
            (true, "https://".len())
        } else if starts_with_ignoring_case(url, "http://") {
            (false, "http://".len())
        } else {
            return Err(EndpointUrlProblem::Scheme);
        };
        let rest = url.get(authority_start..).unwrap_or_default();
        let path_start = authority_start + rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = url.get(authority_start..path_start).unwrap_or_default();
        if authority.contains('@') {
            return Err(EndpointUrlProblem::UserInfo);
        }
        let (host_start, host_end, port) = if let Some(bracketed) = authority.strip_prefix('[') {
            let (address, port) = bracketed.split_once(']').ok_or(EndpointUrlProblem::Host)?;
            address.parse::<Ipv6Addr>().map_err(|_| EndpointUrlProblem::Host)?;
            (authority_start + 1, authority_start + 1 + address.len(), port)
        } else {
            let length = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(length);
            let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if host.is_empty() || !host.bytes().all(of_a_name) {
                return Err(EndpointUrlProblem::Host);
            }
            (authority_start, authority_start + length, port)
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok().filter(|&port| port != 0).ok_or(EndpointUrlProblem::Port)?)
            }
            None if port.is_empty() => None,
            _ => return Err(EndpointUrlProblem::Port),
        };
        Ok(Self { text: url.to_owned(), is_https, host_start, host_end, port, path_start })
    }
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query or fragment may carry a code or a state.
        let shown = self.text.split(['?', '#']).next().unwrap_or_default();
        write!(formatter, "EndpointUrl({shown})")
    }
}

impl EndpointUrlError {
    /// What is wrong.
    pub const fn problem(&self) -> EndpointUrlProblem {
        self.problem
    }
}

impl fmt::Display for EndpointUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.problem;
        // Credentials in a URL stay out of messages, whatever else is wrong with it.
        if self.url.contains('@') {
            return write!(formatter, "the URL {problem}");
        }
        let shown = self.url.split(['?', '#']).next().unwrap_or_default();
        write!(formatter, "the URL \"{}\" {problem}", crate::ServerText::new(shown))
    }
}

/// What the URL does or is.
impl fmt::Display for EndpointUrlProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => "is longer than 2048 bytes",
            Self::Character => {
                "holds a character that a URL must percent-encode, or a host write in its xn-- form"
            }
            Self::Scheme => "does not start with https://",
            Self::Http => {
                "is http, which anyone on the way can read: use https \
                 (or allow http to this one host with dangerously_allow_http)"
            }
            Self::UserInfo => "holds a user name or password before the host",
            Self::Host => "has no valid host",
            Self::Port => "has a port that is not 1 to 65535",
            Self::Fragment => "holds a #fragment",
        })
    }
}

impl fmt::Debug for EndpointUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EndpointUrlError({self})")
    }
}

impl core::error::Error for EndpointUrlError {}
