//! How a provider says to client programs what the RFCs say otherwise: the last step of an answer.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Request, StatusCode};
use serde_json::{Map, Value};

use crate::clients::grant_type;
use crate::endpoint::Endpoint;
use crate::http_response::{Response, with_query};

/// Whose words the token and device authorization endpoints use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerShape {
    /// RFC 6749 section 5 and RFC 8628 section 3.
    Rfc,
    /// Polls are refused with `error` alone, an unknown device code with 404.
    DjangoOauthToolkit,
    /// Errors as `{code, message, requestId, docs}`.
    Nomos,
    /// Errors with status 200; forms unless `Accept` asks for JSON.
    Github,
}

/// Says `response` in the words of `shape`; `interval` is what a polling device has to wait from now on, `request_id` a
/// name for this answer alone.
pub(crate) fn reshape(
    shape: AnswerShape,
    endpoint: Endpoint,
    request: &Request<Bytes>,
    grant_type: Option<&str>,
    interval: Option<Duration>,
    request_id: impl FnOnce() -> String,
    response: Response,
) -> Response {
    let speaks = matches!(
        endpoint,
        Endpoint::Token | Endpoint::DeviceAuthorization | Endpoint::Revocation | Endpoint::Introspection
    );
    if shape == AnswerShape::Rfc || !speaks {
        return response;
    }
    let Ok(Value::Object(mut members)) = serde_json::from_slice(response.body()) else {
        return response;
    };
    let (mut head, _) = response.into_parts();
    match shape {
        AnswerShape::DjangoOauthToolkit if grant_type == Some(grant_type::DEVICE_CODE) => {
            if let Some(error) = members.remove("error") {
                members.clear();
                // Here the code was found nowhere; one that was redeemed stays an `invalid_grant`.
                let is_unknown = error == "invalid_grant" && interval.is_none();
                if is_unknown {
                    head.status = StatusCode::NOT_FOUND;
                }
                members.insert("error".into(), if is_unknown { "device_not_found".into() } else { error });
            }
        }
        AnswerShape::Rfc | AnswerShape::DjangoOauthToolkit => {}
        AnswerShape::Nomos => {
            if let Some(code) = members.remove("error") {
                let message = members.remove("error_description").unwrap_or_default();
                let docs = members.remove("error_uri").unwrap_or_else(|| "https://docs.nomos.energy".into());
                members = Map::new();
                members.insert("code".into(), code);
                members.insert("message".into(), message);
                members.insert("requestId".into(), request_id().into());
                members.insert("docs".into(), docs);
            }
        }
        AnswerShape::Github => {
            if endpoint == Endpoint::Token {
                speak_as_github(&mut members, grant_type, interval);
                head.status = StatusCode::OK;
            }
            if !wants_json(request) {
                let form = to_form(&members);
                let media_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
                head.headers.insert(CONTENT_TYPE, media_type);
                return Response::from_parts(head, Bytes::from(form));
            }
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        }
    }
    Response::from_parts(head, Bytes::from(Value::Object(members).to_string()))
}

fn speak_as_github(members: &mut Map<String, Value>, grant_type: Option<&str>, interval: Option<Duration>) {
    let Some(error) = members.get("error").and_then(Value::as_str) else {
        for unknown_there in ["expires_in", "refresh_token", "id_token"] {
            members.remove(unknown_there);
        }
        members.insert("token_type".into(), "bearer".into());
        if let Some(scope) = members.get("scope").and_then(Value::as_str) {
            let with_commas = scope.replace(' ', ",");
            members.insert("scope".into(), with_commas.into());
        }
        return;
    };
    let theirs = match (error, grant_type) {
        ("invalid_grant", Some(grant_type::DEVICE_CODE)) => "incorrect_device_code",
        ("invalid_grant", Some(grant_type::AUTHORIZATION_CODE)) => "bad_verification_code",
        ("invalid_client", _) => "incorrect_client_credentials",
        (error, _) => error,
    };
    let is_slow_down = error == "slow_down";
    let theirs = Value::from(theirs);
    members.insert("error".into(), theirs);
    if let Some(interval) = interval.filter(|_| is_slow_down) {
        members.insert("interval".into(), interval.as_secs().into());
    }
}

fn wants_json(request: &Request<Bytes>) -> bool {
    let accepts = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|media_type| {
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/json")
    })
}

fn to_form(members: &Map<String, Value>) -> String {
    let texts: Vec<(&str, String)> = members
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let pairs: Vec<(&str, &str)> = texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    with_query("", &pairs).split_off(usize::from(!pairs.is_empty()))
}
