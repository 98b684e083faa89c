//! The corpus of the fuzz target `http1` in `tests/fuzz`, replayed: what once broke a rule must not again.

use std::fs;
use std::path::Path;

use oauth_protocol::TransportFailure::{BodyTooLarge, Closed, NotHttp};

use crate::arriving_answer::{self, Outcome};

#[test]
fn every_answer_of_the_corpus_is_read_by_the_rules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/http1");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 14, "the corpus lost its files");
    for file in files {
        println!("{}", file.display());
        let _ = arriving_answer::run(&fs::read(&file).unwrap());
    }
}

#[test]
fn the_written_answers_reach_what_they_are_for() {
    let outcome = |name: &str| -> Outcome {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/http1").join(name);
        arriving_answer::run(&fs::read(file).unwrap())
    };
    let pending = || br#"{"error":"authorization_pending"}"#.to_vec();
    for name in ["length", "chunked", "until_close", "interim", "http_1_0"] {
        assert_eq!(outcome(name), Ok((400, pending())), "{name}");
    }
    assert_eq!(outcome("no_content"), Ok((204, Vec::new())));
    assert_eq!(outcome("not_modified"), Ok((304, Vec::new())));
    assert_eq!(outcome("two_answers"), Ok((200, b"{}".to_vec())));
    for name in ["body_too_long", "chunk_too_long", "many_fields"] {
        assert_eq!(outcome(name), Err(BodyTooLarge), "{name}");
    }
    for name in
        ["two_lengths", "length_and_chunks", "folded", "other_protocol", "bad_chunk_end", "long_chunk_line"]
    {
        assert_eq!(outcome(name), Err(NotHttp), "{name}");
    }
    assert_eq!(outcome("cut_off"), Err(Closed));
}
