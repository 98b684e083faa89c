//! `mock-server probe` at `oidc-provider`, a certified authorization server that is not ours (npm).

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::browser::node;
use crate::built_program::built;
use crate::json_lines::JsonLines;

/// Where it misses a MUST, in four ways, each looked up in its source (9.13.3, `lib/`): its failing, not the probe's.
const FAILED: [(&str, &str); 7] = [
    // helpers/initialize_app.js: GET /device/auth falls into the route /device/:uid, of the page to which a person comes
    // back, whose care for the session throws a TypeError.
    ("device-method", "500 text/plain"),
    ("error-not-of-server", "500 text/plain"),
    // helpers/defaults.js and views: its pages come without X-Frame-Options and Content-Security-Policy, which is left to
    // whoever embeds it.
    ("page-not-framed", "neither header"),
    ("authorize-page-not-framed", "neither header"),
    // actions/token.js and actions/authorization/client.js: a grant that the client may not use is an InvalidRequest,
    // where RFC 6749 section 5.2 has unauthorized_client.
    ("client-credentials-public", "400 invalid_request"),
    ("device-grant-not-allowed", "400 invalid_request"),
    // helpers/defaults.js, introspectionAllowedPolicy: a public client that names itself is let in.
    ("introspection-public", "200 application/json"),
];

/// Where it misses a SHOULD, or answers in another way than most.
const WARNED: [(&str, &str); 18] = [
    ("device-scope-unknown", "the scope is ignored, as section 3.3 allows"),
    ("authorize-scope", "the scope is ignored, as section 3.3 allows"),
    // actions/authorization/device.js: the answer has no interval, and actions/grants/device_code.js knows no slow_down.
    ("device-interval-sent", "none"),
    ("device-slow-down", "400 authorization_pending"),
    // actions/code_verification.js counts no wrong codes: 8 of 20 letters may be guessed at line speed.
    ("page-guesses-limited", "10 wrong codes, and no end"),
    // The first poll that hears of the denial uses the code up.
    ("device-denied-again", "400 invalid_grant"),
    ("page-referrer", "Referrer-Policy \"\""),
    ("authorize-page-referrer", "Referrer-Policy \"\""),
    ("page-resources", "https://fonts.googleapis.com/css?family=Roboto:400,100"),
    ("authorize-page-resources", "https://fonts.googleapis.com/css?family=Roboto:400,100"),
    ("token-method", "404 text/plain"),
    ("revocation-method", "404 text/plain"),
    ("introspection-method", "404 text/plain"),
    ("authorize-post", "404 text/plain"),
    ("token-answer-not-stored", "no Pragma: no-cache, which only caches of HTTP/1.0 need"),
    ("error-not-stored", "400 invalid_request without it"),
    // A wrong verifier does not use the code up.
    ("pkce-mismatch-spends", "200 application/json"),
    ("introspection-unauthorized", "400 invalid_request"),
];

/// What could not be looked at, or not within the test's time.
const SKIPPED: [&str; 16] = [
    "authorize-redirect-status",
    "authorize-unauthorized-client",
    "bearer-expired",
    "bearer-scope",
    "code-life",
    "code-redirect-query",
    "device-expired",
    "device-expired-approved",
    "device-expired-later",
    "device-gap-grows",
    "metadata-path",
    "page-decision-final",
    "page-expired-code",
    "page-names-client",
    "pkce-verifier-unasked",
    "token-grant-not-allowed",
];

#[test]
#[ignore = "needs node and npm packages: run by tests/run"]
fn oidc_provider_falls_short_where_its_source_says_so() {
    let mut provider = JsonLines::start(node().arg("oidc_provider/server.mjs"));
    let issuer = provider.receive_event("ready")["issuer"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = Command::new(built("mock-server", &["mock-server"]))
        .args(["probe", &issuer, "--scope", "openid offline_access"])
        .args(["--client-id", "tv", "--other-client-id", "radio"])
        .args(["--code-client-id", "desktop", "--redirect-uri", "http://127.0.0.1:49152/callback"])
        .args(["--confidential-client-id", "backend"])
        .env("MOCK_SERVER_PROBE_OTHER_CLIENT_SECRET", "radio-secret")
        .env("MOCK_SERVER_PROBE_CONFIDENTIAL_CLIENT_SECRET", "backend-secret: 100%+")
        .args(["--approve", "node oidc_provider/decide.mjs approve"])
        .args(["--deny", "node oidc_provider/decide.mjs deny"])
        .args(["--report", &format!("json:{}", report.display())])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let report = std::fs::read_to_string(report).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(missed(&report, "fail"), BTreeMap::from(FAILED));
    assert_eq!(missed(&report, "warn"), BTreeMap::from(WARNED));
    let skipped: Vec<_> = missed(&report, "skip").into_keys().collect();
    assert_eq!(skipped, SKIPPED);
    assert_eq!(output.status.code(), Some(1));
}

/// The checks with this outcome, and what came.
fn missed<'a>(report: &'a Value, outcome: &str) -> BTreeMap<&'a str, &'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let missed = checks.filter(|check| check["outcome"] == outcome);
    missed.map(|check| (check["name"].as_str().unwrap(), check["got"].as_str().unwrap_or_default())).collect()
}
