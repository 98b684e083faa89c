//! Every rule that a client is held to: a MUST is an error, a SHOULD a warning, our advice a note.

use super::Severity::{self, Error, Note, Warning};

/// What is demanded, by whom, and how much it weighs.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    pub(super) section: &'static str,
}

/// Our advice: nobody can have typed the code yet.
pub(super) const FIRST_POLL: Rule = rule("first-poll", Note, "RFC 8628 section 3.2");
/// "Before each new request, the client MUST wait at least the number of seconds specified by the interval parameter".
pub(super) const POLL_INTERVAL: Rule = rule("poll-interval", Error, "RFC 8628 section 3.5");
/// "the interval MUST be increased by 5 seconds for this and all subsequent requests"
pub(super) const SLOW_DOWN_KEPT: Rule = rule("slow-down-kept", Error, "RFC 8628 section 3.5");
/// "If the client receives an error response with any other error code, it MUST stop polling".
pub(super) const STOP_AT_FINAL_ANSWER: Rule = rule("stop-at-final-answer", Error, "RFC 8628 section 3.5");
/// The device polls "until the user completes the interaction, the code expires, or another error occurs".
pub(super) const STOP_AT_EXPIRY: Rule = rule("stop-at-expiry", Warning, "RFC 8628 section 3.3");
/// "On encountering a connection timeout, clients MUST unilaterally reduce their polling frequency before retrying."
pub(super) const BACK_OFF_AFTER_TIMEOUT: Rule = rule("back-off-after-timeout", Error, "RFC 8628 section 3.5");
/// Our advice: what helps a server that does not answer in time helps one that answers with a failure.
pub(super) const BACK_OFF_AFTER_FAILURE: Rule = rule("back-off-after-failure", Note, "RFC 8628 section 3.5");
/// "how long the user agent ought to wait before making a follow-up request"
pub(super) const RETRY_AFTER_HONOURED: Rule = rule("retry-after", Warning, "RFC 9110 section 10.2.3");

/// "Public clients MUST use PKCE".
pub(super) const PKCE_BY_PUBLIC_CLIENT: Rule = rule("pkce-public-client", Error, "RFC 9700 section 2.1.1");
/// "For confidential clients, the use of PKCE is RECOMMENDED".
pub(super) const PKCE_BY_CONFIDENTIAL_CLIENT: Rule =
    rule("pkce-confidential-client", Warning, "RFC 9700 section 2.1.1");
/// "clients SHOULD use PKCE code challenge methods that do not expose the PKCE verifier in the authorization request"
pub(super) const PKCE_S256: Rule = rule("pkce-s256", Warning, "RFC 9700 section 2.1.1");
/// "with a minimum length of 43 characters and a maximum length of 128 characters"
pub(super) const PKCE_VERIFIER: Rule = rule("pkce-verifier", Error, "RFC 7636 section 4.1");
/// "the PKCE challenge or OpenID Connect nonce MUST be transaction-specific"
pub(super) const PKCE_FRESH: Rule = rule("pkce-fresh", Error, "RFC 9700 section 2.1.1");
/// "Clients MUST prevent Cross-Site Request Forgery": by PKCE, by nonce, "otherwise" by state.
pub(super) const CSRF_PROTECTION: Rule = rule("csrf-protection", Error, "RFC 9700 section 2.1");
/// Our advice: not every server that takes a code challenge checks it.
pub(super) const STATE_SENT: Rule = rule("state-sent", Note, "RFC 6749 section 4.1.1");
/// "one-time use CSRF tokens carried in the state parameter"
pub(super) const STATE_FRESH: Rule = rule("state-fresh", Warning, "RFC 9700 section 2.1");

/// "The parameters can only be transmitted in the request-body and MUST NOT be included in the request URI."
pub(super) const NO_SECRET_IN_URL: Rule = rule("no-secret-in-url", Error, "RFC 6749 section 2.3.1");
/// "clients MUST NOT pass access tokens in a URI query parameter"
pub(super) const NO_ACCESS_TOKEN_IN_URL: Rule =
    rule("no-access-token-in-url", Error, "RFC 9700 section 4.3.2");
/// Our advice: nothing that a client program is answered tells it to go elsewhere.
pub(super) const NO_REDIRECT_FOLLOWED: Rule = rule("no-redirect-followed", Note, "RFC 9700 section 4.12");
/// Credentials "MUST be kept confidential in transit and storage, and only shared among the authorization server" and
/// those whom they are for.
pub(super) const NO_CREDENTIALS_ELSEWHERE: Rule =
    rule("no-credentials-elsewhere", Error, "RFC 6749 section 10.3");
/// "the client MUST discard the old refresh token and replace it with the new refresh token"
pub(super) const SPENT_REFRESH_TOKEN: Rule = rule("spent-refresh-token", Error, "RFC 6749 section 6");

/// "The client MUST validate the authorization server's TLS certificate".
pub(super) const CERTIFICATE_VALIDATED: Rule = rule("certificate-validated", Error, "RFC 6749 section 10.9");

pub(super) const ALL: [&Rule; 22] = [
    &FIRST_POLL,
    &POLL_INTERVAL,
    &SLOW_DOWN_KEPT,
    &STOP_AT_FINAL_ANSWER,
    &STOP_AT_EXPIRY,
    &BACK_OFF_AFTER_TIMEOUT,
    &BACK_OFF_AFTER_FAILURE,
    &RETRY_AFTER_HONOURED,
    &PKCE_BY_PUBLIC_CLIENT,
    &PKCE_BY_CONFIDENTIAL_CLIENT,
    &PKCE_S256,
    &PKCE_VERIFIER,
    &PKCE_FRESH,
    &CSRF_PROTECTION,
    &STATE_SENT,
    &STATE_FRESH,
    &NO_SECRET_IN_URL,
    &NO_ACCESS_TOKEN_IN_URL,
    &NO_REDIRECT_FOLLOWED,
    &NO_CREDENTIALS_ELSEWHERE,
    &SPENT_REFRESH_TOKEN,
    &CERTIFICATE_VALIDATED,
];

const fn rule(name: &'static str, severity: Severity, section: &'static str) -> Rule {
    Rule { name, severity, section }
}
