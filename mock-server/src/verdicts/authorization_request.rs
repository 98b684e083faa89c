//! What a client asks of the authorization endpoint: RFC 9700 sections 2.1 and 2.1.1.

use hyper::Method;
use hyper::header::LOCATION;

use super::rules::{
    CSRF_PROTECTION, PKCE_BY_CONFIDENTIAL_CLIENT, PKCE_BY_PUBLIC_CLIENT, PKCE_FRESH, PKCE_S256, STATE_FRESH,
    STATE_SENT,
};
use super::{Findings, Verdicts};
use crate::answer::Answer;
use crate::checks::Lenient;
use crate::clients::Clients;
use crate::exchange::Exchange;
use crate::printable::printable;
use crate::request_parameters::RequestParameters;

/// Judges a request that was answered with a redirect: pages go back and forth, and are reloaded, before.
pub(super) fn judge(
    verdicts: &mut Verdicts,
    clients: &Clients,
    exchange: &Exchange<'_>,
    answer: &Answer,
    findings: &mut Findings,
) {
    let Answer::Respond(response) = answer else { return };
    let Some(location) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let parameters = if exchange.request.method() == Method::POST {
        RequestParameters::form_with_repeats(exchange.request, Lenient::default())
    } else {
        RequestParameters::with_repeats(exchange.request.uri().query().unwrap_or_default())
    };
    let Ok(parameters) = parameters else { return };
    let Some(client) = parameters.get("client_id").and_then(|client_id| clients.find(client_id)) else {
        return;
    };
    let sent = |name: &str| parameters.get(name).is_some();

    let pkce = if client.is_public() { &PKCE_BY_PUBLIC_CLIENT } else { &PKCE_BY_CONFIDENTIAL_CLIENT };
    let none = || "none".to_owned();
    findings.check(pkce, sent("code_challenge"), || ("a code_challenge".to_owned(), none()));
    if sent("code_challenge") {
        let method = parameters.get("code_challenge_method").unwrap_or("none, which means plain");
        findings.check(&PKCE_S256, method == "S256", || {
            ("code_challenge_method S256".to_owned(), printable(method))
        });
        findings.check(&STATE_SENT, sent("state"), || ("state beside code_challenge".to_owned(), none()));
    } else if !sent("nonce") {
        findings.check(&CSRF_PROTECTION, sent("state"), || {
            ("code_challenge, nonce or state".to_owned(), "none of them".to_owned())
        });
    }
    // Only an authorization that succeeded uses them up.
    if !location.contains("?code=") && !location.contains("&code=") {
        return;
    }
    let again = || "the one of an earlier request".to_owned();
    if let Some(challenge) = parameters.get("code_challenge") {
        findings.check(&PKCE_FRESH, verdicts.code_challenges.is_fresh(challenge), || {
            ("a code_challenge of its own for each request".to_owned(), again())
        });
    }
    if let Some(state) = parameters.get("state") {
        findings.check(&STATE_FRESH, verdicts.states.is_fresh(state), || {
            ("a state of its own for each request".to_owned(), again())
        });
    }
}
