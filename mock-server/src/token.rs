//! The token endpoint: RFC 6749 section 3.2.

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::client_authentication::authenticate;
use crate::clients::grant_type;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::grants::{authorization_code, client_credentials, device_code, refresh_token};
use crate::http_response::Response;
use crate::printable::printable;
use crate::request_parameters::RequestParameters;

pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("POST")?;
    let parameters = RequestParameters::from_form(exchange.request, server.settings.lenient)?;
    exchange.note.grant_type = parameters.get("grant_type").map(printable);
    let client = authenticate(server, exchange, &parameters)?;

    let grant_type = parameters.require("grant_type")?;
    let grant = match grant_type {
        grant_type::AUTHORIZATION_CODE => authorization_code::redeem,
        grant_type::CLIENT_CREDENTIALS => client_credentials::issue,
        grant_type::DEVICE_CODE => device_code::redeem,
        grant_type::REFRESH_TOKEN => refresh_token::redeem,
        _ => {
            return Err(ErrorResponse::new(
                "unsupported_grant_type",
                format!("this server knows the grant types {}", grant_type::ALL.join(", ")),
            )
            .because(Check::GrantType, printable(grant_type)));
        }
    };
    server.may_use(&client, grant_type)?;
    grant(server, exchange, &client, &parameters)
}
