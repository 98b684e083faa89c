//! Token introspection: RFC 7662.

use serde_json::{Value, json};

use super::check::{Met, Miss, checks, expect, expect_method_refused, expect_status};
use super::http_client::{Answer, Request};
use super::logins::{MADE_UP, Probe, part};

checks! {
    "RFC 7662: introspection"
    METHOD: Must "introspection-method", "RFC 7662 section 2.1", "405 with Allow for GET";
    UNAUTHORIZED: Must "introspection-unauthorized", "RFC 7662 section 2.1", "401 for a caller without credentials";
    PUBLIC: Must "introspection-public", "RFC 7662 section 2.1", "401 for a public client that only names itself";
    MISSING: Must "introspection-token-missing", "RFC 7662 section 2.1", "400 without token";
    UNKNOWN: Must "introspection-unknown", "RFC 7662 section 2.2", "200 with {\"active\":false} and nothing else";
    ACTIVE: Must "introspection-active", "RFC 7662 section 2.2", "200 with active true for a good access token";
    MEMBERS: Must "introspection-members", "RFC 7662 section 2.2",
        "scope, client_id, token_type, sub, iss and jti as strings, exp, iat and nbf as numbers, if they are there";
    USEFUL: Should "introspection-useful", "RFC 7662 section 2.2", "scope, client_id, exp, sub and iss";
    NOT_STORED: Should "introspection-not-stored", "RFC 7662 section 4", "Cache-Control: no-store";
    DEVICE_CODE: Must "introspection-device-code", "RFC 7662 section 2.2", "a device_code is no token";
    REFRESH_TOKEN: Should "introspection-refresh-token", "RFC 7662 section 2.1", "active true for a good refresh token";
}

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[METHOD], async {
            expect_method_refused(&probe.send(Request::get(endpoint(probe)?)).await?)
        }),
        probe.scenario(&[UNAUTHORIZED], async {
            let answer = probe.send(Request::post(endpoint(probe)?, &[("token", MADE_UP)])).await?;
            expect_closed(&answer)
        }),
        probe.scenario(&[PUBLIC], async {
            let clients = [&probe.clients.device, &probe.clients.code];
            let public = clients.into_iter().flatten().find(|client| client.secret.is_none());
            let public = part(public, "a public client")?;
            let parameters = [("token", MADE_UP), ("client_id", &*public.id)];
            expect_closed(&probe.send(Request::post(endpoint(probe)?, &parameters)).await?)
        }),
        probe.scenario(&[MISSING], async {
            let introspector = part(probe.clients.introspector.as_ref(), "--confidential-client-id")?;
            expect_status(&probe.post_as(introspector, endpoint(probe)?, &[]).await?, 400)
        }),
        probe.scenario(&[UNKNOWN], async { expect_inactive(&probe.introspect(MADE_UP).await?) }),
        probe.scenario(&[ACTIVE, MEMBERS, USEFUL, NOT_STORED, REFRESH_TOKEN], active(probe)),
        probe.scenario(&[DEVICE_CODE], async {
            endpoint(probe)?;
            let login = probe.start_device_login().await?;
            expect_inactive(&probe.introspect(&login.device_code).await?)
        }),
    );
}

fn endpoint(probe: &Probe) -> Result<&str, Miss> {
    let none = || {
        Miss::Unknown(
            "the metadata names no introspection endpoint, nor does --introspection-endpoint".to_owned(),
        )
    };
    probe.target.introspection_endpoint.as_deref().ok_or_else(none)
}

/// Best 401; any other refusal keeps tokens from being scanned too.
fn expect_closed(answer: &Answer) -> Met {
    match answer.status {
        401 => Ok(()),
        400 | 403 => Err(Miss::Nearly(answer.in_words())),
        _ => Err(Miss::Broken(answer.in_words())),
    }
}

fn expect_inactive(answer: &Answer) -> Met {
    let is_bare = answer.json() == json!({ "active": false });
    expect(answer.status == 200 && is_bare, || format!("{} with something else", answer.in_words()))
}

async fn active(probe: &Probe) -> Met {
    endpoint(probe)?;
    part(probe.clients.introspector.as_ref(), "--confidential-client-id")?;
    let tokens = probe.sign_in().await?;
    let answer = probe.introspect(&tokens.access_token).await?;
    let judge = |check, met| probe.ledger.judge(check, met);
    let members = answer.json();
    if answer.status == 200 && members == json!({ "active": false }) && !probe.target.is_mock_server {
        // "the authorization server MAY [...] not have the right to know about this particular token"
        return Err(Miss::Unknown("the confidential client may not see tokens of other clients".to_owned()));
    }
    judge(ACTIVE, expect(answer.status == 200 && members["active"] == true, || answer.in_words()));
    let wrong = |names: &[&'static str], fits: fn(&Value) -> bool| {
        let given = names.iter().filter(|name| !members[**name].is_null());
        given.filter(|name| !fits(&members[**name])).copied().collect::<Vec<_>>()
    };
    let mut of_wrong_type =
        wrong(&["scope", "client_id", "token_type", "username", "sub", "iss", "jti"], Value::is_string);
    of_wrong_type.extend(wrong(&["exp", "iat", "nbf"], Value::is_i64));
    judge(
        MEMBERS,
        expect(of_wrong_type.is_empty(), || format!("another type for {}", of_wrong_type.join(", "))),
    );
    let useful = ["scope", "client_id", "exp", "sub", "iss"];
    let left_out: Vec<_> = useful.into_iter().filter(|name| members[name].is_null()).collect();
    judge(USEFUL, expect(left_out.is_empty(), || format!("no {}", left_out.join(", "))));
    judge(NOT_STORED, expect(answer.is_not_stored(), || "without it".to_owned()));
    judge(
        REFRESH_TOKEN,
        match &tokens.refresh_token {
            None => Err(Miss::Unknown("the login gave no refresh token".to_owned())),
            Some(token) => {
                let answer = probe.introspect(token).await?;
                expect(answer.json()["active"] == true, || answer.in_words())
            }
        },
    );
    Ok(())
}
