//! The corpora of the fuzz targets in `tests/fuzz`, replayed: what once broke a rule must not again.

use std::fs;
use std::path::{Path, PathBuf};

use mock_server::{Fault, LoginScript};

use crate::written_session;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 6, "{} lost its files", folder.display());
    files
}

#[test]
fn every_session_of_the_corpus_is_answered_by_the_rules() {
    for file in corpus("session") {
        written_session::run(&fs::read(&file).expect("a file"));
    }
}

#[test]
fn the_written_sessions_reach_what_they_are_for() {
    let statuses = |name: &str| {
        let file = corpus("session").into_iter().find(|file| file.ends_with(name)).expect("a session");
        written_session::run(&fs::read(file).expect("a file"))
    };
    assert_eq!(statuses("device_login"), [200, 400, 200, 200, 200, 200, 200, 200, 200, 200, 401]);
    assert_eq!(statuses("too_fast_and_denied"), [200, 400, 400, 204, 400, 400]);
    assert_eq!(statuses("code_with_pkce"), [200, 303, 200, 400, 401]);
    assert_eq!(statuses("client_credentials"), [200; 5]);
}

#[test]
fn every_notation_of_the_corpus_is_read_or_refused_with_a_reason() {
    for file in corpus("notation") {
        let bytes = fs::read(&file).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        let refusals = [
            text.parse::<Fault>().err().map(|error| error.to_string()),
            text.parse::<LoginScript>().err().map(|error| error.to_string()),
        ];
        for reason in refusals.into_iter().flatten() {
            assert!(
                !reason.is_empty() && !reason.contains(char::is_control),
                "{}: {reason:?}",
                file.display()
            );
        }
    }
}
