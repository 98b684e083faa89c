//! Token revocation: RFC 7009.

use super::check::{Met, Miss, checks, expect, expect_error, expect_method_refused, expect_status};
use super::form::escape;
use super::http_client::Request;
use super::logins::{MADE_UP, Probe, part};

checks! {
    "RFC 7009: revocation"
    METHOD: Must "revocation-method", "RFC 7009 section 2.1", "405 with Allow for GET";
    MISSING: Must "revocation-token-missing", "RFC 7009 section 2.1, RFC 6749 section 5.2", "400 invalid_request";
    UNKNOWN: Must "revocation-unknown", "RFC 7009 section 2.2", "200 for a made-up token";
    AUTHENTICATED: Must "revocation-authenticated", "RFC 7009 section 2.1", "401 invalid_client for a wrong secret";
    ACCESS_TOKEN: Must "revocation-access-token", "RFC 7009 section 2.1", "200, and the token is good no more";
    TWICE: Must "revocation-twice", "RFC 7009 section 2.2", "200 for a token that is revoked already";
    WRONG_HINT: Must "revocation-wrong-hint", "RFC 7009 section 2.1", "a wrong token_type_hint still revokes";
    OTHER_CLIENT: Must "revocation-other-client", "RFC 7009 section 2.1",
        "another client's token stays good, and is refused with 400 invalid_grant";
    REFRESH_TOKEN: Must "revocation-refresh-token", "RFC 7009 section 2.1", "200, and the token is good no more";
    CASCADE: Should "revocation-cascade", "RFC 7009 section 2.1",
        "access tokens of a revoked refresh token are good no more";
}

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[METHOD], async {
            expect_method_refused(&probe.send(Request::get(endpoint(probe)?)).await?)
        }),
        probe.scenario(&[MISSING], async {
            let answer = probe.post_as(probe.signed_in_client()?, endpoint(probe)?, &[]).await?;
            expect_error(&answer, &["invalid_request"])
        }),
        probe
            .scenario(&[UNKNOWN], async { expect_status(&revoke(probe, &[("token", MADE_UP)]).await?, 200) }),
        probe.scenario(&[AUTHENTICATED], async {
            let (client, _) = probe.confidential_client()?;
            let request = Request::post(endpoint(probe)?, &[("token", MADE_UP)]);
            let answer = probe.send(request.basic("Basic", &escape(&client.id), MADE_UP)).await?;
            expect_error(&answer, &["invalid_client"])?;
            expect(answer.status == 401, || answer.in_words())
        }),
        probe.scenario(&[OTHER_CLIENT, WRONG_HINT, ACCESS_TOKEN, TWICE], access_token(probe)),
        probe.scenario(&[REFRESH_TOKEN, CASCADE], refresh_token(probe)),
    );
}

fn endpoint(probe: &Probe) -> Result<&str, Miss> {
    let none = || {
        Miss::Unknown("the metadata names no revocation endpoint, nor does --revocation-endpoint".to_owned())
    };
    probe.target.revocation_endpoint.as_deref().ok_or_else(none)
}

async fn revoke(probe: &Probe, parameters: &[(&str, &str)]) -> Result<super::http_client::Answer, Miss> {
    probe.post_as(probe.signed_in_client()?, endpoint(probe)?, parameters).await
}

async fn access_token(probe: &Probe) -> Met {
    endpoint(probe)?;
    let token = probe.sign_in().await?.access_token;
    if !probe.is_active(&token).await? {
        return Err(Miss::Unknown("a fresh access token is not good".to_owned()));
    }
    let judge = |check, met| probe.ledger.judge(check, met);
    match part(
        probe.clients.other_device.as_ref().or(probe.clients.confidential.as_ref()),
        "--other-client-id",
    ) {
        Err(miss) => judge(OTHER_CLIENT, Err(miss)),
        Ok(other) => {
            let answer = probe.post_as(other, endpoint(probe)?, &[("token", &token)]).await?;
            let refused = match probe.is_active(&token).await? {
                false => Err(Miss::Broken("the token is revoked".to_owned())),
                true if answer.status == 200 => {
                    Err(Miss::Nearly("200, though the token stays good".to_owned()))
                }
                true => expect_error(&answer, &["invalid_grant", "unauthorized_client", "invalid_request"]),
            };
            judge(OTHER_CLIENT, refused);
        }
    }
    let answer = revoke(probe, &[("token", &token), ("token_type_hint", "refresh_token")]).await?;
    let is_dead = !probe.is_active(&token).await?;
    judge(
        WRONG_HINT,
        expect(answer.status == 200 && is_dead, || format!("{}, dead: {is_dead}", answer.in_words())),
    );
    let token = probe.sign_in().await?.access_token;
    let answer = revoke(probe, &[("token", &token)]).await?;
    let is_dead = !probe.is_active(&token).await?;
    judge(
        ACCESS_TOKEN,
        expect(answer.status == 200 && is_dead, || format!("{}, dead: {is_dead}", answer.in_words())),
    );
    judge(TWICE, expect_status(&revoke(probe, &[("token", &token)]).await?, 200));
    Ok(())
}

async fn refresh_token(probe: &Probe) -> Met {
    endpoint(probe)?;
    let tokens = probe.sign_in().await?;
    let Some(refresh_token) = &tokens.refresh_token else {
        return Err(Miss::Unknown(
            "the login gave no refresh token: maybe --scope offline_access".to_owned(),
        ));
    };
    let answer = revoke(probe, &[("token", refresh_token), ("token_type_hint", "refresh_token")]).await?;
    expect_status(&answer, 200)?;
    let refreshed = probe.refresh(probe.signed_in_client()?, refresh_token, None).await?;
    probe.ledger.judge(REFRESH_TOKEN, expect_error(&refreshed, &["invalid_grant"]));
    let active = probe.is_active(&tokens.access_token).await?;
    probe.ledger.judge(CASCADE, expect(!active, || "the access token is still good".to_owned()));
    Ok(())
}
