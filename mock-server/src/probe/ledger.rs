//! What became of every check, as long as the probe runs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, Met, Outcome};

/// Outcomes by check. Of two for one check the worse counts.
pub(super) struct Ledger {
    outcomes: RefCell<BTreeMap<&'static str, Outcome>>,
    secrets: RefCell<BTreeSet<String>>,
    only: BTreeSet<String>,
    /// Somebody wants to know what shows in all that happens.
    runs_all: bool,
}

impl Ledger {
    /// For all checks, or only for some; what of them is seen everywhere needs all stories.
    pub(super) fn new(only: &[String], seen_everywhere: &[&Check]) -> Self {
        let runs_all = seen_everywhere.iter().any(|check| only.iter().any(|name| name == check.name));
        let only = only.iter().cloned().collect();
        Self { outcomes: RefCell::default(), secrets: RefCell::default(), only, runs_all }
    }

    /// Whether a story about these checks has to be run.
    pub(super) fn needs(&self, checks: &[&Check]) -> bool {
        self.runs_all || checks.iter().any(|check| self.wants(check))
    }

    /// Whether somebody wants to know.
    pub(super) fn wants(&self, check: &Check) -> bool {
        self.only.is_empty() || self.only.contains(check.name)
    }

    /// From now on this text is never shown.
    pub(super) fn hide(&self, secret: &str) {
        // What is as short as a word would tear holes into sentences.
        if secret.len() >= 6 {
            self.secrets.borrow_mut().insert(secret.to_owned());
        }
    }

    /// Notes what became of a check.
    pub(super) fn judge(&self, check: &Check, met: Met) {
        let outcome = met.map_or_else(|miss| miss.outcome(check.level), |()| Outcome::Passed);
        let mut outcomes = self.outcomes.borrow_mut();
        let before = outcomes.get(check.name);
        if before.is_none_or(|before| weight(before) < weight(&outcome)) {
            outcomes.insert(check.name, outcome);
        }
    }

    /// Whether nothing is known of a check yet.
    pub(super) fn lacks(&self, check: &Check) -> bool {
        !self.outcomes.borrow().contains_key(check.name)
    }

    /// What became of a check, fit for a terminal and without secrets.
    pub(super) fn outcome(&self, check: &Check) -> Outcome {
        let unknown = || Outcome::Skipped("the probe did not come so far".to_owned());
        let clean = |text: &str| self.clean(text);
        match self.outcomes.borrow().get(check.name).cloned().unwrap_or_else(unknown) {
            Outcome::Passed => Outcome::Passed,
            Outcome::Failed(got) => Outcome::Failed(clean(&got)),
            Outcome::Warned(got) => Outcome::Warned(clean(&got)),
            Outcome::Skipped(reason) => Outcome::Skipped(clean(&reason)),
        }
    }

    /// Without secrets, and with `?` for what could do more on a terminal than stand there.
    fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.borrow();
        let text =
            secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]"));
        let printable = text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' });
        printable.take(300).collect()
    }
}

fn weight(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Skipped(_) => 0,
        Outcome::Passed => 1,
        Outcome::Warned(_) => 2,
        Outcome::Failed(_) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::check::{Level, Miss};

    const CHECK: &Check = &Check { name: "a", section: "", level: Level::Must, expected: "" };

    #[test]
    fn what_a_server_says_is_harmless_and_holds_no_secret() {
        let ledger = Ledger::new(&[], &[]);
        ledger.hide("s3cr3t-t0ken");
        ledger.judge(CHECK, Err(Miss::Broken("400 \u{1b}[31m s3cr3t-t0ken\n\u{202e}".to_owned())));
        assert_eq!(ledger.outcome(CHECK), Outcome::Failed("400 ?[31m [secret]??".to_owned()));
    }

    #[test]
    fn the_worse_of_two_counts() {
        let ledger = Ledger::new(&[], &[]);
        ledger.judge(CHECK, Err(Miss::Unknown(String::new())));
        ledger.judge(CHECK, Ok(()));
        assert_eq!(ledger.outcome(CHECK), Outcome::Passed);
        ledger.judge(CHECK, Err(Miss::Nearly("405".to_owned())));
        ledger.judge(CHECK, Ok(()));
        assert_eq!(ledger.outcome(CHECK), Outcome::Warned("405".to_owned()));
    }
}
