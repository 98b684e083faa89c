//! Faults and login scripts as text: read, or refused with a reason.
#![no_main]

use mock_server::{Fault, LoginScript};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for refusal in [
        text.parse::<Fault>().err().map(|error| error.to_string()),
        text.parse::<LoginScript>().err().map(|error| error.to_string()),
    ] {
        assert!(refusal.is_none_or(|reason| !reason.is_empty() && !reason.contains(char::is_control)));
    }
});
