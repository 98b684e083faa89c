//! A resource that takes access tokens: RFC 6750, RFC 9700 section 4.3.2.

use std::time::Duration;

use super::check::{Met, Miss, checks, expect};
use super::form::with_query;
use super::http_client::{Answer, Request};
use super::logins::{MADE_UP, Probe};

checks! {
    "RFC 6750: bearer tokens"
    NONE: Must "bearer-none", "RFC 6750 section 3",
        "401 with WWW-Authenticate: Bearer and no error code without a token";
    UNKNOWN: Must "bearer-unknown", "RFC 6750 section 3.1",
        "401 with error=\"invalid_token\" in WWW-Authenticate for a made-up token";
    GOOD: Must "bearer-good", "RFC 6750 section 2.1", "200 for a good token";
    IN_QUERY: Should "bearer-in-query", "RFC 9700 section 4.3.2", "401 (or 400 invalid_request) for a token in the URL alone";
    TWICE: Must "bearer-twice", "RFC 6750 sections 2 and 3.1", "400 invalid_request for a token in two places";
    SCOPE: Must "bearer-scope", "RFC 6750 section 3.1",
        "403 with error=\"insufficient_scope\" where the token lacks a scope";
    EXPIRED: Must "bearer-expired", "RFC 6750 section 3.1", "401 with error=\"invalid_token\" after expires_in";
}

/// What needs no time.
pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[NONE], async {
            let answer = probe.http.send(Request::get(resource(probe)?)).await?;
            let challenge = challenge(&answer);
            expect(answer.status == 401 && challenge.contains("bearer"), || answer.in_words())?;
            // "the resource server SHOULD NOT include an error code"
            if challenge.contains("error=") { Err(Miss::Nearly("an error code".to_owned())) } else { Ok(()) }
        }),
        probe.scenario(&[UNKNOWN], async {
            expect_invalid_token(&probe.http.send(Request::get(resource(probe)?).bearer(MADE_UP)).await?)
        }),
        probe.scenario(&[GOOD, IN_QUERY, TWICE, SCOPE], good(probe)),
    );
}

/// What waits.
pub(super) async fn run_in_time(probe: &Probe) {
    probe.slow_scenario(&[EXPIRED], expired(probe)).await;
}

fn resource(probe: &Probe) -> Result<&str, Miss> {
    let none = || Miss::Unknown("needs --resource, or a userinfo_endpoint in the metadata".to_owned());
    probe.target.resource.as_deref().ok_or_else(none)
}

fn challenge(answer: &Answer) -> String {
    answer.header("www-authenticate").unwrap_or_default().to_ascii_lowercase()
}

fn expect_invalid_token(answer: &Answer) -> Met {
    let says_so = challenge(answer).contains("error=\"invalid_token\"");
    expect(answer.status == 401 && says_so, || format!("{} without that challenge", answer.in_words()))
}

async fn good(probe: &Probe) -> Met {
    let resource = resource(probe)?;
    let token = probe.sign_in().await?.access_token;
    let judge = |check, met| probe.ledger.judge(check, met);
    let answer = probe.http.send(Request::get(resource).bearer(&token)).await?;
    judge(GOOD, expect(answer.status == 200, || answer.in_words()));
    if answer.status != 200 {
        return Err(Miss::Unknown(format!("the resource answers {} to a good token", answer.in_words())));
    }
    let in_query = with_query(resource, &[("access_token", &token)]);
    let answer = probe.http.send(Request::get(&in_query)).await?;
    judge(IN_QUERY, expect(matches!(answer.status, 400 | 401), || answer.in_words()));
    let answer = probe.http.send(Request::get(&in_query).bearer(&token)).await?;
    let names_it = challenge(&answer).contains("invalid_request")
        || answer.text("error").as_deref() == Some("invalid_request");
    judge(TWICE, expect(answer.status == 400 && names_it, || answer.in_words()));
    judge(SCOPE, insufficient_scope(probe, resource).await);
    Ok(())
}

/// The resource of a mock-server wants the scope `write` for a POST.
async fn insufficient_scope(probe: &Probe, resource: &str) -> Met {
    if !probe.target.is_mock_server {
        return Err(Miss::Unknown("which scope the resource wants is not known here".to_owned()));
    }
    let (client, _) = probe.confidential_client()?;
    let parameters = [("grant_type", "client_credentials"), ("scope", "read")];
    let tokens = super::logins::read_tokens(&probe.token_request(client, &parameters).await?)?;
    let request = Request::post(resource, &[]).bearer(&tokens.access_token);
    let answer = probe.http.send(request).await?;
    let says_so = challenge(&answer).contains("error=\"insufficient_scope\"");
    expect(answer.status == 403 && says_so, || answer.in_words())
}

async fn expired(probe: &Probe) -> Met {
    let resource = resource(probe)?;
    let tokens = probe.sign_in().await?;
    let request = Request::get(resource).bearer(&tokens.access_token);
    let answer = probe.http.send(request.clone()).await?;
    let Some(life) = tokens.expires_in.filter(|_| answer.status == 200) else {
        return Err(Miss::Unknown(
            "there is no good token of which it is known how long it is good for".to_owned(),
        ));
    };
    probe.wait(Duration::from_secs(life + 1)).await?;
    expect_invalid_token(&probe.http.send(request).await?)
}
