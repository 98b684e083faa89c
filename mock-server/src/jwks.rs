//! The public halves of the signing keys as a JWK set: RFC 7517 section 5.

use hyper::StatusCode;
use serde_json::json;

use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, json, open_to_all_origins};
use crate::signing::public_keys;

/// Both keys, whichever signs: a set of keys may hold more than is in use.
pub(crate) fn respond(exchange: &Exchange<'_>) -> Result<Response, ErrorResponse> {
    exchange.allow("GET")?;
    Ok(open_to_all_origins(json(StatusCode::OK, &json!({ "keys": public_keys() }))))
}
