//! Faults on demand, for tests of a client's patience.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};

use crate::authorization_server::Answer;
use crate::endpoint::Endpoint;
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, with_body};

/// What goes wrong in place of an answer. The request has no effect on the server's state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The TCP connection is reset before any byte of an answer.
    ConnectionReset,
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
    /// 200 with an HTML page, as a captive portal sends it.
    HtmlPage,
    /// This OAuth error code, in the endpoint's own shape: JSON with 400, at `/authorize` a redirect.
    Error(String),
    /// At `/authorize`: an answer without `iss` (RFC 9207).
    IssuerMissing,
    /// At `/authorize`: an answer with the `iss` of another server, as in a mix-up attack (RFC 9207).
    IssuerWrong,
}

/// Faults that wait for the next requests, in order, an endpoint each.
#[derive(Debug, Default)]
pub(crate) struct Misbehaviour(HashMap<Endpoint, VecDeque<Fault>>);

impl Misbehaviour {
    pub(crate) fn fail_next(&mut self, endpoint: Endpoint, fault: &Fault, times: usize) {
        let faults = self.0.entry(endpoint).or_default();
        faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        self.0.get_mut(&endpoint)?.pop_front()
    }
}

impl Fault {
    /// The answer of any endpoint; `None` where the endpoint itself has to shape it.
    pub(crate) fn answer(&self, endpoint: Endpoint) -> Option<Answer> {
        let response = match self {
            Self::ConnectionReset => return Some(Answer::ResetConnection),
            Self::ServiceUnavailable { retry_after } => {
                failure(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", *retry_after)
            }
            Self::TooManyRequests { retry_after } => {
                failure(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", *retry_after)
            }
            Self::HtmlPage => failure(StatusCode::OK, "Welcome to the Wi-Fi", None),
            Self::Error(code) if endpoint != Endpoint::Authorize => {
                ErrorResponse::new(code.clone(), "asked for by the test").into_response()
            }
            Self::Error(_) | Self::IssuerMissing | Self::IssuerWrong => return None,
        };
        Some(Answer::Respond(response))
    }
}

fn failure(status: StatusCode, title: &str, retry_after: Option<Duration>) -> Response {
    let page = format!("<!doctype html><title>{title}</title><h1>{title}</h1>\n");
    let mut response = with_body(status, "text/html; charset=utf-8", page);
    if let Some(wait) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}
