//! What a client sends to the token endpoint, and what it lets into a URL: RFC 6749 sections 2.3.1 and 6, RFC 7636
//! section 4.1.

use std::time::Duration;

use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, StatusCode};

use super::polling::Heard;
use super::rules::{NO_ACCESS_TOKEN_IN_URL, NO_SECRET_IN_URL, PKCE_VERIFIER, SPENT_REFRESH_TOKEN};
use super::{Findings, Recent};
use crate::answer::Answer;
use crate::checks::Lenient;
use crate::clients::grant_type;
use crate::device_codes::{Decision, DeviceCodes};
use crate::endpoint::Endpoint;
use crate::exchange::Exchange;
use crate::misbehaviour::{Delivery, Fault};
use crate::printable::printable;
use crate::request_parameters::RequestParameters;

pub(super) fn judge(
    device_codes: &mut DeviceCodes,
    unheard: &mut Recent,
    exchange: &Exchange<'_>,
    answer: &Answer,
    findings: &mut Findings,
) {
    let Ok(form) = RequestParameters::form_with_repeats(exchange.request, Lenient::default()) else {
        return;
    };
    match form.get("grant_type") {
        Some(grant_type::DEVICE_CODE) => {
            let device_code = form.get("device_code").unwrap_or_default();
            if let Some(login) = device_codes.by_device_code(device_code) {
                let required = login.conduct.interval();
                login.conduct.poll(exchange.now, findings);
                let is_redeemed = login.decision == Decision::Redeemed;
                let (heard, retry_after) = heard(exchange, answer, is_redeemed);
                login.conduct.hear(heard, retry_after, findings);
                login.timeline.note_poll(exchange.now, required, || {
                    (answer_in_words(exchange, answer), findings.remarks())
                });
            }
        }
        Some(grant_type::REFRESH_TOKEN) => {
            let token = form.get("refresh_token").unwrap_or_default();
            // A client that never got the next one can only try the last again.
            let is_forgiven = unheard.contains(token);
            if exchange.fault.as_ref().is_some_and(Fault::hides_answer) {
                unheard.is_fresh(token);
            }
            findings.check(&SPENT_REFRESH_TOKEN, is_forgiven || !exchange.note.spent_refresh_token, || {
                ("the newest refresh_token".to_owned(), "one that an earlier request had spent".to_owned())
            });
        }
        Some(grant_type::AUTHORIZATION_CODE) => {
            if let Some(verifier) = form.get("code_verifier") {
                judge_verifier(verifier, findings);
            }
        }
        _ => {}
    }
}

/// Looks for secrets in the query of a request.
pub(super) fn judge_url(endpoint: Endpoint, exchange: &Exchange<'_>, findings: &mut Findings) {
    const SECRETS: [&str; 5] =
        ["client_secret", "code_verifier", "device_code", "refresh_token", "client_assertion"];
    // Nothing that asks for one of these takes a query; at the pages a query is how to ask.
    let query = exchange.request.uri().query().unwrap_or_default();
    let names = || query.split('&').filter_map(|pair| pair.split('=').next());
    let secret = names().find(|name| SECRETS.contains(name));
    findings.check(&NO_SECRET_IN_URL, secret.is_none(), || {
        ("secrets in the request body alone".to_owned(), format!("{} in the URL", secret.unwrap_or_default()))
    });
    if matches!(endpoint, Endpoint::Resource | Endpoint::Userinfo) {
        findings.check(&NO_ACCESS_TOKEN_IN_URL, !names().any(|name| name == "access_token"), || {
            ("the access token in the Authorization header".to_owned(), "access_token in the URL".to_owned())
        });
    }
}

fn judge_verifier(verifier: &str, findings: &mut Findings) {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let has_length = (43..=128).contains(&verifier.len());
    let has_charset = verifier.bytes().all(unreserved);
    findings.check(&PKCE_VERIFIER, has_length && has_charset, || {
        let got = if has_length {
            "others among them".to_owned()
        } else {
            format!("{} characters", verifier.chars().count())
        };
        ("a code_verifier of 43 to 128 of the characters A-Z a-z 0-9 - . _ ~".to_owned(), got)
    });
}

/// What the device can have understood of an answer.
fn heard(exchange: &Exchange<'_>, answer: &Answer, is_redeemed: bool) -> (Heard, Option<Duration>) {
    let response = match answer {
        Answer::Respond(response) | Answer::Deliver(response, Delivery::Late { .. }) => response,
        Answer::Deliver(_, Delivery::Never) => return (Heard::Silence, None),
        Answer::ResetConnection | Answer::Deliver(..) => return (Heard::Failure, None),
    };
    if exchange.fault.as_ref().is_some_and(Fault::hides_answer) {
        return (Heard::Unclear, None);
    }
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let heard = match exchange.note.error.as_deref() {
        _ if status.is_server_error() => Heard::Failure,
        Some("authorization_pending") => Heard::PollOn,
        Some("slow_down") => Heard::SlowDown,
        Some(error) => Heard::Final(format!("the error {error}")),
        None if status.is_success() && is_redeemed => Heard::Final("the access token".to_owned()),
        None if status == StatusCode::TOO_MANY_REQUESTS => Heard::PollOn,
        None => Heard::Failure,
    };
    (heard, retry_after)
}

/// What went back, for the timeline of the login.
fn answer_in_words(exchange: &Exchange<'_>, answer: &Answer) -> String {
    let (status, on_the_way) = match answer {
        Answer::ResetConnection => return "connection reset".to_owned(),
        Answer::Deliver(_, Delivery::Never) => return "no answer at all".to_owned(),
        Answer::Respond(response) => (response.status(), ""),
        Answer::Deliver(response, Delivery::Late { .. }) => (response.status(), ", late"),
        Answer::Deliver(response, Delivery::Dripping { .. }) => (response.status(), ", a byte a second"),
        Answer::Deliver(response, Delivery::CutOff { .. }) => (response.status(), ", cut off"),
        Answer::Deliver(response, Delivery::Endless) => (response.status(), ", without end"),
    };
    let status = status.as_u16();
    match (exchange.note.error.as_deref(), &exchange.fault) {
        (Some(error), _) => format!("{}{on_the_way}", printable(error)),
        (None, None) => format!("{status}: tokens"),
        (None, Some(_)) => format!("{status}: a fault was asked for{on_the_way}"),
    }
}

/// `Retry-After` in seconds; this server sends no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
