//! Literal answers of real servers, and what is to be read in them: `tests/fixtures/provider-vectors.jsonl`
//! and, where the environment names one, the file `PROVIDER_VECTORS` of the same format.
//!
//! Compared is the answer, parsed and classified; what a login decides upon it has tests of its own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oauth_protocol::{
    AccessTokenResponse, ClientAuthentication, DeviceAuthorizationResponse, EndpointPolicy, EndpointUrl,
    Error, ErrorCode, ExtraParameters, HttpResponse, InvalidResponse, RefreshTokenRequest, Scope, Secret,
};
use serde_json::{Map, Value, json};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const OLD_REFRESH_TOKEN: &str = "the one before";

#[test]
fn every_vector_is_read_as_it_should_be() {
    assert_eq!(check_file(&Path::new(WORKSPACE).join("tests/fixtures/provider-vectors.jsonl")), 86);
}

#[test]
fn every_vector_of_the_file_named_in_the_environment_is_read_as_it_should_be() {
    if let Some(named) = std::env::var_os("PROVIDER_VECTORS") {
        let named = PathBuf::from(named);
        // Cargo runs tests in the package's directory; people name files from where they are.
        let from_workspace = Path::new(WORKSPACE).join(&named);
        assert!(check_file(if named.exists() { &named } else { &from_workspace }) > 0, "no vector in it");
    }
}

/// Says how many vectors the file holds, past the test harness, which shows no output of what passes.
fn check_file(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut wrong = Vec::new();
    let mut count = 0;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        count += 1;
        let vector =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", number + 1));
        if let Err(difference) = check(&vector) {
            wrong.push(format!("line {}, {}: {difference}\n  {line}", number + 1, vector["provider"]));
        }
    }
    let name = path.file_name().unwrap_or_default().display();
    let mut output = std::io::stdout().lock();
    writeln!(output, "{name}: {count} vectors, {} as expected", count - wrong.len()).expect("stdout is open");
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    count
}

fn check(vector: &Value) -> Result<(), String> {
    let expected = vector["expected"].as_object().ok_or("nothing is expected")?;
    let answer = Answer::of(vector);
    if expected.get("profile_required").and_then(Value::as_bool) == Some(true) {
        return match differences(expected, &answer.read) {
            // The class alone decides with errors: without the profile, not even that may be guessed.
            _ if expected["kind"] == "error" && answer.read["kind"] == "error" => {
                if expected["error"] == answer.read["error"] {
                    Err("an error that needs a profile was recognised without it".into())
                } else {
                    Ok(())
                }
            }
            Ok(()) => Err("what needs a profile was read without it".into()),
            Err(_) => Ok(()),
        };
    }
    differences(expected, &answer.read)?;
    answer.is_refused_for_display_where_it_must_be()
}

fn differences(expected: &Map<String, Value>, read: &Value) -> Result<(), String> {
    for (name, value) in expected {
        let own = &read[name.as_str()];
        let is_equal = match (name.as_str(), value) {
            // What a caller makes of it, no part of the answer.
            ("profile_required" | "treat_as", _) => true,
            ("extra", Value::Object(extra)) => extra.iter().all(|(name, value)| own[name] == *value),
            // Already over, however long ago.
            ("expires_in_s", Value::Number(number)) if number.as_f64() < Some(0.0) => *own == json!(0),
            ("expires_in_s" | "interval_s" | "provider_code", Value::Number(number)) => {
                own.as_f64() == number.as_f64()
            }
            _ => own == value,
        };
        if !is_equal {
            return Err(format!("{name} is {own} and not {value}"));
        }
    }
    Ok(())
}

/// An answer in the words of the vectors.
struct Answer {
    read: Value,
    device: Option<DeviceAuthorizationResponse>,
}

impl Answer {
    fn of(vector: &Value) -> Self {
        let response = response(vector);
        let is_device_authorization = vector["step"] == "device_authorization";
        if is_device_authorization {
            return match DeviceAuthorizationResponse::process_response(&response) {
                Ok(codes) => Self { read: device(&codes), device: Some(codes) },
                Err(error) => Self { read: refused(&error, response.status(), true), device: None },
            };
        }
        // Only a refresh has an old token to keep.
        let is_refresh = vector["step"].as_str().is_some_and(|step| step.contains("refresh"))
            || vector["expected"]["refresh_token"] == "KEEP_OLD";
        let answer = if is_refresh {
            refresh().process_response(&response)
        } else {
            AccessTokenResponse::process_response(&response)
        };
        let read =
            answer.map_or_else(|error| refused(&error, response.status(), false), |answer| token(&answer));
        Self { read, device: None }
    }

    /// Whatever parses, a page that is not https is not shown, unless it is this machine's own.
    fn is_refused_for_display_where_it_must_be(&self) -> Result<(), String> {
        let Some(codes) = &self.device else { return Ok(()) };
        let is_shown = codes.clone().check_for_display(&EndpointPolicy::new()).is_ok();
        let uri = codes.verification_uri.as_str();
        let is_safe =
            ["https://", "http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|start| {
                uri.strip_prefix(start)
                    .is_some_and(|rest| start.ends_with('/') || rest.starts_with([':', '/']))
            });
        if is_shown == is_safe { Ok(()) } else { Err(format!("{uri} is shown: {is_shown}")) }
    }
}

fn response(vector: &Value) -> HttpResponse {
    let status = vector["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers: Vec<(String, String)> = vector["headers"]
        .as_object()
        .map(|headers| headers.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        .unwrap_or_default();
    let body = if vector["body"].is_null() { String::new() } else { text(&vector["body"]) };
    HttpResponse::new(status, headers, body)
}

fn refresh() -> RefreshTokenRequest {
    RefreshTokenRequest::new(
        ClientAuthentication::none("client").unwrap(),
        EndpointUrl::parse("https://server.example.com/token").unwrap(),
        Secret::from(OLD_REFRESH_TOKEN),
    )
}

fn values(extra: &ExtraParameters) -> Map<String, Value> {
    extra.names().filter_map(|name| Some((name.to_owned(), extra.value(name)?))).collect()
}

fn device(codes: &DeviceAuthorizationResponse) -> Value {
    json!({
        "kind": "device",
        "device_code": codes.device_code.expose(),
        "user_code": codes.user_code,
        "verification_uri": codes.verification_uri,
        "verification_uri_complete": codes.verification_uri_complete,
        "expires_in_s": codes.expires_in.as_ref().map(Duration::as_secs),
        "interval_s": codes.interval.as_secs(),
        "extra": values(&codes.extra),
    })
}

fn token(answer: &AccessTokenResponse) -> Value {
    let refresh_token = answer.refresh_token.as_ref().map(|token| match token.expose() {
        OLD_REFRESH_TOKEN => "KEEP_OLD",
        new => new,
    });
    json!({
        "kind": "token",
        "access_token": answer.access_token.expose(),
        "token_type": answer.token_type.as_str(),
        "scopes": answer.scope.as_ref().map(|scope| Scope::values(scope).collect::<Vec<_>>()),
        "expires_in_s": answer.expires_in.as_ref().map(Duration::as_secs),
        "refresh_token": refresh_token,
        "id_token": answer.id_token.as_ref().map(Secret::expose),
        "extra": values(&answer.extra),
    })
}

fn refused(error: &Error, status: u16, is_device_authorization: bool) -> Value {
    let class = match error {
        // There is nothing to poll for yet: a limit on asking for codes.
        Error::Refused(refusal)
            if is_device_authorization && (status == 429 || refusal.error == ErrorCode::SlowDown) =>
        {
            "rate_limited"
        }
        Error::Refused(refusal) => refusal.error.as_str(),
        Error::Unavailable(unavailable) if unavailable.status == 429 => "rate_limited",
        Error::Unavailable(_) => "transient_http",
        Error::Redirected(_) => "redirect_refused",
        Error::InvalidResponse(InvalidResponse::NoDeviceAuthorizationEndpoint) => "device_flow_unsupported",
        Error::InvalidResponse(_) => "malformed_response",
        other => panic!("no answer leads to {other:?}"),
    };
    let refusal = match error {
        Error::Refused(refusal) => Some(refusal),
        _ => None,
    };
    json!({
        "kind": "error",
        "error": class,
        "raw_error": refusal.map(|refusal| refusal.raw_error.as_sent()),
        "error_description": refusal.and_then(|refusal| Some(refusal.error_description.as_ref()?.as_sent())),
        "provider_code": refusal.and_then(|refusal| refusal.provider_code),
        "interval_s": refusal.and_then(|refusal| refusal.interval),
    })
}
