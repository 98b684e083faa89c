//! What can go wrong with one answer.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::seeded_chance::SeededChance;
use super::token_defect::{ROTATED, TokenDefect};
use crate::answer::Answer;
use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, with_body};

/// What goes wrong with an answer.
///
/// Faults that come in place of an answer have no effect on the server's state. Those that change an answer or its way
/// to the client (from [`Delay`](Self::Delay) on) let the request have its effect first: a client that loses the answer
/// with its tokens has lost them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The TCP connection is reset before any byte of an answer.
    ConnectionReset,
    /// Never an answer; the connection stays open until the client gives up.
    NoAnswer,
    /// 503 with an HTML body, as a load balancer sends it.
    ServiceUnavailable {
        /// `Retry-After` in whole seconds.
        retry_after: Option<Duration>,
    },
    /// 429 with an HTML body and without an OAuth error.
    TooManyRequests {
        /// `Retry-After` in whole seconds.
        retry_after: Option<Duration>,
    },
    /// This status with an HTML body: 408, 425, 500, 502 and their like.
    Status {
        /// 400 to 599; any other is taken as 500.
        status: u16,
        /// `Retry-After` in whole seconds.
        retry_after: Option<Duration>,
    },
    /// 200 with an HTML page, as a captive portal sends it.
    HtmlPage,
    /// 200 as JSON, without a byte of a body.
    EmptyBody,
    /// 200 as JSON that stops in the middle, in a whole HTTP message.
    CutJson,
    /// 200 as JSON, with a body that never ends.
    EndlessBody,
    /// 200 as JSON in gzip: ten thousand bytes that unpack to ten million.
    GzipBomb,
    /// 307 to another origin; whoever follows it arrives at this very server and gets a verdict.
    Redirect {
        /// Where to instead; another server's records then tell whether somebody came.
        location: Option<String>,
    },
    /// This OAuth error code, in the endpoint's own shape: JSON with 400, at `/authorize` a redirect.
    Error(String),
    /// At `/authorize`: an answer without `iss` (RFC 9207).
    IssuerMissing,
    /// At `/authorize`: an answer with the `iss` of another server, as in a mix-up attack (RFC 9207).
    IssuerWrong,
    /// The answer comes late, by the server's virtual clock.
    Delay {
        /// So late at least.
        at_least: Duration,
        /// So much later at most.
        jitter: Duration,
    },
    /// The body comes a byte a second, in real time.
    ByteASecond,
    /// The connection is closed (FIN) after half of the body.
    CloseInBody,
    /// Another `Content-Type` on the same body.
    ContentType(String),
    /// JSON without this member.
    MissingMember(String),
    /// JSON with members that no RFC knows.
    ExtraMembers,
    /// JSON with another type for this member: numbers become strings, all else becomes 42.
    MistypedMember(String),
    /// In a token answer: JWTs, access token and ID Token alike, with this defect.
    Token(TokenDefect),
    /// At `/jwks`: the same keys under other names, as after a rotation.
    RotatedKeys,
}

impl Fault {
    /// What comes in place of the answer; `None` where the endpoint has to answer first.
    pub(crate) fn instead_of_answer(&self, endpoint: Endpoint, elsewhere: &str) -> Option<Answer> {
        let response = match self {
            Self::ConnectionReset => return Some(Answer::ResetConnection),
            Self::NoAnswer => {
                return Some(Answer::Deliver(Response::new(Bytes::new()), Delivery::Never));
            }
            Self::ServiceUnavailable { retry_after } => {
                failure(StatusCode::SERVICE_UNAVAILABLE, *retry_after)
            }
            Self::TooManyRequests { retry_after } => failure(StatusCode::TOO_MANY_REQUESTS, *retry_after),
            Self::Status { status, retry_after } => {
                let refused =
                    StatusCode::from_u16(*status).ok().filter(|status| matches!(status.as_u16(), 400..=599));
                failure(refused.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), *retry_after)
            }
            Self::HtmlPage => html(StatusCode::OK, "Welcome to the Wi-Fi"),
            Self::EmptyBody => json_bytes(Bytes::new()),
            Self::CutJson => json_bytes(Bytes::from_static(b"{\"access_token\":\"cut-off\",\"token_ty")),
            Self::EndlessBody => {
                let beginning = json_bytes(Bytes::from_static(b"{\"access_token\":\""));
                return Some(Answer::Deliver(beginning, Delivery::Endless));
            }
            Self::GzipBomb => {
                let mut response = json_bytes(GZIP_BOMB.clone());
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            Self::Redirect { location } => {
                let mut response = html(StatusCode::TEMPORARY_REDIRECT, "Elsewhere");
                if let Ok(location) = HeaderValue::from_str(location.as_deref().unwrap_or(elsewhere)) {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
            Self::Error(code) if endpoint != Endpoint::Authorize => {
                ErrorResponse::new(code.clone(), "asked for by the test").into_response()
            }
            _ => return None,
        };
        Some(Answer::Respond(response))
    }

    /// What becomes of the answer that the endpoint gave at `now`.
    pub(crate) fn apply(&self, now: Timestamp, chance: &mut SeededChance, mut response: Response) -> Answer {
        match self {
            Self::Delay { at_least, jitter } => {
                let late = at_least.saturating_add(chance.up_to(*jitter));
                return Answer::Deliver(response, Delivery::Late { until: now + late });
            }
            Self::ByteASecond => {
                return Answer::Deliver(response, Delivery::Dripping { every: Duration::from_secs(1) });
            }
            Self::CloseInBody => {
                let after = response.body().len() / 2;
                return Answer::Deliver(response, Delivery::CutOff { after });
            }
            Self::ContentType(media_type) => {
                if let Ok(media_type) = HeaderValue::from_str(media_type) {
                    response.headers_mut().insert(CONTENT_TYPE, media_type);
                }
            }
            Self::MissingMember(name) => edit_json(&mut response, |members| {
                members.remove(name);
            }),
            Self::ExtraMembers => edit_json(&mut response, |members| {
                members.insert("x_unheard_of".into(), json!({ "deep": [null, 1.5, "é"] }));
                members.insert("x_null".into(), Value::Null);
            }),
            Self::MistypedMember(name) => edit_json(&mut response, |members| {
                if let Some(value) = members.get_mut(name) {
                    *value = if value.is_number() { value.to_string().into() } else { 42.into() };
                }
            }),
            Self::RotatedKeys => edit_json(&mut response, |members| {
                for key in members.get_mut("keys").and_then(Value::as_array_mut).into_iter().flatten() {
                    key["kid"] = format!("{}{ROTATED}", key["kid"].as_str().unwrap_or_default()).into();
                }
            }),
            _ => {}
        }
        Answer::Respond(response)
    }

    /// Whether a client cannot be blamed for not understanding the answer that the endpoint gave.
    pub(crate) fn hides_answer(&self) -> bool {
        match self {
            Self::ByteASecond | Self::CloseInBody | Self::ContentType(_) => true,
            Self::MissingMember(name) | Self::MistypedMember(name) => {
                matches!(name.as_str(), "access_token" | "error" | "refresh_token" | "token_type")
            }
            _ => false,
        }
    }
}

/// Ten million spaces in gzip, made once.
static GZIP_BOMB: LazyLock<Bytes> = LazyLock::new(|| {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = [b' '; 10_000];
    // Writing into a Vec does not fail.
    for _ in 0..1000 {
        let _ = gzip.write_all(&block);
    }
    Bytes::from(gzip.finish().unwrap_or_default())
});

fn failure(status: StatusCode, retry_after: Option<Duration>) -> Response {
    let mut response = html(status, status.canonical_reason().unwrap_or("Failure"));
    if let Some(wait) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

fn html(status: StatusCode, title: &str) -> Response {
    let page = format!("<!doctype html><title>{title}</title><h1>{title}</h1>\n");
    with_body(status, "text/html; charset=utf-8", page)
}

fn json_bytes(body: Bytes) -> Response {
    let mut response = with_body(StatusCode::OK, "application/json", String::new());
    *response.body_mut() = body;
    response
}

/// Changes the members of a JSON object; any other body stays as it is.
pub(crate) fn edit_json(response: &mut Response, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    if let Ok(Value::Object(mut members)) = serde_json::from_slice(response.body()) {
        edit(&mut members);
        *response.body_mut() = Bytes::from(Value::Object(members).to_string());
    }
}
