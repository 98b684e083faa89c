//! Client authentication at the token endpoint: RFC 6749 section 2.3.
//!
//! Asked with a refresh token that nobody issued: who is let in hears `invalid_grant`, or that it may not refresh.

use super::check::{Met, Miss, checks, expect, expect_error};
use super::form::{escape, escape_every_byte};
use super::http_client::{Answer, Request};
use super::logins::{MADE_UP, Probe};

checks! {
    "RFC 6749: client authentication"
    BASIC: Must "basic-accepted", "RFC 6749 section 2.3.1", "the right secret with HTTP Basic";
    POST: Should "post-accepted", "RFC 8414 section 2, token_endpoint_auth_methods_supported",
        "the right secret in the body, if client_secret_post is listed";
    BASIC_WRONG: Must "basic-secret-wrong", "RFC 6749 section 5.2",
        "401 invalid_client with WWW-Authenticate: Basic";
    BASIC_UNKNOWN: Must "basic-client-unknown", "RFC 6749 section 5.2",
        "401 invalid_client with WWW-Authenticate: Basic";
    POST_WRONG: Must "post-secret-wrong", "RFC 6749 section 5.2", "401 or 400 invalid_client";
    NO_SECRET: Must "secret-missing", "RFC 6749 section 3.2.1", "401 or 400 invalid_client";
    FORM_DECODED: Must "basic-form-decoded", "RFC 6749 section 2.3.1",
        "id and secret are form-decoded after base64: every byte as %XX is the same secret";
    SCHEME_CASE: Must "basic-scheme-case", "RFC 7617 section 2", "the name of the scheme in any case";
    TWO_METHODS: Must "basic-and-post", "RFC 6749 section 2.3", "400 invalid_request for both at once";
    CLIENT_ID_SAME: Must "basic-client-id-same", "RFC 6749 section 4.1.3", "the same client_id in the body is fine";
    CLIENT_ID_DIFFERS: Should "basic-client-id-differs", "RFC 6749 section 2.3",
        "400 invalid_request (or invalid_client) for another client_id in the body";
}

pub(super) async fn run(probe: &Probe) {
    // One after the other, as each is judged by what the first showed.
    probe.scenario(GROUP.checks, secrets(probe)).await;
}

async fn secrets(probe: &Probe) -> Met {
    let (client, secret) = probe.confidential_client()?;
    let url = probe.token_endpoint()?;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", MADE_UP)];
    let with = |others: &[(&'static str, &str)]| {
        let others = others.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let all: Vec<_> =
            refresh.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(others).collect();
        let all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Request::post(url, &all)
    };
    let (id, escaped) = (escape(&client.id), escape(secret));
    let basic = |request: Request| request.basic("Basic", &id, &escaped);
    let judge = |check, met| probe.ledger.judge(check, met);

    let in_body = [("client_id", &*client.id), ("client_secret", secret)];
    let by_basic = probe.send(basic(with(&[]))).await?;
    let by_post = probe.send(with(&in_body)).await?;
    // A client may be registered for one method alone; the right secret is known by the one that is taken.
    let registered_for = |method: &str, lets_in: &Answer, miss: Miss| {
        let is_other = expect_let_in(lets_in).is_ok();
        if is_other { Miss::Unknown(format!("the client is registered for {method}")) } else { miss }
    };
    let met = expect_let_in(&by_basic).map_err(|miss| registered_for("client_secret_post", &by_post, miss));
    judge(BASIC, met);
    let is_listed =
        probe.target.lists("token_endpoint_auth_methods_supported", "client_secret_post") == Some(true);
    let met = if is_listed {
        expect_let_in(&by_post).map_err(|miss| registered_for("client_secret_basic", &by_basic, miss))
    } else {
        Err(Miss::Unknown("client_secret_post is not listed".to_owned()))
    };
    judge(POST, met);
    judge(BASIC_WRONG, expect_challenge(&probe.send(with(&[]).basic("Basic", &id, MADE_UP)).await?));
    judge(
        BASIC_UNKNOWN,
        expect_challenge(&probe.send(with(&[]).basic("Basic", "probe-unknown", MADE_UP)).await?),
    );
    let wrong = with(&[("client_id", &*client.id), ("client_secret", MADE_UP)]);
    judge(POST_WRONG, expect_error(&probe.send(wrong).await?, &["invalid_client"]));
    judge(
        NO_SECRET,
        expect_error(&probe.send(with(&[("client_id", &*client.id)])).await?, &["invalid_client"]),
    );
    let both = probe.send(basic(with(&in_body))).await?;
    judge(TWO_METHODS, expect_error(&both, &["invalid_request"]));

    // The rest means nothing where Basic is not taken at all.
    if expect_let_in(&by_basic).is_err() {
        return Err(Miss::Unknown("needs a client that authenticates with Basic".to_owned()));
    }
    let every_byte = with(&[]).basic("Basic", &escape_every_byte(&client.id), &escape_every_byte(secret));
    judge(FORM_DECODED, expect_let_in(&probe.send(every_byte).await?));
    judge(SCHEME_CASE, expect_let_in(&probe.send(with(&[]).basic("bAsIc", &id, &escaped)).await?));
    let same = probe.send(basic(with(&[("client_id", &*client.id)]))).await?;
    judge(CLIENT_ID_SAME, expect_let_in(&same));
    let differs = probe.send(basic(with(&[("client_id", "probe-another")]))).await?;
    judge(CLIENT_ID_DIFFERS, expect_error(&differs, &["invalid_request", "invalid_client"]));
    Ok(())
}

fn expect_let_in(answer: &Answer) -> Met {
    expect_error(answer, &["invalid_grant", "unauthorized_client"])
}

fn expect_challenge(answer: &Answer) -> Met {
    expect_error(answer, &["invalid_client"])?;
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_ascii_lowercase();
    expect(answer.status == 401 && challenge.contains("basic"), || {
        format!("{} without that challenge", answer.in_words())
    })
}
