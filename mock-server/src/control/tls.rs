//! `/_control/tls`: certificates that a client must not trust, and the authority that it may.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::body::Members;
use super::refuse;
use crate::authorization_server::AuthorizationServer;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, json_no_store, no_store, with_body};
use crate::tls_faults::TlsFault;

/// POST sets the fault of the next connections, GET shows it, DELETE takes it away.
pub(super) fn respond(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST, DELETE")?;
    refuse_tenants(server)?;
    let method = exchange.request.method();
    if method == Method::POST {
        let members = Members::of(exchange, &["fault", "connections"])?;
        let fault: TlsFault = members.require("fault")?.parse().map_err(ErrorResponse::invalid_request)?;
        server.break_handshakes(fault, members.whole("connections")?).map_err(refuse)?;
        return Ok(no_store(empty(StatusCode::NO_CONTENT)));
    }
    if method == Method::DELETE {
        server.tls_faults.set(None, None);
        return Ok(no_store(empty(StatusCode::NO_CONTENT)));
    }
    let faults = &server.tls_faults;
    let answer = json!({
        "tls": server.settings.tls,
        "fault": faults.fault,
        "connections": faults.connections.filter(|_| faults.fault.is_some()),
        "struck": faults.struck,
    });
    Ok(json_no_store(StatusCode::OK, &answer))
}

/// The certificate of the authority that signed the server's, for clients to trust.
pub(super) fn authority(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET")?;
    refuse_tenants(server)?;
    let pem = server.settings.ca_certificate_pem.clone().ok_or_else(|| {
        ErrorResponse::new("not_found", "the server made no certificate: start it with --tls")
            .with_status(StatusCode::NOT_FOUND)
    })?;
    Ok(no_store(with_body(StatusCode::OK, "application/x-pem-file", pem)))
}

fn refuse_tenants(server: &AuthorizationServer) -> Result<(), ErrorResponse> {
    if server.name.is_none() {
        return Ok(());
    }
    Err(ErrorResponse::new("not_found", "connections are the whole server's: ask /_control/tls")
        .with_status(StatusCode::NOT_FOUND))
}
