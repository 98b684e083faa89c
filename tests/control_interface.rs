//! The document at `/_control/openapi.json`, held against the server that it describes by a program that is not ours.

use std::process::Command;

use crate::built_program::built;
use crate::foreign_clients::python;
use crate::json_lines::JsonLines;

/// What is asked, and what not, stands with its reasons in `control_interface/schemathesis.toml`.
#[test]
#[ignore = "needs python and its packages: run by tests/run"]
fn schemathesis_finds_the_document_true() {
    const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/control_interface/schemathesis.toml");
    const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/control_interface/hooks.py");

    let program = built("mock-server", &["mock-server"]);
    let mut server = JsonLines::start(Command::new(program).args(["--seed", "1"]));
    let ready = server.receive();
    let issuer = ready["issuer"].as_str().unwrap();
    // It keeps notes of what it saw beside itself.
    let notes = tempfile::tempdir().unwrap();
    let mut schemathesis = python();
    schemathesis.current_dir(notes.path()).env("SCHEMATHESIS_HOOKS", HOOKS);
    schemathesis.args(["-m", "schemathesis.cli", "--config-file", CONFIGURATION, "run", "--no-color"]);
    schemathesis.arg(format!("{issuer}/_control/openapi.json"));
    let output = schemathesis.output().unwrap_or_else(|error| panic!("{schemathesis:?}: {error}"));
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
