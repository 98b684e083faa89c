//! How large the trials are, and what they came to.

use std::fs::File;
use std::io::Write as _;

/// How often, in the short form and in the long one.
pub(super) fn times(short: u32, long: u32) -> u32 {
    if is_long() { long } else { short }
}

/// Whether `tests/soak` asks for the long form.
pub(super) fn is_long() -> bool {
    std::env::var_os("TOKEN_STORE_SOAK").is_some()
}

/// Notes a row of the table that `tests/soak` prints.
pub(super) fn note(trial: &str, result: &str) {
    if let Some(path) = std::env::var_os("TOKEN_STORE_FIGURES") {
        let mut table = File::options().append(true).create(true).open(path).expect("the file of figures");
        // In one write: tests run at the same time.
        table.write_all(format!("{trial}\t{result}\n").as_bytes()).expect("the file of figures");
    }
}
