//! Client libraries that are not ours, unchanged, at our server: they check it in every flow that they have. Each flow
//! ends with the server's verdict on the library.

mod oauth2_crate;

use std::process::Command;

use mock_server::{AccessTokenFormat, MockServer};

use crate::browser::node;

#[test]
#[ignore = "needs node and npm packages: run by tests/run"]
fn openid_client_runs_all_its_flows() {
    passes(node().arg("foreign_clients/openid_client.mjs"));
}

#[test]
#[ignore = "needs node and npm packages: run by tests/run"]
fn oauth4webapi_runs_all_its_flows() {
    passes(node().arg("foreign_clients/oauth4webapi.mjs"));
}

#[test]
#[ignore = "needs python and its packages: run by tests/run"]
fn authlib_runs_all_its_flows() {
    passes(python().arg("foreign_clients/authlib_client.py"));
}

/// Runs a script at two servers: ID Tokens are signed with ES256 by one and with RS256 by the other.
fn passes(script: &mut Command) {
    for (format, alg) in [(AccessTokenFormat::Es256, "ES256"), (AccessTokenFormat::Rs256, "RS256")] {
        let server = MockServer::builder().access_token_format(format).start_blocking().unwrap();
        script.env("MOCK_SERVER_ISSUER", server.issuer()).env("ID_TOKEN_ALG", alg);
        let output = script.output().unwrap_or_else(|error| panic!("{script:?}: {error}"));
        assert!(
            output.status.success(),
            "with {alg}: {}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Python with the packages of `requirements.txt`, where `tests/run` put them.
pub(crate) fn python() -> Command {
    let mut python = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python"));
    // Nothing is written beside the scripts.
    python.current_dir(env!("CARGO_MANIFEST_DIR")).arg("-B");
    python
}
