//! Proof Key for Code Exchange: RFC 7636, RFC 9700 section 2.1.1.

use super::authorize::expect_redirect;
use super::check::{Met, Miss, checks, expect_error};
use super::http_client::Request;
use super::logins::{CHALLENGE, Probe, VERIFIER, part, read_tokens};
use super::person::Decision;

checks! {
    "RFC 7636: PKCE"
    S256: Must "pkce-s256", "RFC 7636 Appendix B", "200 for the verifier and challenge of the appendix";
    PLAIN: Must "pkce-plain-default", "RFC 7636 section 4.3",
        "a challenge without a method is plain, or refused with invalid_request where plain is not listed";
    REQUIRED: Must "pkce-required", "RFC 9700 section 2.1.1",
        "a redirect with invalid_request for a public client without a challenge";
    METHOD_UNKNOWN: Must "pkce-method-unknown", "RFC 7636 section 4.4.1", "a redirect with invalid_request";
    CHALLENGE_SHAPE: Should "pkce-challenge-shape", "RFC 7636 section 4.2",
        "a redirect with invalid_request for a challenge of less than 43 characters";
    MISMATCH: Must "pkce-mismatch", "RFC 7636 section 4.6", "400 invalid_grant for another verifier";
    SPENT: Should "pkce-mismatch-spends", "RFC 6749 section 10.10", "no second guess for the same code";
    MISSING: Must "pkce-verifier-missing", "RFC 7636 section 4.6", "400 invalid_grant (or invalid_request)";
    NOT_DOWNGRADED: Must "pkce-not-downgraded", "RFC 7636 section 4.6",
        "400 invalid_grant for the S256 challenge as its own verifier";
    UNASKED: Must "pkce-verifier-unasked", "RFC 9700 section 2.1.1",
        "400 invalid_grant for a verifier without a challenge";
    SHAPE: Should "pkce-verifier-shape", "RFC 7636 section 4.1",
        "400 invalid_grant for verifiers of less than 43 characters, more than 128, or others than unreserved ones";
}

/// A verifier that is too short, one that is too long, and one of blanks, each with its S256 challenge.
const MISSHAPEN: [(&str, usize, &str); 3] = [
    ("short-verifier", 1, "Nb9gqlOcQmdgooA-8xjf8IPMQhWeyujCph4yzdaXdH0"),
    ("v", 129, "DubjLPghqEQkWDyJMU2QWEr2B-8RiZkR3Y6Jwr3kMlw"),
    (" ", 43, "YKNVoCf0iNGlplWBBfEdjFx8Yt6sPzOgwbpZgmPVGGU"),
];

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[S256], s256(probe)),
        probe.scenario(&[PLAIN], plain(probe)),
        probe.scenario(&[REQUIRED], required(probe)),
        probe.scenario(&[METHOD_UNKNOWN], at_authorize(probe, &[("code_challenge_method", "S512")])),
        probe.scenario(&[CHALLENGE_SHAPE], at_authorize(probe, &[("code_challenge", "short")])),
        probe.scenario(&[MISMATCH, SPENT], mismatch(probe)),
        probe.scenario(
            &[MISSING],
            with_verifier(probe, CHALLENGE, None, &["invalid_grant", "invalid_request"])
        ),
        probe.scenario(
            &[NOT_DOWNGRADED],
            with_verifier(probe, CHALLENGE, Some(CHALLENGE), &["invalid_grant"])
        ),
        probe.scenario(&[UNASKED], unasked(probe)),
        probe.scenario(&[SHAPE], shape(probe)),
    );
}

async fn s256(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let code = probe.authorization_code(&[]).await?;
    let answer = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    read_tokens(&answer).map(drop).map_err(|_| Miss::Broken(answer.in_words()))
}

async fn plain(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let others = [("code_challenge", VERIFIER), ("code_challenge_method", "")];
    if probe.target.lists("code_challenge_methods_supported", "plain") != Some(true) {
        let answer = probe.http.send(Request::get(&probe.authorization_url(client, &others)?)).await?;
        return expect_redirect(&answer, &["invalid_request"]);
    }
    let code = probe.authorization_code(&others).await?;
    let answer = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    read_tokens(&answer).map(drop).map_err(|_| Miss::Broken(answer.in_words()))
}

async fn at_authorize(probe: &Probe, others: &[(&str, &str)]) -> Met {
    let (client, _) = probe.code_client()?;
    let answer = probe.http.send(Request::get(&probe.authorization_url(client, others)?)).await?;
    expect_redirect(&answer, &["invalid_request"])
}

async fn required(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    if client.secret.is_some() {
        return Err(Miss::Unknown("needs a public client".to_owned()));
    }
    at_authorize(probe, &[("code_challenge", ""), ("code_challenge_method", "")]).await
}

async fn mismatch(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let code = probe.authorization_code(&[]).await?;
    let other = "another-verifier-of-the-right-length-0123456789";
    let answer = probe.redeem(client, &code, redirect_uri, Some(other)).await?;
    probe.ledger.judge(MISMATCH, expect_error(&answer, &["invalid_grant"]));
    if answer.status == 200 {
        return Err(Miss::Unknown("the first guess was good".to_owned()));
    }
    let answer = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    probe.ledger.judge(SPENT, expect_error(&answer, &["invalid_grant"]));
    Ok(())
}

async fn with_verifier(probe: &Probe, challenge: &str, verifier: Option<&str>, errors: &[&str]) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let code = probe.authorization_code(&[("code_challenge", challenge)]).await?;
    expect_error(&probe.redeem(client, &code, redirect_uri, verifier).await?, errors)
}

/// Only a client that need not send a challenge can be asked.
async fn unasked(probe: &Probe) -> Met {
    let confidential = probe.clients.code.as_ref().filter(|client| client.secret.is_some());
    let client =
        part(confidential.or(probe.clients.without_pkce.as_ref()), "a client that need not use PKCE")?;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let redirected = probe.authorize(client, &without, Decision::Approve).await?;
    let Some(code) = redirected.value("code") else {
        return Err(Miss::Unknown(redirected.in_words()));
    };
    let redirect_uri = client.redirect_uri.as_deref().unwrap_or_default();
    let answer = probe.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
    expect_error(&answer, &["invalid_grant"])
}

async fn shape(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    for (text, times, challenge) in MISSHAPEN {
        let verifier = text.repeat(times);
        let code = probe.authorization_code(&[("code_challenge", challenge)]).await?;
        let answer = probe.redeem(client, &code, redirect_uri, Some(&verifier)).await?;
        let got = |_| Miss::Broken(format!("{} for {} characters", answer.in_words(), verifier.len()));
        expect_error(&answer, &["invalid_grant", "invalid_request"]).map_err(got)?;
    }
    Ok(())
}
