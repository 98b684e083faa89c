//! The only file that prints: the screen goes to stderr, results to stdout.

use std::io::{self, Stderr, Stdout, Write as _};

use oauth_client::ServerText;

use crate::failure::Failure;

/// Where a person looks, and where a script reads.
pub(crate) struct Terminal {
    screen: Stderr,
    results: Stdout,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { screen: io::stderr(), results: io::stdout() }
    }

    /// A line for the person. A screen that has gone away is no reason to end a login.
    pub(crate) fn say(&mut self, line: &str) {
        let _ = writeln!(self.screen, "{}", ServerText::from(line));
    }

    /// A line for the script.
    pub(crate) fn result(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.results, "{line}")
    }

    pub(crate) fn failure(&mut self, failure: &Failure) {
        self.say(&format!("error: {failure}"));
    }
}
