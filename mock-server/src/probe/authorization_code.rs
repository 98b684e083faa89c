//! Authorization codes at the token endpoint: RFC 6749 sections 4.1.2 and 4.1.3.

use std::time::Duration;

use hyper::Method;
use serde_json::json;

use super::check::{Met, Miss, checks, expect, expect_error};
use super::clients::Client;
use super::device_authorization::bits_at_most;
use super::http_client::Request;
use super::logins::{MADE_UP, Probe, VERIFIER, part, read_tokens};
use super::person::Decision;
use super::token::judge_token_answer;

checks! {
    "RFC 6749: authorization code"
    ANSWER: Must "code-answer", "RFC 6749 section 4.1.4", "200 with tokens";
    UNKNOWN: Must "code-unknown", "RFC 6749 section 5.2", "400 invalid_grant for a made-up code";
    ENTROPY: Must "code-entropy", "RFC 6749 section 10.10", "128 bits or more";
    ONCE: Must "code-once", "RFC 6749 section 4.1.2", "400 invalid_grant for a second use";
    REUSE_REVOKES: Should "code-reuse-revokes", "RFC 6749 section 4.1.2",
        "a second use revokes the tokens of the first";
    OTHER_CLIENT: Must "code-other-client", "RFC 6749 section 4.1.3", "400 invalid_grant for a code of another client";
    REDIRECT_URI: Must "code-redirect-uri", "RFC 6749 section 4.1.3",
        "400 invalid_grant for another redirect_uri, and for none";
    PARALLEL: Must "code-parallel", "RFC 6749 section 4.1.2", "one 200 for two requests at the same time";
    LIFE: Should "code-life", "RFC 6749 section 4.1.2", "10 minutes at most";
    QUERY: Must "code-redirect-query", "RFC 6749 section 3.1.2", "the query of a redirect URI stays";
}

/// What needs no time.
pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[ANSWER, ENTROPY, ONCE, REUSE_REVOKES], redeemed(probe)),
        probe.scenario(&[UNKNOWN], async {
            let (client, redirect_uri) = probe.code_client()?;
            let answer = probe.redeem(client, MADE_UP, redirect_uri, Some(VERIFIER)).await?;
            expect_error(&answer, &["invalid_grant"])
        }),
        probe.scenario(&[OTHER_CLIENT], other_client(probe)),
        probe.scenario(&[REDIRECT_URI], redirect_uri(probe)),
        probe.scenario(&[PARALLEL], parallel(probe)),
        probe.scenario(&[QUERY], query(probe)),
    );
}

/// What waits.
pub(super) async fn run_in_time(probe: &Probe) {
    probe.slow_scenario(&[LIFE], life(probe)).await;
}

async fn redeemed(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    probe.person.can(Decision::Approve)?;
    let code = probe.authorization_code(&[]).await?;
    let bits = bits_at_most(&code);
    probe.ledger.judge(ENTROPY, expect(bits >= 128.0, || format!("at most {bits:.0} bits")));
    let answer = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    probe.ledger.judge(ANSWER, read_tokens(&answer).map(drop).map_err(|_| Miss::Broken(answer.in_words())));
    let tokens = read_tokens(&answer)?;
    judge_token_answer(probe, &answer, probe.scope.as_deref());
    let again = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    probe.ledger.judge(ONCE, expect_error(&again, &["invalid_grant"]));
    if again.status == 200 {
        return Err(Miss::Unknown("a code is good for a second use".to_owned()));
    }
    let active = probe.is_active(&tokens.access_token).await?;
    probe.ledger.judge(REUSE_REVOKES, expect(!active, || "the access token is still good".to_owned()));
    Ok(())
}

async fn other_client(probe: &Probe) -> Met {
    probe.code_client()?;
    let thief = part(probe.clients.other_code.as_ref(), "--confidential-client-id or --other-client-id")?;
    let (_, redirect_uri) = probe.code_client()?;
    let code = probe.authorization_code(&[]).await?;
    let answer = probe.redeem(thief, &code, redirect_uri, Some(VERIFIER)).await?;
    expect_error(&answer, &["invalid_grant", "unauthorized_client"])
}

async fn redirect_uri(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let code = probe.authorization_code(&[]).await?;
    let other = format!("{redirect_uri}x");
    expect_error(&probe.redeem(client, &code, &other, Some(VERIFIER)).await?, &["invalid_grant"])?;
    let code = probe.authorization_code(&[]).await?;
    let answer = probe.redeem(client, &code, "", Some(VERIFIER)).await?;
    expect_error(&answer, &["invalid_grant", "invalid_request"])
}

async fn parallel(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let code = probe.authorization_code(&[]).await?;
    let (first, second) = tokio::join!(
        probe.redeem(client, &code, redirect_uri, Some(VERIFIER)),
        probe.redeem(client, &code, redirect_uri, Some(VERIFIER)),
    );
    let successes = [first?, second?].iter().filter(|answer| answer.status == 200).count();
    expect(successes == 1, || format!("{successes} successes"))
}

async fn life(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    if !probe.target.is_mock_server && probe.patience < Duration::from_secs(601) {
        return Err(Miss::Unknown("takes 601 s: give --patience".to_owned()));
    }
    let code = probe.authorization_code(&[]).await?;
    probe.wait(Duration::from_secs(601)).await?;
    let late = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    expect_error(&late, &["invalid_grant"])
}

/// With the redirect URI as it is registered, or at a mock-server with a client that is registered for it.
async fn query(probe: &Probe) -> Met {
    let (client, registered) = probe.code_client()?;
    let registered = match (registered.contains('?'), probe.target.is_mock_server) {
        (true, _) => registered,
        (false, true) => "http://127.0.0.1:8765/cb?tenant=a%26b",
        (false, false) => return Err(Miss::Unknown("the redirect URI has no query".to_owned())),
    };
    let clients = format!("{}/_control/clients", probe.target.url);
    let own =
        Client { id: "probe-query".to_owned(), secret: None, redirect_uri: Some(registered.to_owned()) };
    let client = if probe.target.is_mock_server {
        let body = json!({ "client_id": own.id, "redirect_uris": [registered], "require_pkce": true });
        probe.http.send(Request::post_json(&clients, &body)).await?;
        &own
    } else {
        client
    };
    let redirected = probe.authorize(client, &[], Decision::Approve).await;
    if probe.target.is_mock_server {
        let forget = Request::get(&format!("{clients}/{}", own.id)).with_method(Method::DELETE);
        probe.http.send(forget).await?;
    }
    let redirected = redirected?;
    let kept = redirected.url.starts_with(&format!("{registered}&"));
    expect(kept && redirected.value("code").is_some(), || redirected.in_words())
}
