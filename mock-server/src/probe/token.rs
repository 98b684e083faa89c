//! The token endpoint, whatever the grant: RFC 6749 sections 3.2 and 5, and client credentials (section 4.4).

use serde_json::json;

use super::check::{Met, Miss, checks, expect, expect_error, expect_method_refused};
use super::clients::Client;
use super::form::encode;
use super::http_client::{Answer, Request};
use super::logins::{MADE_UP, Probe, part, read_tokens};

checks! {
    "RFC 6749: token endpoint"
    METHOD: Must "token-method", "RFC 6749 section 3.2", "405 with Allow for GET";
    CONTENT_TYPE: Must "token-content-type", "RFC 6749 section 4.1.3 and Appendix B",
        "400 invalid_request for JSON, and for a form under another name";
    IN_URL: Must "token-parameters-in-url", "RFC 6749 section 2.3.1",
        "400 or 401 for a client secret in the URL";
    GRANT_MISSING: Must "token-grant-type-missing", "RFC 6749 section 5.2", "400 invalid_request";
    GRANT_UNKNOWN: Must "token-grant-type-unknown", "RFC 6749 section 5.2", "400 unsupported_grant_type";
    GRANT_NOT_ALLOWED: Must "token-grant-not-allowed", "RFC 6749 section 5.2",
        "400 unauthorized_client for a grant that the client may not use";
    REPEATED: Must "token-repeated-parameter", "RFC 6749 section 3.2", "400 invalid_request";
    ANSWER: Must "token-answer", "RFC 6749 section 5.1",
        "application/json with token_type Bearer, and expires_in, if sent, as a number";
    ANSWER_NOT_STORED: Must "token-answer-not-stored", "RFC 6749 section 5.1",
        "Cache-Control: no-store (Pragma: no-cache too)";
    EXPIRES_IN: Should "token-expires-in", "RFC 6749 section 5.1", "expires_in";
    SCOPE: Must "token-scope", "RFC 6749 section 5.1", "scope, if it is not the one that was asked for";
    CLIENT_CREDENTIALS: Must "client-credentials", "RFC 6749 section 4.4", "200 with an access token";
    NO_REFRESH: Should "client-credentials-no-refresh-token", "RFC 6749 section 4.4.3", "no refresh_token";
    PUBLIC: Must "client-credentials-public", "RFC 6749 section 4.4",
        "400 unauthorized_client or 401 invalid_client for a public client";
}

/// What shows in every answer with tokens.
pub(super) const SEEN_EVERYWHERE: [&super::check::Check; 4] = [ANSWER, ANSWER_NOT_STORED, EXPIRES_IN, SCOPE];

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[METHOD], async {
            let answer = probe.send(Request::get(probe.token_endpoint()?)).await?;
            expect_method_refused(&answer)
        }),
        probe.scenario(&[CONTENT_TYPE], content_type(probe)),
        probe.scenario(&[IN_URL], in_url(probe)),
        probe.scenario(
            &[GRANT_MISSING],
            with_parameters(probe, &[("refresh_token", MADE_UP)], "invalid_request")
        ),
        probe.scenario(
            &[GRANT_UNKNOWN],
            with_parameters(probe, &[("grant_type", "urn:probe:unknown")], "unsupported_grant_type")
        ),
        probe.scenario(&[GRANT_NOT_ALLOWED], async {
            let client = part(probe.clients.without_code_grant.as_ref(), "a client that may not use codes")?;
            let answer = probe.redeem(client, MADE_UP, "http://127.0.0.1:8765/cb", None).await?;
            if answer.text("error").as_deref() == Some("invalid_grant") && !probe.target.is_mock_server {
                return Err(Miss::Unknown(format!("the client {} may use codes", client.id)));
            }
            expect_error(&answer, &["unauthorized_client"])
        }),
        probe.scenario(
            &[REPEATED],
            with_parameters(
                probe,
                &[("grant_type", "refresh_token"), ("refresh_token", MADE_UP), ("refresh_token", MADE_UP)],
                "invalid_request"
            )
        ),
        probe.scenario(&[CLIENT_CREDENTIALS, NO_REFRESH], client_credentials(probe)),
        probe.scenario(&[PUBLIC], public(probe)),
    );
}

async fn content_type(probe: &Probe) -> Met {
    let url = probe.token_endpoint()?;
    let body = json!({ "grant_type": "client_credentials", "client_id": "probe" });
    expect_error(&probe.send(Request::post_json(url, &body)).await?, &["invalid_request"])?;
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", MADE_UP)];
    let misnamed = Probe::request_of(any_client(probe)?, url, &parameters).with_content_type("text/plain");
    expect_error(&probe.send(misnamed).await?, &["invalid_request"])
}

fn any_client(probe: &Probe) -> Result<&Client, Miss> {
    let clients = [&probe.clients.device, &probe.clients.code, &probe.clients.confidential];
    part(clients.into_iter().flatten().next(), "--client-id")
}

/// In the name of whichever client there is.
async fn with_parameters(probe: &Probe, parameters: &[(&str, &str)], error: &str) -> Met {
    let answer = probe.token_request(any_client(probe)?, parameters).await?;
    expect_error(&answer, &[error])
}

async fn in_url(probe: &Probe) -> Met {
    let (client, secret) = probe.confidential_client()?;
    let credentials = encode(&[("client_id", &client.id), ("client_secret", secret)]);
    let url = format!("{}?{credentials}", probe.token_endpoint()?);
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", MADE_UP)];
    let answer = probe.send(Request::post(&url, &parameters)).await?;
    // With the secret taken from the URL, the made-up token is what it stumbles over.
    expect_error(&answer, &["invalid_request", "invalid_client"])
}

async fn client_credentials(probe: &Probe) -> Met {
    let (client, _) = probe.confidential_client()?;
    let answer = probe.token_request(client, &[("grant_type", "client_credentials")]).await?;
    if answer.text("error").as_deref() == Some("unauthorized_client") {
        return Err(Miss::Unknown("the confidential client may not use this grant".to_owned()));
    }
    probe.ledger.judge(
        CLIENT_CREDENTIALS,
        read_tokens(&answer).map(drop).map_err(|_| Miss::Broken(answer.in_words())),
    );
    read_tokens(&answer)?;
    judge_token_answer(probe, &answer, None);
    probe.ledger.judge(NO_REFRESH, expect(answer.text("refresh_token").is_none(), || "one".to_owned()));
    Ok(())
}

async fn public(probe: &Probe) -> Met {
    let clients = [&probe.clients.device, &probe.clients.code];
    let public = clients.into_iter().flatten().find(|client| client.secret.is_none());
    let client = part(public, "a public client")?;
    let answer = probe.token_request(client, &[("grant_type", "client_credentials")]).await?;
    expect_error(&answer, &["unauthorized_client", "invalid_client"])
}

/// What every answer with tokens has to be like.
pub(super) fn judge_token_answer(probe: &Probe, answer: &Answer, asked: Option<&str>) {
    if read_tokens(answer).is_err() {
        return;
    }
    let judge = |check, met| probe.ledger.judge(check, met);
    let members = answer.json();
    let kind = members["token_type"].as_str().unwrap_or_default();
    let expires_in = &members["expires_in"];
    let fits = answer.media_type() == "application/json" && kind.eq_ignore_ascii_case("Bearer");
    let is_number = expires_in.is_null() || expires_in.is_u64();
    judge(
        ANSWER,
        expect(fits && is_number, || {
            format!(
                "{}, token_type {kind:?}, expires_in {}",
                answer.media_type(),
                if is_number { "a number" } else { "of another type" }
            )
        }),
    );
    let pragma = answer.header("pragma").unwrap_or_default().to_ascii_lowercase();
    judge(
        ANSWER_NOT_STORED,
        match (answer.is_not_stored(), pragma.contains("no-cache")) {
            (true, true) => Ok(()),
            (true, false) => {
                Err(Miss::Nearly("no Pragma: no-cache, which only caches of HTTP/1.0 need".to_owned()))
            }
            _ => Err(Miss::Broken("no Cache-Control: no-store".to_owned())),
        },
    );
    judge(EXPIRES_IN, expect(!expires_in.is_null(), || "none".to_owned()));
    let scope = members["scope"].as_str();
    let same = |scope: &str| {
        let sorted = |text: &str| {
            let mut tokens: Vec<_> = text.split(' ').map(str::to_owned).collect();
            tokens.sort();
            tokens
        };
        asked.is_some_and(|asked| sorted(asked) == sorted(scope))
    };
    // Nobody but the server knows what it granted if it says nothing; that a word is a string can be seen.
    let fits = members["scope"].is_null() || scope.is_some_and(|scope| same(scope) || !scope.is_empty());
    judge(SCOPE, expect(fits, || "a scope that is no list of words".to_owned()));
}
