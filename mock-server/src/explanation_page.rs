//! Where `error_uri` leads (RFC 6749 section 5.2): what was checked, and what came in its place.

use hyper::StatusCode;
use maud::html;

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::Response;
use crate::page::Page;

/// The page of `check`; with what came, while the refusal of this number is remembered.
pub(crate) fn respond(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
    check: Check,
    number: Option<u64>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET")?;
    let explained = number.and_then(|number| server.journal.explanation(number));
    let got = explained.filter(|explanation| explanation.check == check).map(|explained| &explained.got);
    let body = html! {
        h1 { "Refused: " code { (check.name()) } }
        dl {
            dt { "Expected" }
            dd { (check.expected()) }
            @if let Some(got) = got {
                dt { "Got" }
                dd { (got) }
            } @else if number.is_some() {
                dt { "Got" }
                dd { "This refusal is no longer remembered." }
            }
            dt { "Where it is written" }
            dd { (check.section()) }
            @if let Some(relaxed) = check.relaxed() {
                dt { "To relax it" }
                dd { code { "--lenient " (check.name()) } ": " (relaxed) }
            }
        }
    };
    Ok(Page::new(&server.settings, StatusCode::OK, "Why a request was refused").show(&body))
}
