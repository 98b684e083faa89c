//! The page at the root, for who develops a client: what devices do as they do it, and buttons that decide for the
//! person.

mod about;
mod device_logins;
mod recent_requests;

use hyper::{Method, StatusCode};
use maud::html;

use crate::answer::Unrecorded;
use crate::authorization_server::AuthorizationServer;
use crate::decisions::ControlError;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, redirect};
use crate::page::{Live, Page};
use crate::request_parameters::RequestParameters;
use crate::routes::Choice;
use crate::sessions::{Session, cross_site_page, is_same_origin};
use crate::user_picker::chosen_user;

const LIVE: Live = Live { style: include_str!("home_page.css"), script: include_str!("home_page.js") };

/// GET shows the page; POST is one of its buttons, and leads back to it.
pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST")?;
    let session = Session::of(server, exchange);
    if exchange.request.method() == Method::POST {
        return press(server, exchange).map(|response| session.remember(response));
    }
    let page = Here { server, exchange, csrf_token: session.csrf_token(server), base: base(exchange) };
    let body = html! {
        header.top {
            h1 { "mock-server" }
            p { "An authorization server for tests runs here. Decide in the person’s place, and see what clients do." }
            p.live {
                span id="live" { noscript { "Without JavaScript this page does not follow the server: reload it to see what is new." } }
            }
            p.unseen id="news" role="status" {}
        }
        div.columns {
            div.column {
                (device_logins::section(&page))
                (recent_requests::section(&page))
            }
            div.column {
                (about::sections(&page))
            }
        }
    };
    let response = Page::new(&server.settings, StatusCode::OK, "Device logins").live(LIVE).show(&body);
    let mut response = session.remember(response);
    response.extensions_mut().insert(Unrecorded);
    Ok(response)
}

/// What the parts of the page are made from.
struct Here<'a> {
    server: &'a AuthorizationServer,
    exchange: &'a Exchange<'a>,
    csrf_token: String,
    /// The path of the page, with a slash at its end.
    base: String,
}

fn base(exchange: &Exchange<'_>) -> String {
    let path = exchange.request.uri().path();
    format!("{}/", path.strip_suffix('/').unwrap_or(path))
}

fn press(server: &mut AuthorizationServer, exchange: &Exchange<'_>) -> Result<Response, ErrorResponse> {
    let form = RequestParameters::form_with_repeats(exchange.request, server.settings.lenient)?;
    if !is_same_origin(server, exchange, &form) {
        return Ok(cross_site_page(&server.settings));
    }
    let now = exchange.real_now;
    let user_code = form.require("user_code")?;
    let choice = form
        .get("choice")
        .and_then(Choice::named)
        .ok_or_else(|| ErrorResponse::invalid_request("choice must be approve, deny, slow-down or expire"))?;
    let done = match choice {
        Choice::Approve => match chosen_user(&server.people, form.get("user")) {
            Ok(person) => server.approve_as(now, user_code, &person.subject),
            Err(nobody) => return Ok(nobody.page(&server.settings)),
        },
        Choice::Deny => server.deny(now, user_code),
        Choice::SlowDown => server.slow_down(now, user_code),
        Choice::Expire => server.expire(now, user_code),
    };
    Ok(match done {
        Ok(()) => {
            redirect(&Method::POST, &format!("{}#{}", base(exchange), device_logins::anchor(user_code)))
        }
        Err(error) => too_late(server, exchange, error),
    })
}

fn too_late(server: &AuthorizationServer, exchange: &Exchange<'_>, error: ControlError) -> Response {
    let status = match error {
        ControlError::AlreadyDecided => StatusCode::CONFLICT,
        ControlError::Expired => StatusCode::GONE,
        _ => StatusCode::NOT_FOUND,
    };
    Page::new(&server.settings, status, "Nothing was changed").show(&html! {
        h1 { "Nothing was changed" }
        p { "The reason: " (error) "." }
        p { a href=(base(exchange)) { "Back to the device logins" } }
    })
}
