//! Whether a client follows where a back-channel answer must not lead it: RFC 6749 section 10.3.

use hyper::Method;
use hyper::header::AUTHORIZATION;

use super::Findings;
use super::rules::{NO_CREDENTIALS_ELSEWHERE, NO_REDIRECT_FOLLOWED};
use crate::endpoint::Endpoint;
use crate::exchange::Exchange;
use crate::misbehaviour::Fault;

/// A client was sent elsewhere: kept, until it arrives there.
pub(super) fn judge_departure(exchange: &Exchange<'_>, findings: &mut Findings) {
    if let Some(Fault::Redirect { location: None }) = exchange.fault {
        findings.check(&NO_REDIRECT_FOLLOWED, true, Default::default);
        findings.check(&NO_CREDENTIALS_ELSEWHERE, true, Default::default);
    }
}

/// A GET where only a POST makes sense: what becomes of a POST whose 301 for a missing slash is followed.
pub(super) fn judge_missing_slash(exchange: &Exchange<'_>, endpoint: Endpoint, findings: &mut Findings) {
    if matches!(endpoint, Endpoint::Token | Endpoint::DeviceAuthorization) {
        findings.check(&NO_REDIRECT_FOLLOWED, exchange.request.method() != Method::GET, || {
            let expected = "the POST at the path with its slash, and no redirect followed";
            (expected.to_owned(), "a GET".to_owned())
        });
    }
}

/// A client came where a redirect led.
pub(super) fn judge_arrival(exchange: &Exchange<'_>, findings: &mut Findings) {
    let stay = "no request to the other origin".to_owned();
    let carried = if exchange.request.headers().contains_key(AUTHORIZATION) {
        "one with Authorization"
    } else if !exchange.request.body().is_empty() {
        "one with the whole request body"
    } else {
        findings.check(&NO_REDIRECT_FOLLOWED, false, || (stay, "one without credentials".to_owned()));
        return;
    };
    findings.check(&NO_CREDENTIALS_ELSEWHERE, false, || (stay, carried.to_owned()));
}
