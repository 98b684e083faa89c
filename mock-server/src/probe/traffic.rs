//! What is true of every answer to a program, seen in all answers of the run.

use super::check::{Met, Miss, checks, expect};
use super::http_client::Answer;
use super::logins::Probe;

checks! {
    "RFC 6749: every error answer to a program"
    SERVER_ERROR: Must "error-not-of-server", "RFC 6749 section 5.2", "no 5xx for whatever a client sends";
    JSON: Must "error-is-json", "RFC 6749 section 5.2", "Content-Type: application/json and a member error";
    CHARSET: Must "error-charset", "RFC 6749 section 5.2",
        "error and error_description of the characters %x20-21, %x23-5B, %x5D-7E";
    NOT_STORED: Should "error-not-stored", "RFC 6749 section 5.1 and its examples", "Cache-Control: no-store";
}

/// The first breach of each rule.
#[derive(Default)]
pub(super) struct Traffic {
    errors: usize,
    server_error: Option<String>,
    not_json: Option<String>,
    charset: Option<String>,
    stored: Option<String>,
}

impl Traffic {
    /// Looks at one answer to a program.
    pub(super) fn note(&mut self, answer: &Answer) {
        if answer.status >= 500 {
            self.server_error.get_or_insert_with(|| answer.in_words());
        }
        // A challenge alone, 405 and redirects have no body to judge.
        if !matches!(answer.status, 400 | 401)
            || (answer.status == 401 && answer.header("www-authenticate").is_some())
        {
            return;
        }
        self.errors += 1;
        if answer.media_type() != "application/json" || answer.text("error").is_none() {
            self.not_json.get_or_insert_with(|| answer.in_words());
        }
        let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        for member in ["error", "error_description"] {
            if let Some(odd) = answer.text(member).unwrap_or_default().chars().find(|c| !allowed(*c)) {
                let code = answer.text("error").unwrap_or_default();
                self.charset.get_or_insert_with(|| format!("U+{:04X} in {member} of {code}", u32::from(odd)));
            }
        }
        if !answer.is_not_stored() {
            self.stored.get_or_insert_with(|| format!("{} without it", answer.in_words()));
        }
    }
}

/// After all that makes errors.
pub(super) fn judge(probe: &Probe) {
    let traffic = probe.traffic.borrow();
    let without =
        |breach: &Option<String>| -> Met { expect(breach.is_none(), || breach.clone().unwrap_or_default()) };
    probe.ledger.judge(SERVER_ERROR, without(&traffic.server_error));
    let none = || Err(Miss::Unknown("no error came".to_owned()));
    for (check, breach) in
        [(JSON, &traffic.not_json), (CHARSET, &traffic.charset), (NOT_STORED, &traffic.stored)]
    {
        probe.ledger.judge(check, if traffic.errors == 0 { none() } else { without(breach) });
    }
}
