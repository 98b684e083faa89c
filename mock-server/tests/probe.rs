//! `mock-server probe`: what is right passes, and each way of being wrong is seen.

use std::collections::BTreeSet;
use std::process::Command;

use mock_server::{Check, Lenient, MockServer, MockServerBuilder, Rotation};
use serde_json::Value;

use crate::altering_proxy::{Alteration, AlteringProxy};

/// How many checks there are: one that is skipped, or that gets lost, must not go unnoticed.
const CHECKS: u64 = 172;

/// What a run found.
struct Found {
    exit_code: Option<i32>,
    stdout: String,
    report: Value,
}

impl Found {
    /// The checks with this outcome.
    fn with(&self, outcome: &str) -> BTreeSet<String> {
        let checks = self.report["checks"].as_array().unwrap().iter();
        let matching = checks.filter(|check| check["outcome"] == outcome);
        matching.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn probe(url: &str, arguments: &[&str]) -> Found {
    let name = url.replace([':', '/'], "-");
    let file = format!("{}/probe-{name}.json", env!("CARGO_TARGET_TMPDIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_mock-server"))
        .args(["probe", url, "--report", &format!("json:{file}")])
        .args(arguments)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let report = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    Found { exit_code: output.status.code(), stdout, report: serde_json::from_str(&report).unwrap() }
}

/// As the program starts it.
fn server() -> MockServerBuilder {
    MockServer::builder().consent_page(true)
}

fn probe_server(builder: MockServerBuilder) -> Found {
    let running = builder.start_blocking().unwrap();
    probe(running.issuer(), &[])
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn this_server_passes_every_check_and_none_is_skipped() {
    let running = server().start_blocking().unwrap();
    // Twice, as a run must leave a server as good as it was.
    for _ in 0..2 {
        let found = probe(running.issuer(), &[]);
        assert_eq!(found.report["passed"], CHECKS, "{}", found.stdout);
        assert_eq!(found.report["checks"].as_array().unwrap().len() as u64, CHECKS);
        assert_eq!(found.exit_code, Some(0));
        let last = format!("{}: {CHECKS} passed, 0 failed, 0 warned of, 0 skipped\n", running.issuer());
        assert!(found.stdout.ends_with(&last), "{}", found.stdout);
    }
}

#[test]
fn a_tenant_and_other_settings_pass_too() {
    let running = server().start_blocking().unwrap();
    let found = probe(&format!("{}/t/one", running.issuer()), &["--report", "junit:/dev/null"]);
    assert_eq!(found.report["passed"], CHECKS, "{}", found.stdout);
    let found = probe_server(server().interval(std::time::Duration::from_secs(1)));
    assert_eq!(found.report["passed"], CHECKS, "{}", found.stdout);
}

/// A server that relaxes a check misses just what the check is for: first what fails, then what is warned of, then what
/// can no longer be seen.
fn assert_missed(relaxed: Check, failed: &[&str], warned: &[&str], skipped: &[&str]) {
    let mut lenient = Lenient::default();
    lenient.relax(relaxed).unwrap();
    let found = probe_server(server().lenient(lenient));
    let name = relaxed.name();
    assert_eq!(found.with("fail"), names(failed), "{name}\n{}", found.stdout);
    assert_eq!(found.with("warn"), names(warned), "{name}\n{}", found.stdout);
    assert_eq!(found.with("skip"), names(skipped), "{name}\n{}", found.stdout);
    assert_eq!(found.exit_code, Some(i32::from(!failed.is_empty())), "{name}");
}

#[test]
fn laxity_about_requests_is_seen() {
    assert_missed(Check::ContentType, &["device-content-type", "token-content-type"], &[], &[]);
    assert_missed(Check::ParametersInUrl, &["token-parameters-in-url"], &[], &[]);
    let repeated = ["device-repeated-parameter", "token-repeated-parameter", "authorize-repeated-parameter"];
    assert_missed(Check::RepeatedParameter, &repeated, &[], &[]);
    assert_missed(Check::Scope, &[], &["device-scope-unknown", "authorize-scope"], &[]);
    assert_missed(Check::TokenInUrl, &[], &["bearer-in-query"], &[]);
}

#[test]
fn laxity_about_clients_is_seen() {
    assert_missed(Check::ClientId, &["device-client-id-unknown"], &[], &[]);
    let secrets = [
        "device-secret-wrong",
        "device-secret-missing",
        "basic-secret-wrong",
        "post-secret-wrong",
        "secret-missing",
        "revocation-authenticated",
    ];
    assert_missed(Check::ClientSecret, &secrets, &[], &[]);
    let grants = ["device-grant-not-allowed", "token-grant-not-allowed", "authorize-unauthorized-client"];
    assert_missed(Check::AllowedGrant, &grants, &[], &[]);
    assert_missed(Check::RedirectUri, &["authorize-redirect-uri"], &[], &[]);
    assert_missed(Check::TokenRedirectUri, &["code-redirect-uri"], &[], &[]);
}

#[test]
fn laxity_about_pkce_is_seen() {
    assert_missed(Check::PkceRequired, &["pkce-required"], &[], &[]);
    assert_missed(Check::CodeVerifierShape, &[], &["pkce-verifier-shape"], &[]);
    let verifiers =
        ["pkce-mismatch", "pkce-verifier-missing", "pkce-not-downgraded", "pkce-verifier-unasked"];
    assert_missed(Check::CodeVerifier, &verifiers, &["pkce-verifier-shape"], &["pkce-mismatch-spends"]);
}

#[test]
fn laxity_about_reuse_pace_and_guesses_is_seen() {
    let spends = ["pkce-mismatch-spends"];
    assert_missed(Check::CodeReuse, &["code-once", "code-parallel"], &spends, &["code-reuse-revokes"]);
    assert_missed(Check::DeviceCodeReuse, &["device-code-once"], &[], &[]);
    assert_missed(Check::RefreshTokenReuse, &["refresh-token-reuse"], &[], &["refresh-reuse-revokes"]);
    assert_missed(Check::PollInterval, &[], &["device-slow-down"], &["device-gap-grows"]);
    assert_missed(Check::UserCodeGuesses, &[], &["page-guesses-limited"], &[]);
    let found = probe_server(server().refresh_token_rotation(Rotation::Off));
    assert_eq!(found.with("fail"), names(&["refresh-token-reuse"]), "{}", found.stdout);
}

#[test]
fn every_other_way_to_be_wrong_is_seen() {
    let proxy = AlteringProxy::start();
    let running = server().issuer(proxy.url()).start_blocking().unwrap();
    proxy.lead_to(running.port());
    let found = probe(&proxy.url(), &[]);
    assert_eq!(found.report["passed"], CHECKS, "unaltered answers pass: {}", found.stdout);

    let mut seen = BTreeSet::new();
    let mut surprises = Vec::new();
    for (expected, alterations) in ALTERED {
        proxy.alter(alterations);
        let found = probe(&proxy.url(), &["--only", &expected.join(",")]);
        let missed: BTreeSet<_> = &found.with("fail") | &found.with("warn");
        if missed != names(expected) {
            surprises.push(format!("{alterations:?}\n{}", found.stdout));
        }
        seen.extend(missed);
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    assert_eq!(seen.len(), 111, "with those of the laxities above, most of the checks");
}

use Alteration::{Body, Drop, Status};

/// What comes through the proxy, and what the probe has to make of it.
const ALTERED: &[(&[&str], &[Alteration])] = &[
    // Metadata.
    (&["metadata-inserted"], &[Status("/.well-known/oauth-authorization-server", 200, 404)]),
    (&["metadata-appended"], &[Status("/.well-known/openid-configuration", 200, 404)]),
    (&["metadata-path"], &[Status("/.well-known/oauth-authorization-server/t/", 200, 404)]),
    (&["metadata-issuer"], &[Body("/.well-known/", "\"issuer\":\"http:", "\"issuer\":\"https:")]),
    (&["metadata-response-types"], &[Body("/.well-known/", "response_types_supported", "x")]),
    (
        &["metadata-no-empty-list"],
        &[Body("/.well-known/", "\"subject_types_supported\":[\"public\"]", "\"x\":[]")],
    ),
    (&["metadata-endpoints"], &[Status("/jwks", 200, 404)]),
    (
        &["metadata-tls"],
        &[Body("/.well-known/", "\"jwks_uri\":\"http://127.0.0.1", "\"jwks_uri\":\"http://mock.test")],
    ),
    (
        &["metadata-device-grant"],
        &[Body("/.well-known/", "urn:ietf:params:oauth:grant-type:device_code", "x")],
    ),
    (&["metadata-grants"], &[Body("/.well-known/", "\"client_credentials\"", "\"urn:unheard-of\"")]),
    (&["metadata-pkce"], &[Body("/.well-known/", "\"S256\",", "")]),
    (
        &["metadata-iss"],
        &[Body("/.well-known/", "iss_parameter_supported\":true", "iss_parameter_supported\":false")],
    ),
    (&["metadata-jwks"], &[Body("/jwks", "\"keys\"", "\"locks\"")]),
    (&["metadata-cors"], &[Drop("/.well-known/", "access-control-allow-origin")]),
    // Device authorization.
    (
        &["device-method", "token-method", "revocation-method", "introspection-method"],
        &[Status("", 405, 200)],
    ),
    (&["device-client-id-missing"], &[Body("/device-authorization", "invalid_request", "invalid_grant")]),
    (&["device-empty-value", "device-unknown-parameter"], &[Status("/device-authorization", 200, 400)]),
    (&["device-answer"], &[Body("/device-authorization", "\"expires_in\":600", "\"expires_in\":\"600\"")]),
    (
        &["device-answer-json"],
        &[Body("/device-authorization", "content-type: application/json", "content-type: text/plain")],
    ),
    (&["device-answer-not-stored"], &[Drop("/device-authorization", "cache-control")]),
    (&["device-interval-sent"], &[Body("/device-authorization", "\"interval\":5", "\"x\":5")]),
    (&["verification-uri-complete"], &[Body("/device-authorization", "verification_uri_complete", "x")]),
    (&["user-code-form"], &[Body("/device-authorization", "-", "AEIOU-")]),
    // Pages.
    (&["page-form", "page-asks-to-confirm"], &[Status("/device", 200, 418)]),
    (&["page-on-a-phone"], &[Body("/device", "viewport", "porthole")]),
    (&["page-not-framed"], &[Drop("/device", "x-frame-options"), Drop("/device", "content-security-policy")]),
    (&["page-referrer"], &[Drop("/device", "referrer-policy")]),
    (&["page-resources"], &[Body("/device", "<main>", "<main><img src=\"https://elsewhere.example/x\">")]),
    (&["page-escaped"], &[Body("/device", "&lt;", "<"), Body("/device", "&gt;", ">")]),
    (&["page-names-client"], &[Body("/device", "Demo device", "Something")]),
    (
        &["authorize-page-not-framed"],
        &[Drop("/authorize", "x-frame-options"), Drop("/authorize", "content-security-policy")],
    ),
    (&["authorize-page-referrer"], &[Drop("/authorize", "referrer-policy")]),
    (
        &["authorize-page-resources"],
        &[Body("/authorize", "<main>", "<main><script src=\"//elsewhere.example/x\"></script>")],
    ),
    // Polls.
    (&["device-code-missing"], &[Body("/token", "invalid_request", "invalid_grant")]),
    (
        &["device-code-unknown", "code-unknown", "refresh-token-unknown"],
        &[Body("/token", "invalid_grant", "invalid_token")],
    ),
    (&["device-code-other-client"], &[Body("/token", "invalid_grant", "authorization_pending")]),
    (&["device-first-poll", "device-pace"], &[Body("/token", "authorization_pending", "slow_down")]),
    (&["device-slow-down"], &[Body("/token", "slow_down", "authorization_pending")]),
    (&["device-denied", "device-denied-again"], &[Body("/token", "access_denied", "expired_token")]),
    (&["device-approved", "code-answer", "pkce-s256", "client-credentials"], &[Status("/token", 200, 400)]),
    (
        &["device-expired", "device-expired-approved", "device-expired-later"],
        &[Body("/token", "expired_token", "authorization_pending")],
    ),
    // Token endpoint.
    (
        &["token-grant-type-missing", "refresh-token-missing"],
        &[Body("/token", "invalid_request", "invalid_grant")],
    ),
    (&["token-grant-type-unknown"], &[Body("/token", "unsupported_grant_type", "invalid_request")]),
    (&["token-answer"], &[Body("/token", "\"Bearer\"", "\"mac\"")]),
    (&["token-answer-not-stored"], &[Drop("/token", "cache-control")]),
    (&["token-expires-in"], &[Body("/token", "\"expires_in\":3600", "\"x\":3600")]),
    (&["client-credentials-public"], &[Body("/token", "unauthorized_client", "invalid_grant")]),
    (&["basic-secret-wrong", "basic-client-unknown", "device-secret-wrong"], &[Drop("", "www-authenticate")]),
    (&["basic-accepted", "post-accepted"], &[Body("/token", "unauthorized_client", "invalid_client")]),
    (&["basic-and-post", "basic-client-id-differs"], &[Body("/token", "invalid_request", "invalid_grant")]),
    (&["refresh-scope-wider"], &[Body("/token", "invalid_scope", "invalid_grant")]),
    (
        &["refresh-scope-narrower"],
        &[Body("/token", "\"scope\":\"openid read\"", "\"scope\":\"openid read write\"")],
    ),
    // Every error.
    (&["error-not-of-server"], &[Status("/token", 400, 500)]),
    (&["error-is-json"], &[Body("/token", "\"error\":", "\"message\":")]),
    (&["error-charset"], &[Body("/token", "\"error_description\":\"", "\"error_description\":\"\\\\")]),
    (&["error-not-stored"], &[Drop("/token", "cache-control")]),
    // Authorization endpoint.
    (&["authorize-client-unknown", "authorize-redirect-uri-fragment"], &[Status("/authorize", 400, 200)]),
    (&["authorize-response-type", "authorize-post"], &[Body("/authorize", "error=unsupported", "error=x_")]),
    (&["authorize-state"], &[Body("/authorize", "state=", "state=x")]),
    (&["authorize-iss-in-errors", "authorize-iss"], &[Body("/authorize", "iss=", "x=")]),
    (&["authorize-denied"], &[Body("/authorize", "error=access_denied", "error=server_error")]),
    (&["authorize-redirect-status"], &[Status("/authorize", 303, 307)]),
    (&["authorize-loopback-port"], &[Status("/authorize", 302, 400)]),
    (
        &["pkce-method-unknown", "pkce-challenge-shape", "pkce-required"],
        &[Body("/authorize", "error=invalid_request", "error=server_error")],
    ),
    // Bearer tokens.
    (
        &["bearer-none", "bearer-unknown", "bearer-scope", "bearer-expired"],
        &[Drop("/resource", "www-authenticate")],
    ),
    (&["bearer-twice"], &[Status("/resource", 400, 200)]),
    (&["bearer-good"], &[Status("/resource", 200, 401)]),
    // Revocation and introspection.
    (&["revocation-token-missing"], &[Body("/revoke", "invalid_request", "invalid_grant")]),
    (&["revocation-unknown", "revocation-twice"], &[Status("/revoke", 200, 400)]),
    (&["introspection-unauthorized", "introspection-public"], &[Status("/introspect", 401, 200)]),
    (&["introspection-token-missing"], &[Status("/introspect", 400, 200)]),
    (
        &["introspection-unknown", "introspection-device-code"],
        &[Body("/introspect", "\"active\":false", "\"active\":false,\"x\":1")],
    ),
    (
        &["introspection-active", "introspection-refresh-token"],
        &[Body("/introspect", "\"active\":true", "\"active\":1")],
    ),
    (&["introspection-members"], &[Body("/introspect", "\"jti\":\"", "\"jti\":1,\"x\":\"")]),
    (&["introspection-useful"], &[Body("/introspect", "\"sub\"", "\"x\"")]),
    (&["introspection-not-stored"], &[Drop("/introspect", "cache-control")]),
    (
        &["revocation-access-token", "revocation-wrong-hint", "revocation-cascade", "code-reuse-revokes"],
        &[Body("/introspect", "\"active\":false", "\"active\":true")],
    ),
];

#[test]
fn what_cannot_be_run_is_explained() {
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_mock-server")).arg("probe").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (arguments, message) in [
        (&[] as &[&str], "<URL>"),
        (&["127.0.0.1:1"], "the URL must be that of an issuer"),
        (&["http://127.0.0.1:1"], "had no answer: Connection refused"),
        (&["http://127.0.0.1:1", "--only", "x"], "no check is called \"x\": see --list"),
        (&["http://127.0.0.1:1", "--ca-file", "/nonexistent"], "cannot read /nonexistent"),
    ] {
        let (code, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[test]
fn the_checks_can_be_listed_and_chosen() {
    let output = Command::new(env!("CARGO_BIN_EXE_mock-server")).args(["probe", "--list"]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    let checks = list.lines().filter(|line| line.starts_with("  ")).count() as u64;
    assert_eq!(checks, CHECKS);
    let running = server().start_blocking().unwrap();
    let found = probe(running.issuer(), &["--only", "device-pace,pkce-s256"]);
    assert_eq!(found.with("pass"), names(&["device-pace", "pkce-s256"]));
    assert_eq!(found.report["passed"], 2);
}
