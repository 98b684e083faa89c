//! Refreshing: RFC 6749 section 6, RFC 9700 section 4.14.

use super::check::{Met, Miss, checks, expect, expect_error};
use super::logins::{MADE_UP, Probe, Tokens, part, read_tokens};

checks! {
    "RFC 6749: refresh token"
    MISSING: Must "refresh-token-missing", "RFC 6749 section 6", "400 invalid_request";
    UNKNOWN: Must "refresh-token-unknown", "RFC 6749 section 5.2", "400 invalid_grant for a made-up one";
    ANSWER: Must "refresh-answer", "RFC 6749 section 6", "200 with another access token";
    OTHER_CLIENT: Must "refresh-token-other-client", "RFC 6749 section 6", "400 invalid_grant for another client's";
    ACCESS_TOKEN: Must "refresh-with-access-token", "RFC 6749 section 6", "400 invalid_grant for an access token";
    WIDER: Must "refresh-scope-wider", "RFC 6749 section 6", "400 invalid_scope for more than was granted";
    NARROWER: Must "refresh-scope-narrower", "RFC 6749 section 6",
        "a narrower scope for this access token, and the whole one again for the next";
    REUSE: Must "refresh-token-reuse", "RFC 9700 section 4.14.2",
        "400 invalid_grant for a token that was replaced (a public client's must be)";
    FAMILY: Should "refresh-reuse-revokes", "RFC 9700 section 4.14.2", "its reuse revokes the new one too";
}

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[MISSING], async {
            let client = probe.signed_in_client()?;
            let answer = probe.token_request(client, &[("grant_type", "refresh_token")]).await?;
            expect_error(&answer, &["invalid_request"])
        }),
        probe.scenario(&[UNKNOWN], async {
            let answer = probe.refresh(probe.signed_in_client()?, MADE_UP, None).await?;
            expect_error(&answer, &["invalid_grant"])
        }),
        probe.scenario(&[ACCESS_TOKEN, WIDER, NARROWER, ANSWER, OTHER_CLIENT], refreshed(probe)),
        probe.scenario(&[REUSE, FAMILY], reuse(probe)),
    );
}

fn refresh_token(tokens: &Tokens) -> Result<&str, Miss> {
    let none = || Miss::Unknown("the login gave no refresh token: maybe --scope offline_access".to_owned());
    tokens.refresh_token.as_deref().ok_or_else(none)
}

async fn refreshed(probe: &Probe) -> Met {
    let client = probe.signed_in_client()?;
    let tokens = probe.sign_in().await?;
    let first = refresh_token(&tokens)?;
    let judge = |check, met| probe.ledger.judge(check, met);
    let answer = probe.refresh(client, &tokens.access_token, None).await?;
    judge(ACCESS_TOKEN, expect_error(&answer, &["invalid_grant"]));
    let wider = format!("{} probe:wider", probe.scope.as_deref().unwrap_or("openid"));
    let answer = probe.refresh(client, first, Some(&wider)).await?;
    judge(WIDER, expect_error(&answer, &["invalid_scope"]));
    let other =
        part(probe.clients.other_device.as_ref().or(probe.clients.other_code.as_ref()), "--other-client-id");
    match other {
        Err(miss) => judge(OTHER_CLIENT, Err(miss)),
        Ok(other) => {
            let answer = probe.refresh(other, first, None).await?;
            judge(OTHER_CLIENT, expect_error(&answer, &["invalid_grant", "unauthorized_client"]));
        }
    }
    // A thief that was refused may have cost the family its life: so this needs a login of its own.
    let tokens = probe.sign_in().await?;
    let answer = probe.refresh(client, refresh_token(&tokens)?, None).await?;
    let other_token = answer.text("access_token").is_some_and(|token| token != tokens.access_token);
    judge(ANSWER, expect(answer.status == 200 && other_token, || answer.in_words()));
    let newest = read_tokens(&answer)?.refresh_token.or(tokens.refresh_token).unwrap_or_default();
    judge(NARROWER, narrower(probe, &newest).await);
    Ok(())
}

async fn narrower(probe: &Probe, refresh_token: &str) -> Met {
    let client = probe.signed_in_client()?;
    let whole = probe.scope.as_deref().unwrap_or_default();
    let Some((narrow, _)) = whole.rsplit_once(' ') else {
        return Err(Miss::Unknown("needs --scope with two or more".to_owned()));
    };
    let answer = probe.refresh(client, refresh_token, Some(narrow)).await?;
    let tokens = read_tokens(&answer).map_err(|_| Miss::Broken(answer.in_words()))?;
    expect(tokens.scope == narrow, || format!("scope {:?}", tokens.scope))?;
    let next = tokens.refresh_token.as_deref().unwrap_or(refresh_token);
    let answer = probe.refresh(client, next, None).await?;
    let again = read_tokens(&answer).map_err(|_| Miss::Broken(answer.in_words()))?;
    let is_whole = again.scope.is_empty() || again.scope.split(' ').count() == whole.split(' ').count();
    expect(is_whole, || format!("scope {:?} for the next", again.scope))
}

async fn reuse(probe: &Probe) -> Met {
    let client = probe.signed_in_client()?;
    let tokens = probe.sign_in().await?;
    let first = refresh_token(&tokens)?;
    let renewed = read_tokens(&probe.refresh(client, first, None).await?)?;
    let Some(second) = renewed.refresh_token.filter(|second| second != first) else {
        // "MUST utilize one of these methods to detect refresh token replay": a secret of the client is another.
        return Err(match client.secret {
            Some(_) => Miss::Unknown("the refresh token is not replaced, and need not be".to_owned()),
            None => Miss::Broken("the refresh token of a public client is not replaced".to_owned()),
        });
    };
    let answer = probe.refresh(client, first, None).await?;
    probe.ledger.judge(REUSE, expect_error(&answer, &["invalid_grant"]));
    if answer.status == 200 {
        return Err(Miss::Unknown("the reuse went unnoticed".to_owned()));
    }
    let answer = probe.refresh(client, &second, None).await?;
    probe.ledger.judge(FAMILY, expect_error(&answer, &["invalid_grant"]));
    Ok(())
}
