//! Which rules are put to which request.

use hyper::Method;

use super::rules::CERTIFICATE_VALIDATED;
use super::{
    CAPACITY, Findings, Verdict, authorization_request, device_authorization_response, redirects,
    token_request,
};
use crate::answer::Answer;
use crate::authorization_server::AuthorizationServer;
use crate::endpoint::Endpoint;
use crate::exchange::Exchange;
use crate::routes::Route;
use crate::tls_faults::TlsFault;

impl AuthorizationServer {
    /// A client ended the connection at a certificate that it must not trust.
    #[cfg(feature = "tls")]
    pub(crate) fn note_certificate_refused(&mut self) {
        *self.verdicts.checked.entry(CERTIFICATE_VALIDATED.name).or_default() += 1;
    }
}

/// Judges one request by what came and by what was answered.
pub(crate) fn judge(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    route: &Route,
    answer: &Answer,
) {
    let mut findings = Findings::default();
    match route {
        Route::To(endpoint) => judge_endpoint(server, exchange, *endpoint, answer, &mut findings),
        Route::Elsewhere => redirects::judge_arrival(exchange, &mut findings),
        Route::Control(_) | Route::Explanation { .. } | Route::Home | Route::Unknown => return,
    }

    for rule in findings.checked {
        *server.verdicts.checked.entry(rule).or_default() += 1;
    }
    for broken in findings.broken {
        if server.verdicts.latest.len() == CAPACITY {
            server.verdicts.latest.pop_front();
        }
        server.verdicts.latest.push_back(Verdict {
            severity: broken.rule.severity,
            rule: broken.rule.name,
            section: broken.rule.section,
            expected: broken.expected,
            got: broken.got,
            client_id: exchange.note.client_id.clone(),
            request: exchange.journal_line(route),
            at: server.since_start(exchange.now),
        });
    }
}

fn judge_endpoint(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    endpoint: Endpoint,
    answer: &Answer,
    findings: &mut Findings,
) {
    match endpoint {
        Endpoint::Token if exchange.request.method() == Method::POST => {
            token_request::judge(
                &mut server.device_codes,
                &mut server.verdicts.unheard,
                exchange,
                answer,
                findings,
            );
        }
        Endpoint::DeviceAuthorization => {
            device_authorization_response::note(&mut server.device_codes, answer);
        }
        Endpoint::Authorize => {
            authorization_request::judge(&mut server.verdicts, &server.clients, exchange, answer, findings);
        }
        _ => {}
    }
    if let Some(fault) = exchange.request.extensions().get::<TlsFault>()
        // A person may have told the browser to go on.
        && !matches!(endpoint, Endpoint::Authorize | Endpoint::VerificationPage)
    {
        findings.check(&CERTIFICATE_VALIDATED, false, || {
            (
                "an end at the certificate".to_owned(),
                format!("a request after one that is {}", fault.in_words()),
            )
        });
    }
    token_request::judge_url(endpoint, exchange, findings);
    redirects::judge_departure(exchange, findings);
    if server.rules().trailing_slash {
        redirects::judge_missing_slash(exchange, endpoint, findings);
    }
}
