//! One login, and a server's answers to it.

use oauth_protocol::{AccessTokenResponse, Error, HttpResponse, Scope};
use oauth_token_store::{RefreshPoint, TokenKey, TokenRecord, UnixTime};

/// When the person signed in.
pub(crate) const LOGIN_AT: u64 = 1_700_000_000;

pub(crate) fn key() -> TokenKey {
    TokenKey::new("https://auth.example.com", "device", "me")
}

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

pub(crate) fn answer(status: u16, json: &str) -> Result<AccessTokenResponse, Error> {
    let headers = [("content-type", "application/json")];
    AccessTokenResponse::process_response(&HttpResponse::new(status, headers, json.as_bytes()))
}

/// Refreshed from 80 % of its life on.
pub(crate) fn record_of(json: &str) -> TokenRecord {
    let requested = Scope::parse("openid offline_access");
    let point = RefreshPoint::from_random(100);
    TokenRecord::new(key(), &answer(200, json).unwrap(), &requested, at(LOGIN_AT), point)
}

/// Lives for 1000 seconds, and is refreshed after 800.
pub(crate) fn record() -> TokenRecord {
    record_of(
        r#"{"access_token":"access-1","token_type":"Bearer","expires_in":1000,"refresh_token":"refresh-1"}"#,
    )
}
