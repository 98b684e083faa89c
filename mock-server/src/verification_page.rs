//! The verification page, where a person types the code: RFC 8628 section 3.3.

use hyper::StatusCode;
use maud::{DOCTYPE, html};

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, with_body};

pub(crate) fn respond(
    _server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST")?;
    let page = html! {
        (DOCTYPE)
        html lang="en" { head { title { "Sign in a device" } } body { form method="post" { input name="user_code"; } } }
    };
    Ok(with_body(StatusCode::OK, "text/html; charset=utf-8", page.into_string()))
}
