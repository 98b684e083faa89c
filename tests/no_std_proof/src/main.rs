//! Proof that `oauth-protocol` signs in without std: no libc, its own start, heap and panic handler.
//!
//! A dependency that pulls std in makes a second panic handler, and this program does not build (E0152).
//! Exit status: 0 signed in; else the number of the step that went wrong, or 101 after a panic.
#![no_std]
#![no_main]

mod freestanding;

use oauth_protocol::{
    Action, ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointUrl, HttpResponse, Instant,
    PendingLogin, PollingPolicy, Scope, TransportFailure,
};

/// What the server and the network do, one entry a request.
const SCRIPT: &[Exchange] = &[
    Exchange::Failure(TransportFailure::Connect),
    Exchange::Answer(
        200,
        r#"{"device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", "user_code": "WDJB-MJHT",
            "verification_uri": "https://example.com/device", "expires_in": 1800, "interval": 5}"#,
    ),
    Exchange::Answer(400, r#"{"error": "authorization_pending"}"#),
    Exchange::Answer(400, r#"{"error": "slow_down", "interval": "7.5"}"#),
    Exchange::Answer(503, "<html>"),
    Exchange::Failure(TransportFailure::Timeout),
    Exchange::Answer(
        200,
        r#"{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "bearer", "expires_in": 3600,
            "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA", "scope": "openid"}"#,
    ),
];

enum Exchange {
    Answer(u16, &'static str),
    Failure(TransportFailure),
}

/// The whole login in virtual time; the number of the step that went wrong.
fn sign_in() -> Result<(), u8> {
    let request = request().ok_or(1)?;
    let mut grant = DeviceCodeGrant::new(request.clone(), PollingPolicy::default(), 1);
    let mut now = Instant::from_millis(0);
    let mut script = SCRIPT.iter();
    let mut shown = false;
    for _ in 0..100 {
        match grant.poll(now) {
            Action::WaitUntil(moment) => now = moment,
            Action::ShowUserCode(codes) => shown = codes.user_code == "WDJB-MJHT",
            Action::Send(sent) => {
                if sent.body().is_empty() {
                    return Err(2);
                }
                match script.next().ok_or(3)? {
                    Exchange::Failure(failure) => grant.handle_transport_failure(now, *failure),
                    Exchange::Answer(status, body) => {
                        let headers = [("content-type", "application/json")];
                        grant.handle_response(now, &HttpResponse::new(*status, headers, *body));
                        grant = through_deep_sleep(grant, &request, now)?;
                    }
                }
            }
            Action::Finished(result) => {
                let token = result.map_err(|_| 4)?;
                let is_whole = token.access_token.expose() == "2YotnFZFEjr1zCsicMWpAA"
                    && token.scope.as_ref().is_some_and(|scope| scope.is_same_as(&Scope::parse("openid")))
                    && token.refresh_token.is_some();
                return if is_whole && shown && script.next().is_none() { Ok(()) } else { Err(5) };
            }
        }
    }
    Err(6)
}

fn request() -> Option<DeviceCodeRequest> {
    let client = ClientAuthentication::client_secret_basic("1406020730", "secret").ok()?;
    let device_authorization_endpoint = EndpointUrl::parse("https://server.example.com/device").ok()?;
    let token_endpoint = EndpointUrl::parse("https://server.example.com/token").ok()?;
    let request = DeviceCodeRequest::new(client, device_authorization_endpoint, token_endpoint);
    Some(request.with_scope(&Scope::parse("openid")))
}

/// A login is stored as text and taken up again, as a device does that sleeps between two polls.
fn through_deep_sleep(
    grant: DeviceCodeGrant,
    request: &DeviceCodeRequest,
    now: Instant,
) -> Result<DeviceCodeGrant, u8> {
    let Some(pending) = grant.snapshot(now) else { return Ok(grant) };
    let pending = PendingLogin::from_json(&pending.expose_json()).map_err(|_| 7)?;
    Ok(DeviceCodeGrant::resume(request.clone(), PollingPolicy::default(), pending, None, now))
}
