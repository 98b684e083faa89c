//! The authorization endpoint: RFC 6749 sections 3.1 and 4.1, RFC 8252, RFC 9207.

use super::browser::{Arrival, Browser};
use super::check::{Check, Met, Miss, checks, expect};
use super::clients::Client;
use super::form::query_values;
use super::http_client::{Answer, Request};
use super::logins::{Probe, Redirected, STATE, part};
use super::page::{expect_no_outside_resources, expect_no_referrer, expect_not_framed};
use super::person::Decision;

checks! {
    "RFC 6749: authorization endpoint"
    CLIENT_UNKNOWN: Must "authorize-client-unknown", "RFC 6749 section 4.1.2.1", "an error page, and no redirect";
    REDIRECT_UNREGISTERED: Must "authorize-redirect-uri", "RFC 9700 section 4.1.3",
        "an error page, and no redirect, for a redirect URI that is not registered to the letter";
    FRAGMENT: Must "authorize-redirect-uri-fragment", "RFC 6749 section 3.1.2", "no redirect URI with a fragment";
    LOOPBACK_PORT: Must "authorize-loopback-port", "RFC 8252 section 7.3",
        "any port of a loopback redirect URI of a native app";
    RESPONSE_TYPE: Must "authorize-response-type", "RFC 6749 section 4.1.2.1",
        "a redirect with unsupported_response_type and the state";
    SCOPE: Should "authorize-scope", "RFC 6749 section 4.1.2.1", "a redirect with invalid_scope and the state";
    REPEATED: Must "authorize-repeated-parameter", "RFC 6749 section 3.1",
        "a redirect with invalid_request for a scope that comes twice";
    UNAUTHORIZED: Must "authorize-unauthorized-client", "RFC 6749 section 4.1.2.1",
        "a redirect with unauthorized_client and the state";
    STATE_RETURNED: Must "authorize-state", "RFC 6749 section 4.1.2.1", "the very state, once";
    DENIED: Must "authorize-denied", "RFC 6749 section 4.1.2.1", "a redirect with access_denied and the state";
    ISS_IN_ERRORS: Must "authorize-iss-in-errors", "RFC 9207 section 2",
        "the issuer in iss of an error, if the metadata says so";
    ISS: Must "authorize-iss", "RFC 9207 section 2", "the issuer in iss beside the code, if the metadata says so";
    POST: Should "authorize-post", "RFC 6749 section 3.1", "POST too";
    REDIRECT_STATUS: Must "authorize-redirect-status", "RFC 9700 section 4.12", "302 or 303, never 307 or 308";
    NOT_FRAMED: Must "authorize-page-not-framed", "RFC 6749 section 10.13, RFC 9700 section 4.16",
        "X-Frame-Options or frame-ancestors on the page";
    REFERRER: Should "authorize-page-referrer", "RFC 9700 section 4.2.4", "Referrer-Policy: no-referrer";
    RESOURCES: Should "authorize-page-resources", "RFC 9700 section 4.2.4", "nothing loaded from elsewhere";
}

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[CLIENT_UNKNOWN], client_unknown(probe)),
        probe.scenario(&[REDIRECT_UNREGISTERED], redirect_unregistered(probe)),
        probe.scenario(&[FRAGMENT], async {
            let (client, redirect_uri) = probe.code_client()?;
            expect_page(&open(probe, client, &[("redirect_uri", &format!("{redirect_uri}#x"))]).await?)
        }),
        probe.scenario(&[LOOPBACK_PORT], loopback_port(probe)),
        probe.scenario(&[RESPONSE_TYPE, STATE_RETURNED, ISS_IN_ERRORS], response_type(probe)),
        probe.scenario(&[SCOPE], scope(probe)),
        probe.scenario(&[REPEATED], repeated(probe)),
        probe.scenario(&[UNAUTHORIZED], async {
            let client = probe.clients.without_code_grant.as_ref();
            let client = client.filter(|client| client.redirect_uri.is_some());
            let client = part(client, "a client with a redirect URI that may not use codes")?;
            expect_redirect(&open(probe, client, &[]).await?, &["unauthorized_client"])
        }),
        probe.scenario(&[DENIED], denied(probe)),
        probe.scenario(&[POST], post(probe)),
        probe.scenario(&[ISS, REDIRECT_STATUS], answered(probe)),
        probe.scenario(&[NOT_FRAMED, REFERRER, RESOURCES], page(probe)),
    );
}

/// The answer to an authorization request, before anybody decides; no redirect is followed.
async fn open(probe: &Probe, client: &Client, others: &[(&str, &str)]) -> Result<Answer, Miss> {
    Ok(probe.http.send(Request::get(&probe.authorization_url(client, others)?)).await?)
}

fn expect_page(answer: &Answer) -> Met {
    if answer.is_redirect() {
        return Err(Miss::Broken("a redirect".to_owned()));
    }
    expect((400..500).contains(&answer.status), || answer.in_words())
}

/// A redirect with one of these errors and the state that was sent.
pub(super) fn expect_redirect(answer: &Answer, errors: &[&str]) -> Met {
    if !answer.is_redirect() {
        return Err(Miss::Broken(answer.in_words()));
    }
    let redirected =
        Redirected { url: answer.header("location").unwrap_or_default(), status: Some(answer.status) };
    expect_redirected(&redirected, errors)
}

fn expect_redirected(redirected: &Redirected, errors: &[&str]) -> Met {
    let error = redirected.value("error").unwrap_or_default();
    expect(errors.contains(&error.as_str()), || redirected.in_words())?;
    expect(redirected.value("state").as_deref() == Some(STATE), || "another state".to_owned())
}

async fn client_unknown(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    expect_page(&open(probe, client, &[("client_id", "probe-unknown-client")]).await?)
}

async fn redirect_unregistered(probe: &Probe) -> Met {
    let (client, registered) = probe.code_client()?;
    let (origin, _) = super::target::split_at_path(registered);
    let others = [
        "https://probe.example/callback".to_owned(),
        format!("{registered}/more"),
        format!("{registered}?more=1"),
        format!("{origin}.probe.example/callback"),
        format!("{registered}/../other"),
    ];
    for other in others {
        let answer = open(probe, client, &[("redirect_uri", &other)]).await?;
        expect_page(&answer).map_err(|_| Miss::Broken(format!("{} for {other}", answer.in_words())))?;
    }
    Ok(())
}

async fn loopback_port(probe: &Probe) -> Met {
    let (client, registered) = probe.code_client()?;
    let (origin, path) = super::target::split_at_path(registered);
    let loopback = ["http://127.0.0.1", "http://[::1]"].into_iter().find(|loopback| {
        origin.strip_prefix(loopback).is_some_and(|port| port.is_empty() || port.starts_with(':'))
    });
    let Some(loopback) = loopback.filter(|_| client.secret.is_none()) else {
        return Err(Miss::Unknown("needs a public client with a loopback redirect URI".to_owned()));
    };
    for port in [49_153, 61_234] {
        let other = format!("{loopback}:{port}{path}");
        // An error that leaves the server by redirect shows that it takes the port.
        let answer = open(probe, client, &[("redirect_uri", &other), ("response_type", "probe")]).await?;
        let target = answer.header("location").unwrap_or_default();
        expect(answer.is_redirect() && target.starts_with(&other), || {
            format!("{} for port {port}", answer.in_words())
        })?;
    }
    Ok(())
}

async fn response_type(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    let answer = open(probe, client, &[("response_type", "probe")]).await?;
    let redirected =
        Redirected { url: answer.header("location").unwrap_or_default(), status: Some(answer.status) };
    let got = if answer.is_redirect() { redirected.in_words() } else { answer.in_words() };
    let error = redirected.value("error").unwrap_or_default();
    probe.ledger.judge(RESPONSE_TYPE, expect(error == "unsupported_response_type", || got.clone()));
    if !answer.is_redirect() {
        return Err(Miss::Unknown("no error comes by redirect".to_owned()));
    }
    let states = query_values(&redirected.url, "state");
    probe.ledger.judge(STATE_RETURNED, expect(states == [STATE], || "another state".to_owned()));
    probe.ledger.judge(ISS_IN_ERRORS, iss(probe, &redirected));
    Ok(())
}

fn iss(probe: &Probe, redirected: &Redirected) -> Met {
    let promised = probe.target.metadata["authorization_response_iss_parameter_supported"] == true;
    match (redirected.value("iss"), promised) {
        (Some(iss), _) => expect(iss == probe.target.issuer(), || format!("iss {iss}")),
        (None, true) => Err(Miss::Broken("no iss, though the metadata says so".to_owned())),
        (None, false) => Err(Miss::Nearly("no iss, and none promised".to_owned())),
    }
}

async fn scope(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    let answer = open(probe, client, &[("scope", "probe:unknown-scope")]).await?;
    if !answer.is_redirect() || !answer.header("location").unwrap_or_default().contains("error=") {
        return Err(Miss::Nearly("the scope is ignored, as section 3.3 allows".to_owned()));
    }
    expect_redirect(&answer, &["invalid_scope"])
}

async fn repeated(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    let url = probe.authorization_url(client, &[("scope", "")])?;
    let answer = probe.http.send(Request::get(&format!("{url}&scope=openid&scope=openid"))).await?;
    // Not in a redirect, if the server takes no chances; not with success.
    if answer.is_redirect() {
        return expect_redirect(&answer, &["invalid_request"]);
    }
    match expect_page(&answer) {
        Ok(()) => Err(Miss::Nearly("an error page".to_owned())),
        missed => missed,
    }
}

async fn denied(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    probe.person.can(Decision::Deny)?;
    let redirected = probe.authorize(client, &[], Decision::Deny).await?;
    expect_redirected(&redirected, &["access_denied"])
}

async fn answered(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    probe.person.can(Decision::Approve)?;
    let redirected = probe.authorize(client, &[], Decision::Approve).await?;
    if redirected.value("code").is_none() {
        return Err(Miss::Unknown(redirected.in_words()));
    }
    probe.ledger.judge(ISS, iss(probe, &redirected));
    probe.ledger.judge(
        REDIRECT_STATUS,
        match redirected.status {
            Some(status) => expect(matches!(status, 302 | 303), || status.to_string()),
            None => Err(Miss::Unknown("the command of --approve saw the redirect".to_owned())),
        },
    );
    Ok(())
}

async fn post(probe: &Probe) -> Met {
    let (client, _) = probe.code_client()?;
    let url = probe.authorization_url(client, &[])?;
    let (endpoint, _) = url.split_at(probe.authorization_endpoint()?.len());
    let parameters = [
        ("response_type", "probe"),
        ("client_id", &*client.id),
        ("redirect_uri", client.redirect_uri.as_deref().unwrap_or_default()),
        ("state", STATE),
    ];
    let answer = probe.http.send(Request::post(endpoint, &parameters)).await?;
    expect_redirect(&answer, &["unsupported_response_type", "invalid_request"])
}

/// The first page that a browser shows, be it for consent or to sign in.
async fn page(probe: &Probe) -> Met {
    let (client, redirect_uri) = probe.code_client()?;
    let url = probe.authorization_url(client, &[])?;
    let mut browser = Browser::new(&probe.http, Some(redirect_uri));
    let Arrival::Page(page) = browser.open(&url).await? else {
        return Err(Miss::Unknown("the server shows no page".to_owned()));
    };
    let judge = |check: &'static Check, met| probe.ledger.judge(check, met);
    judge(NOT_FRAMED, expect_not_framed(&page.answer));
    judge(REFERRER, expect_no_referrer(&page.answer));
    judge(RESOURCES, expect_no_outside_resources(&page));
    Ok(())
}
