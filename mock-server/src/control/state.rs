//! `/_control` for what a test sets up: clients, users, tokens, the clock and tenants.

use hyper::StatusCode;
use serde_json::json;

use super::body::{Members, read};
use super::refuse;
use crate::authorization_server::AuthorizationServer;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, json_no_store, no_store};
use crate::minting::Mint;
use crate::person::Person;
use crate::routes::Control;

pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    control: &Control,
) -> Result<Response, ErrorResponse> {
    let method = exchange.request.method().as_str();
    match control {
        Control::Clients => {
            exchange.allow("GET, POST")?;
            if method == "POST" {
                return put_client(server, read(exchange)?);
            }
            Ok(json_no_store(StatusCode::OK, &json!({ "clients": server.clients().collect::<Vec<_>>() })))
        }
        Control::Client { client_id } => {
            exchange.allow("GET, DELETE")?;
            if method == "DELETE" {
                return removed(server.remove_client(client_id));
            }
            let client = server.clients.find(client_id).ok_or_else(nothing_here)?;
            Ok(json_no_store(StatusCode::OK, &json!(**client)))
        }
        Control::Users => {
            exchange.allow("GET, POST")?;
            if method == "POST" {
                let person: Person = read(exchange)?;
                if person.subject.is_empty() {
                    return Err(ErrorResponse::invalid_request("sub must not be empty"));
                }
                let status = created_or_replaced(server.put_user(person.clone()));
                return Ok(json_no_store(status, &json!(person)));
            }
            Ok(json_no_store(StatusCode::OK, &json!({ "users": server.users().collect::<Vec<_>>() })))
        }
        Control::User { subject } => {
            exchange.allow("GET, DELETE")?;
            if method == "DELETE" {
                return removed(server.remove_user(subject));
            }
            let person = server.people.find(subject).ok_or_else(nothing_here)?;
            Ok(json_no_store(StatusCode::OK, &json!(**person)))
        }
        Control::Tokens => {
            exchange.allow("POST")?;
            let mint: Mint = read(exchange)?;
            let tokens = server.mint_as(exchange.issuance(), &mint).map_err(refuse)?;
            Ok(json_no_store(StatusCode::OK, &tokens))
        }
        Control::Tenants => {
            exchange.allow("GET")?;
            Ok(json_no_store(StatusCode::OK, &json!({ "tenants": server.tenants().collect::<Vec<_>>() })))
        }
        Control::Tenant { name } => {
            exchange.allow("DELETE")?;
            removed(server.remove_tenant(name))
        }
        _ => control_clock(server, exchange, control),
    }
}

fn control_clock(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    control: &Control,
) -> Result<Response, ErrorResponse> {
    let now = exchange.real_now;
    match control {
        Control::FreezeClock => {
            exchange.allow("POST")?;
            server.freeze_clock(now);
        }
        Control::ThawClock => {
            exchange.allow("POST")?;
            server.thaw_clock(now);
        }
        Control::AdvanceClock => {
            exchange.allow("POST")?;
            server.advance(Members::of(exchange, &["seconds"])?.seconds("seconds")?);
        }
        Control::SetClock => {
            exchange.allow("POST")?;
            let to = Members::of(exchange, &["now"])?.seconds("now")?;
            server.set_clock(now, Timestamp::from_unix(to));
        }
        _ => exchange.allow("GET")?,
    }
    let shown = server.virtual_time(now).unix_seconds();
    Ok(json_no_store(StatusCode::OK, &json!({ "now": shown, "frozen": server.clock_is_frozen() })))
}

fn put_client(server: &mut AuthorizationServer, client: Client) -> Result<Response, ErrorResponse> {
    if client.id.is_empty() {
        return Err(ErrorResponse::invalid_request("client_id must not be empty"));
    }
    let answer = json!(client);
    Ok(json_no_store(created_or_replaced(server.put_client(client)), &answer))
}

const fn created_or_replaced(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

fn removed(was_there: bool) -> Result<Response, ErrorResponse> {
    if was_there { Ok(no_store(empty(StatusCode::NO_CONTENT))) } else { Err(nothing_here()) }
}

fn nothing_here() -> ErrorResponse {
    ErrorResponse::new("not_found", "there is nothing of this name").with_status(StatusCode::NOT_FOUND)
}
