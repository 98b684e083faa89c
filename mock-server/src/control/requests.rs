//! `/_control/requests`: what clients did.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::body::{number_in_query, wait_in_query};
use crate::answer::{NotYet, StreamRequests};
use crate::authorization_server::AuthorizationServer;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, json_no_store, no_store, with_body};
use crate::journal::RecordedRequest;
use crate::request_parameters::RequestParameters;

/// All requests; with `since=N` those of clients after the Nth, numbered and explained, waiting for one with `wait=S`.
pub(super) fn list(server: &AuthorizationServer, exchange: &Exchange<'_>) -> Result<Response, ErrorResponse> {
    let query = query(exchange)?;
    let since = number_in_query("since", given(&query, "since"))?;
    let wait = wait_in_query(given(&query, "wait"))?;
    let Some(since) = since else {
        let requests: Vec<Value> = server.requests().map(describe).collect();
        return Ok(json_no_store(StatusCode::OK, &json!({ "requests": requests })));
    };
    let requests: Vec<Value> = requests_after(server, since).map(|(_, request)| request).collect();
    let is_empty = requests.is_empty();
    let answer = json!({ "requests": requests, "next": server.journal.recorded() });
    let mut response = json_no_store(StatusCode::OK, &answer);
    if is_empty && !wait.is_zero() {
        response.extensions_mut().insert(NotYet(wait));
    }
    Ok(response)
}

/// What clients (not tests) asked after the request of this number, with numbers and explanations.
pub(crate) fn requests_after(server: &AuthorizationServer, since: u64) -> impl Iterator<Item = (u64, Value)> {
    let of_clients = |(_, request): &(u64, &RecordedRequest)| is_of_client(server, request);
    server.journal.after(since).filter(of_clients).map(|(number, request)| {
        let mut described = describe(request);
        described["number"] = number.into();
        described["refused"] = request.explanation.as_ref().map_or(Value::Null, |explanation| {
            json!({
                "check": explanation.check.name(),
                "section": explanation.check.section(),
                "expected": explanation.check.expected(),
                "got": explanation.got,
            })
        });
        (number, described)
    })
}

/// Whether a client or its user made this request: on `/_control` and on the home page it is who tests them.
pub(crate) fn is_of_client(server: &AuthorizationServer, request: &RecordedRequest) -> bool {
    let path = request.path.as_str();
    let is_home = path == "/" || path.strip_suffix('/').unwrap_or(path) == server.issuer_path;
    !path.contains("/_control/") && !is_home
}

/// Asks the listener for server-sent events in place of a body.
pub(super) fn stream(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    let query = query(exchange)?;
    let since = number_in_query("since", given(&query, "since"))?;
    let since = since.unwrap_or(server.journal.recorded());
    let with_changes = query.get("changes") == Some("true");
    let mut response = no_store(with_body(StatusCode::OK, "text/event-stream", String::new()));
    response.extensions_mut().insert(StreamRequests { tenant: server.name.clone(), since, with_changes });
    Ok(response)
}

fn query(exchange: &Exchange<'_>) -> Result<RequestParameters, ErrorResponse> {
    RequestParameters::with_repeats(exchange.request.uri().query().unwrap_or_default())
}

/// Also where nothing follows the name: that is no number.
fn given<'a>(query: &'a RequestParameters, name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn describe(request: &RecordedRequest) -> Value {
    json!({
        "method": request.method,
        "path": request.path,
        "at": request.at.as_secs_f64(),
        "status": request.status,
        "grant_type": request.grant_type,
        "client_id": request.client_id,
        "error": request.error,
        "gap": request.gap.map(|gap| gap.as_secs_f64()),
    })
}
