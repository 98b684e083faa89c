//! A network and a clock of nothing but a script: what there is on a machine without a network.

use core::cell::Cell;
use core::time::Duration;

use embedded_demo::{Clock, Transport};
use oauth_protocol::{HttpRequest, HttpResponse, Instant, TransportFailure};

/// What comes of one request: the path that it has to be for, and the answer.
type Step = (&'static str, Result<(u16, &'static str), TransportFailure>);

const CODES: Step = (
    "/device-authorization",
    Ok((
        200,
        r#"{"device_code":"a-secret-device-code","user_code":"WDJB-MJHT","expires_in":600,"interval":5,
            "verification_uri":"https://auth.example.com/device"}"#,
    )),
);
const PENDING: Step = ("/token", Ok((400, r#"{"error":"authorization_pending"}"#)));
const TOKEN: Step = (
    "/token",
    Ok((
        200,
        r#"{"access_token":"a-secret-access-token","token_type":"Bearer","expires_in":3600,
            "refresh_token":"a-secret-refresh-token"}"#,
    )),
);
const RESOURCE: Step = ("/resource", Ok((200, r#"{"sub":"alice"}"#)));

/// What `scenario` wants to see.
const SCRIPT: &[Step] = &[
    CODES,
    PENDING,
    ("/token", Ok((400, r#"{"error":"access_denied"}"#))),
    CODES,
    PENDING,
    ("/token", Ok((503, "<html>"))),
    ("/token", Err(TransportFailure::Connect)),
    ("/token", Ok((400, r#"{"error":"slow_down"}"#))),
    PENDING,
    TOKEN,
    RESOURCE,
    TOKEN,
    RESOURCE,
];

/// How far the script is, and what time it is.
#[derive(Default)]
pub struct Script {
    position: Cell<usize>,
    now: Cell<Instant>,
}

impl Script {
    /// Whether every request was made, and no other.
    pub fn is_over(&self) -> bool {
        self.position.get() == SCRIPT.len()
    }
}

impl Transport for &Script {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        let position = self.position.get();
        self.position.set(position.saturating_add(1));
        match SCRIPT.get(position) {
            Some((path, answer)) if request.url().path_and_query() == *path => {
                let (status, body) = (*answer)?;
                Ok(HttpResponse::new(status, [("content-type", "application/json")], body))
            }
            // Not what the script has: it is never over after this.
            _ => {
                self.position.set(usize::MAX);
                Err(TransportFailure::NotHttp)
            }
        }
    }
}

/// Time passes when somebody waits for it.
impl Clock for &Script {
    fn now(&mut self) -> Instant {
        // An exchange takes its time as well.
        let now = self.now.get().saturating_add(Duration::from_millis(1));
        self.now.set(now);
        now
    }

    fn sleep_until(&mut self, moment: Instant) {
        self.now.set(moment.max(self.now.get()));
    }
}
