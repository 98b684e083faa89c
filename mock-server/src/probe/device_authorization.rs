//! The device authorization endpoint: RFC 8628 sections 3.1 and 3.2.

use std::collections::BTreeSet;

use serde_json::json;

use super::check::{Met, Miss, checks, expect, expect_error, expect_method_refused, expect_status};
use super::form::escape;
use super::http_client::Request;
use super::logins::{MADE_UP, Probe, part};

checks! {
    "RFC 8628: device authorization"
    METHOD: Must "device-method", "RFC 8628 section 3.1", "405 with Allow for GET";
    CONTENT_TYPE: Must "device-content-type", "RFC 8628 section 3.1", "400 invalid_request for JSON, and for a form under another name";
    CLIENT_ID_MISSING: Must "device-client-id-missing", "RFC 8628 section 3.1",
        "400 invalid_request (or invalid_client) without client_id";
    CLIENT_ID_UNKNOWN: Must "device-client-id-unknown", "RFC 6749 section 5.2", "401 or 400 invalid_client";
    SECRET_WRONG: Must "device-secret-wrong", "RFC 8628 section 3.1, RFC 6749 section 5.2",
        "401 invalid_client and WWW-Authenticate: Basic for a wrong secret with Basic";
    SECRET_MISSING: Must "device-secret-missing", "RFC 8628 section 3.1, RFC 6749 section 3.2.1",
        "invalid_client for a confidential client that does not authenticate";
    GRANT_NOT_ALLOWED: Must "device-grant-not-allowed", "RFC 6749 section 5.2",
        "400 unauthorized_client for a client without the device grant";
    SCOPE_UNKNOWN: Should "device-scope-unknown", "RFC 6749 section 3.3", "400 invalid_scope";
    EMPTY_VALUE: Must "device-empty-value", "RFC 8628 section 3.1", "an empty value counts as left out";
    UNKNOWN_PARAMETER: Must "device-unknown-parameter", "RFC 8628 section 3.1", "an unknown parameter is ignored";
    REPEATED: Must "device-repeated-parameter", "RFC 8628 section 3.1", "400 invalid_request";
    RESOURCE_REPEATS: Should "device-resource-repeats", "RFC 8707 section 2", "resource may come twice";
    ANSWER: Must "device-answer", "RFC 8628 section 3.2",
        "200 with device_code, user_code, verification_uri, expires_in in seconds and, if sent, interval as a number";
    ANSWER_JSON: Must "device-answer-json", "RFC 8628 section 3.2", "application/json";
    ANSWER_NOT_STORED: Should "device-answer-not-stored", "RFC 8628 section 3.2's example", "Cache-Control: no-store";
    INTERVAL: Should "device-interval-sent", "RFC 8628 section 3.2", "interval, which old clients do not default to 5";
    FRESH: Must "device-codes-fresh", "RFC 8628 section 3.2", "other codes for every request";
    ENTROPY: Must "device-code-entropy", "RFC 8628 section 5.2, RFC 6749 section 10.10", "128 bits or more";
    URI: Should "verification-uri-short", "RFC 8628 section 3.3",
        "a URI of at most 60 characters that does not hold the code";
    URI_COMPLETE: Should "verification-uri-complete", "RFC 8628 section 3.3.1", "the same with the user code in it";
    USER_CODE: Should "user-code-form", "RFC 8628 section 6.1",
        "8 letters or more of BCDFGHJKLMNPQRSTVWXZ, or 9 digits or more";
}

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[METHOD], async {
            let answer = probe.send(Request::get(probe.device_endpoint()?)).await?;
            expect_method_refused(&answer)
        }),
        probe.scenario(&[CONTENT_TYPE], content_type(probe)),
        probe.scenario(&[CLIENT_ID_MISSING], async {
            let answer = probe.send(Request::post(probe.device_endpoint()?, &[("scope", "")])).await?;
            expect_error(&answer, &["invalid_request", "invalid_client"])
        }),
        probe.scenario(&[CLIENT_ID_UNKNOWN], async {
            let unknown = [("client_id", "probe-unknown-client")];
            let answer = probe.send(Request::post(probe.device_endpoint()?, &unknown)).await?;
            expect_error(&answer, &["invalid_client"])
        }),
        probe.scenario(&[SECRET_WRONG], secret_wrong(probe)),
        probe.scenario(&[SECRET_MISSING], secret_missing(probe)),
        probe.scenario(&[GRANT_NOT_ALLOWED], grant_not_allowed(probe)),
        probe.scenario(&[SCOPE_UNKNOWN], scope_unknown(probe)),
        probe.scenario(&[EMPTY_VALUE], accepts(probe, &[("scope", "")])),
        probe.scenario(&[UNKNOWN_PARAMETER], accepts(probe, &[("probe_unknown", "x")])),
        probe.scenario(&[REPEATED], repeated(probe)),
        probe.scenario(&[RESOURCE_REPEATS], resource_repeats(probe)),
        probe.scenario(
            &[ANSWER, ANSWER_JSON, ANSWER_NOT_STORED, INTERVAL, FRESH, ENTROPY, URI, URI_COMPLETE, USER_CODE],
            answer(probe)
        ),
    );
}

async fn content_type(probe: &Probe) -> Met {
    let (client, url) = (probe.device_client()?, probe.device_endpoint()?);
    let answer = probe.send(Request::post_json(url, &json!({ "client_id": client.id }))).await?;
    expect_error(&answer, &["invalid_request"])?;
    let misnamed = Probe::request_of(client, url, &[]).with_content_type("text/plain");
    expect_error(&probe.send(misnamed).await?, &["invalid_request"])
}

fn confidential_device(probe: &Probe) -> Result<&super::clients::Client, Miss> {
    let devices = [&probe.clients.other_device, &probe.clients.device];
    let confidential = devices.into_iter().flatten().find(|client| client.secret.is_some());
    part(confidential, "a client of the device grant with a secret")
}

async fn secret_wrong(probe: &Probe) -> Met {
    let client = confidential_device(probe)?;
    // Some servers take an empty body for no form.
    let request = Request::post(probe.device_endpoint()?, &[("scope", "")]);
    let request = request.basic("Basic", &escape(&client.id), MADE_UP);
    let answer = probe.send(request).await?;
    expect_error(&answer, &["invalid_client"])?;
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_ascii_lowercase();
    expect(answer.status == 401 && challenge.contains("basic"), || {
        format!("{} without that challenge", answer.in_words())
    })
}

async fn secret_missing(probe: &Probe) -> Met {
    let client = confidential_device(probe)?;
    let answer = probe.send(Request::post(probe.device_endpoint()?, &[("client_id", &client.id)])).await?;
    expect_error(&answer, &["invalid_client"])
}

async fn grant_not_allowed(probe: &Probe) -> Met {
    let client =
        part(probe.clients.without_device_grant.as_ref(), "a client that may not use the device grant")?;
    let answer = probe.post_as(client, probe.device_endpoint()?, &[("scope", "")]).await?;
    if answer.status == 200 && !probe.target.is_mock_server {
        return Err(Miss::Unknown(format!("the client {} may use the device grant", client.id)));
    }
    expect_error(&answer, &["unauthorized_client"])
}

/// "The authorization server MAY fully or partially ignore the scope requested".
async fn scope_unknown(probe: &Probe) -> Met {
    let scope = [("scope", "probe:unknown-scope")];
    let answer = probe.post_as(probe.device_client()?, probe.device_endpoint()?, &scope).await?;
    if probe.read_device_login(&answer).is_some() {
        return Err(Miss::Nearly("the scope is ignored, as section 3.3 allows".to_owned()));
    }
    expect_error(&answer, &["invalid_scope"])
}

async fn accepts(probe: &Probe, parameters: &[(&str, &str)]) -> Met {
    let answer = probe.post_as(probe.device_client()?, probe.device_endpoint()?, parameters).await?;
    probe.read_device_login(&answer);
    expect_status(&answer, 200)
}

async fn repeated(probe: &Probe) -> Met {
    let twice = [("scope", "openid"), ("scope", "openid")];
    let answer = probe.post_as(probe.device_client()?, probe.device_endpoint()?, &twice).await?;
    expect_error(&answer, &["invalid_request"])
}

async fn resource_repeats(probe: &Probe) -> Met {
    let twice = [("resource", "https://a.example/"), ("resource", "https://b.example/")];
    let answer = probe.post_as(probe.device_client()?, probe.device_endpoint()?, &twice).await?;
    let refused_for_its_value = answer.text("error").as_deref() == Some("invalid_target");
    expect(answer.status == 200 || refused_for_its_value, || answer.in_words())
}

async fn answer(probe: &Probe) -> Met {
    let client = probe.device_client()?;
    let scope: Vec<_> = probe.scope.iter().map(|scope| ("scope", scope.as_str())).collect();
    let answer = probe.post_as(client, probe.device_endpoint()?, &scope).await?;
    let judge = |check, met| probe.ledger.judge(check, met);
    let members = answer.json();
    let interval = &members["interval"];
    let Some(login) = probe.read_device_login(&answer).filter(|_| interval.is_null() || interval.is_u64())
    else {
        judge(ANSWER, Err(Miss::Broken(wrong_members(&answer))));
        return Err(Miss::Unknown("there is no answer to look at".to_owned()));
    };
    judge(ANSWER, Ok(()));
    judge(ANSWER_JSON, expect(answer.media_type() == "application/json", || answer.media_type()));
    judge(ANSWER_NOT_STORED, expect(answer.is_not_stored(), || "without it".to_owned()));
    judge(INTERVAL, expect(interval.is_u64(), || "none".to_owned()));

    let uri = &login.verification_uri;
    let is_http = uri.starts_with("https://") || uri.starts_with("http://");
    let fits = is_http && uri.len() <= 60 && !uri.contains(&login.user_code);
    judge(URI, expect(fits, || format!("{} characters: {uri}", uri.len())));
    let bare = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    judge(
        URI_COMPLETE,
        match &login.verification_uri_complete {
            None => Err(Miss::Broken("none".to_owned())),
            Some(complete) => expect(bare(complete).contains(&bare(&login.user_code)), || complete.clone()),
        },
    );
    let code = bare(&login.user_code);
    let letters = code.len() >= 8 && code.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(c));
    let digits = code.len() >= 9 && code.chars().all(|c| c.is_ascii_digit());
    judge(USER_CODE, expect(letters || digits, || login.user_code.clone()));

    let other = probe.start_device_login().await?;
    let bits = bits_at_most(&login.device_code).min(bits_at_most(&other.device_code));
    judge(ENTROPY, expect(bits >= 128.0, || format!("at most {bits:.0} bits")));
    let codes = probe.user_codes.borrow();
    let distinct: BTreeSet<_> = codes.iter().collect();
    let fresh = other.device_code != login.device_code && distinct.len() == codes.len();
    judge(FRESH, expect(fresh, || "the same code twice".to_owned()));
    Ok(())
}

fn wrong_members(answer: &super::http_client::Answer) -> String {
    if answer.status != 200 {
        return answer.in_words();
    }
    let members = answer.json();
    let texts = ["device_code", "user_code", "verification_uri"];
    let mut wrong: Vec<_> = texts.into_iter().filter(|name| !members[name].is_string()).collect();
    wrong.extend((!members["expires_in"].is_u64()).then_some("expires_in"));
    wrong.extend((!members["interval"].is_null() && !members["interval"].is_u64()).then_some("interval"));
    format!("200 with {} missing or of another type", wrong.join(", "))
}

/// As many as a text of this length and alphabet can hold: a server that has fewer cannot be caught from outside.
pub(super) fn bits_at_most(text: &str) -> f64 {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let bits_each = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        10f64.log2()
    } else if is_hex {
        4.0
    } else {
        6.0
    };
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    f64::from(length) * bits_each
}
