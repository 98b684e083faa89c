//! Whether a client follows where a back-channel answer must not lead it: RFC 6749 section 10.3.

use hyper::header::AUTHORIZATION;

use super::Findings;
use super::rules::{NO_CREDENTIALS_ELSEWHERE, NO_REDIRECT_FOLLOWED};
use crate::authorization_server::Exchange;
use crate::misbehaviour::Fault;

/// A client was sent elsewhere: kept, until it arrives there.
pub(super) fn judge_departure(exchange: &Exchange<'_>, findings: &mut Findings) {
    if let Some(Fault::Redirect { location: None }) = exchange.fault {
        findings.check(&NO_REDIRECT_FOLLOWED, true, Default::default);
        findings.check(&NO_CREDENTIALS_ELSEWHERE, true, Default::default);
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
