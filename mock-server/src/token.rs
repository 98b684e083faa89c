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
    if server.tokens.is_full(exchange.now) {
        return Err(ErrorResponse::full_table(
            "too many tokens are good: let some expire, or reset the server",
        ));
    }
    grant(server, exchange, &client, &parameters)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::time::Duration;

    use hyper::body::Bytes;
    use hyper::{Request, StatusCode};

    use crate::answer::Answer;
    use crate::authorization_server::AuthorizationServer;
    use crate::clock::Timestamp;
    use crate::issued_tokens::{AccessToken, CAPACITY, Grant};
    use crate::scope::Scope;
    use crate::settings::Settings;

    fn ask_for_token(server: &mut AuthorizationServer, now: Timestamp) -> hyper::Response<Bytes> {
        let request = Request::post("/token")
            .header("host", "127.0.0.1:8080")
            .header("content-type", "application/x-www-form-urlencoded");
        let form = "grant_type=client_credentials&client_id=service&client_secret=service-secret";
        let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
        match server.handle(now, peer, &request.body(Bytes::from_static(form.as_bytes())).unwrap()) {
            Answer::Respond(response) => response,
            answer => panic!("{answer:?}"),
        }
    }

    #[test]
    fn a_full_table_of_tokens_says_so_and_empties_itself() {
        let now = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
        let mut server = AuthorizationServer::new(Settings::new(8080), now);
        let scope = Scope::requested(None, &server.supported_scopes()).unwrap();
        let client = server.client("service").unwrap();
        let hour = Duration::from_secs(60 * 60);
        for number in 1..CAPACITY {
            let grant = server.tokens.add_grant(Grant {
                client: Arc::clone(&client),
                person: None,
                scope: scope.clone(),
                nonce: None,
                authorized_at: now,
            });
            let token = AccessToken {
                grant,
                scope: scope.clone(),
                issuer: "".into(),
                jti: String::new(),
                issued_at: now,
                expires_at: now + hour,
            };
            server.tokens.remember_access_token(now, &number.to_string(), token);
        }
        assert_eq!(ask_for_token(&mut server, now).status(), StatusCode::OK);
        let refused = ask_for_token(&mut server, now);
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "60");
        assert!(String::from_utf8_lossy(refused.body()).contains("\"temporarily_unavailable\""));
        assert_eq!(ask_for_token(&mut server, now + hour).status(), StatusCode::OK);
    }
}
