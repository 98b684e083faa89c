//! What clients asked lately, and why they were refused.

use maud::{Markup, html};

use super::Here;
use crate::control::is_of_client;
use crate::journal::RecordedRequest;

/// So many of the latest are shown.
const SHOWN: usize = 20;

pub(super) fn section(page: &Here<'_>) -> Markup {
    let of_clients = |request: &&RecordedRequest| is_of_client(page.server, request);
    let latest: Vec<&RecordedRequest> = page.server.requests().rev().filter(of_clients).take(SHOWN).collect();
    html! {
        section aria-labelledby="requests-heading" {
            h2 id="requests-heading" { "Latest requests" }
            div.card id="requests" data-whole {
                @if latest.is_empty() {
                    p.facts { "None yet." }
                } @else {
                    ol.requests {
                        @for request in latest { (item(page, request)) }
                    }
                }
            }
        }
    }
}

fn item(page: &Here<'_>, request: &RecordedRequest) -> Markup {
    // A device that is told to wait was not refused.
    let is_refused = request.explanation.is_some() || request.status == 0 || request.status >= 500;
    html! {
        li {
            span.status.refused[is_refused] { @if request.status == 0 { "–" } @else { (request.status) } }
            span.what {
                code { (request.method) " " (request.path) }
                @if let Some(client_id) = &request.client_id { " by " code { (client_id) } }
                @if let Some(error) = &request.error { ": " code { (error) } }
                @if let Some(explanation) = &request.explanation {
                    @let path = format!("{}explain/{}/{}", page.base, explanation.check.name(), explanation.number);
                    " " a href=(path) { "why: " (explanation.check.name()) }
                }
            }
            span.at { (format!("{:.1} s", request.at.as_secs_f64())) }
        }
    }
}
