//! HTTP requests and responses as plain data, for whatever transport the caller has.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::{Zeroize as _, Zeroizing};

use crate::{EndpointUrl, ErrorCode, Secret};

/// The longest body of a token, device or error answer that is read, in bytes after decoding.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The longest body of a metadata answer that is read, in bytes after decoding.
pub(crate) const MAX_METADATA_BYTES: usize = 256 * 1024;
/// The longest body of a protected resource that is read.
const MAX_RESOURCE_BYTES: usize = 1024 * 1024;
/// The longest time that one exchange may take.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);

/// The method of an [`HttpRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`, for metadata.
    Get,
    /// `POST`, for everything else.
    Post,
}

impl Method {
    /// The method as it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request that the caller is to send as it is: no redirect followed, no header dropped, no compression.
///
/// Its headers and body may hold credentials, so `Debug` shows neither.
#[derive(Clone)]
pub struct HttpRequest {
    method: Method,
    url: EndpointUrl,
    headers: Vec<(&'static str, Secret)>,
    body: Zeroizing<String>,
    timeout: Duration,
    max_body_bytes: usize,
}

impl HttpRequest {
    pub(crate) fn post_form(
        url: &EndpointUrl,
        form: Zeroizing<String>,
        authorization: Option<Secret>,
    ) -> Self {
        // Exactly this content type: django-oauth-toolkit refuses a charset.
        let mut headers = alloc::vec![
            ("accept", Secret::from("application/json")),
            ("content-type", Secret::from("application/x-www-form-urlencoded")),
        ];
        if let Some(authorization) = authorization {
            headers.push(("authorization", authorization));
        }
        Self {
            method: Method::Post,
            url: url.clone(),
            headers,
            body: form,
            timeout: EXCHANGE_TIMEOUT,
            max_body_bytes: MAX_ANSWER_BYTES,
        }
    }

    /// A `GET` without any credential: whether anybody is there, and what the answer's headers say.
    pub fn get(url: &EndpointUrl) -> Self {
        Self::get_metadata(url)
    }

    pub(crate) fn get_metadata(url: &EndpointUrl) -> Self {
        Self {
            method: Method::Get,
            url: url.clone(),
            headers: alloc::vec![("accept", Secret::from("application/json"))],
            body: Zeroizing::new(String::new()),
            timeout: EXCHANGE_TIMEOUT,
            max_body_bytes: MAX_METADATA_BYTES,
        }
    }

    pub(crate) fn get_protected_resource(url: &EndpointUrl, authorization: Secret) -> Self {
        let mut request = Self::get_metadata(url);
        request.headers.push(("authorization", authorization));
        request.max_body_bytes = MAX_RESOURCE_BYTES;
        request
    }

    #[must_use]
    pub(crate) fn within(mut self, time_left: Duration) -> Self {
        self.timeout = self.timeout.min(time_left);
        self
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Where it goes.
    pub const fn url(&self) -> &EndpointUrl {
        &self.url
    }

    /// Header names (lower case) and values; the value of `authorization` is a credential. The caller
    /// adds `user-agent`, `host` and `content-length`.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.expose()))
    }

    /// The body, empty for a `GET`; it may hold credentials.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// How long the whole exchange may take: 30 seconds, or less where a code expires sooner.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The longest body to read, counted after decoding; a longer one is [`TransportFailure::BodyTooLarge`].
    pub const fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What the server answered.
///
/// `Debug` shows the status only: bodies hold tokens.
pub struct HttpResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl HttpResponse {
    /// An answer with its status, its headers (names in any case) and its whole body.
    pub fn new<Name: Into<String>, Value: Into<String>>(
        status: u16,
        headers: impl IntoIterator<Item = (Name, Value)>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { status, headers, body: body.into() }
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body; it may hold tokens.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The media type without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// When the server sent this by its own clock (`Date`, RFC 9110 §6.6.1): seconds since 1970.
    pub fn date(&self) -> Option<Duration> {
        let seconds = seconds_of_imf_fixdate(self.header("date")?.trim())?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Why a token was refused with this answer (`WWW-Authenticate: Bearer error=".."`, RFC 6750 §3): `invalid_token`,
    /// `insufficient_scope`.
    pub fn bearer_error(&self) -> Option<ErrorCode> {
        let challenges =
            self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
        challenges.into_iter().find_map(|(_, challenge)| bearer_error(challenge)).map(ErrorCode::parse)
    }

    /// How long the server asks to wait (RFC 9110 §10.2.3): seconds, or a date taken against the
    /// answer's own `Date`, so that a wrong clock here does no harm.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let until = seconds_of_imf_fixdate(value)?;
        let date = seconds_of_imf_fixdate(self.header("date")?.trim())?;
        Some(Duration::from_secs(u64::try_from(until.saturating_sub(date)).unwrap_or(0)))
    }
}

impl Drop for HttpResponse {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The `error` of one challenge. Several in one header line are told apart no better than this needs: a value that
/// only a `Bearer` challenge has.
fn bearer_error(challenge: &str) -> Option<&str> {
    let (scheme, parameters) = challenge.trim_start().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return None;
    }
    parameters.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        name.trim().eq_ignore_ascii_case("error").then_some(value)
    })
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), the only form that a server
/// may send. The date crates cost more flash than these lines, and a search for texts more than one for characters.
fn seconds_of_imf_fixdate(date: &str) -> Option<i64> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let number =
        |digits: &str, max: i64| digits.parse::<u16>().ok().map(i64::from).filter(|&value| value <= max);
    let (_, rest) = date.split_once(',')?;
    let mut words = rest.strip_prefix(' ')?.strip_suffix(" GMT")?.split(' ');
    let day = number(words.next()?, 31)?;
    let name = words.next()?;
    let month = i64::try_from(MONTHS.chunks(3).position(|month| month == name.as_bytes())?).ok()?;
    let year = number(words.next()?, 9999)?;
    let mut time = words.next()?.split(':');
    let (hour, minute, second) =
        (number(time.next()?, 23)?, number(time.next()?, 59)?, number(time.next()?, 60)?);
    // Days from the civil date, with the year starting in March.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (306 * month + 5) / 10 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Why no whole answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportFailure {
    /// The host name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, or not made in time.
    Connect,
    /// TLS could not be set up: an unknown certificate authority, another host's certificate, an old protocol.
    Tls,
    /// The connection was closed or reset before the whole answer was there.
    Closed,
    /// No whole answer within [`HttpRequest::timeout`].
    Timeout,
    /// The body is longer than [`HttpRequest::max_body_bytes`].
    BodyTooLarge,
    /// What came is no HTTP.
    NotHttp,
}

impl fmt::Display for TransportFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dns => "the server's name could not be resolved",
            Self::Connect => "no connection to the server",
            Self::Tls => "no trusted TLS connection to the server",
            Self::Closed => "the connection was lost before the answer was complete",
            Self::Timeout => "the server did not answer in time",
            Self::BodyTooLarge => "the server's answer is too long",
            Self::NotHttp => "the server's answer is no HTTP",
        })
    }
}

impl core::error::Error for TransportFailure {}

#[cfg(test)]
mod tests {
    use super::seconds_of_imf_fixdate;

    #[test]
    fn the_date_of_rfc_9110_is_the_second_it_names() {
        assert_eq!(seconds_of_imf_fixdate("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds_of_imf_fixdate("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds_of_imf_fixdate("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", ", GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 06 Nov"]
        {
            assert_eq!(seconds_of_imf_fixdate(text), None, "{text}");
        }
    }
}
