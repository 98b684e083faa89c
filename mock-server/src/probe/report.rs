//! What the probe found, for people and for machines.

use std::fmt::Write as _;

use maud::{PreEscaped, html};
use serde_json::{Value, json};

use super::check::{Check, Group, Outcome};
use super::ledger::Ledger;

/// All groups with their outcomes.
pub(super) struct Report {
    target: String,
    groups: Vec<(&'static str, Vec<(&'static Check, Outcome)>)>,
}

impl Report {
    /// What the ledger says, group by group; groups of which nobody wants to know are left out.
    pub(super) fn new(target: &str, groups: &[Group], ledger: &Ledger) -> Self {
        let of = |group: &Group| {
            let wanted = group.checks.iter().copied().filter(|check| ledger.wants(check));
            wanted.map(|check| (check, ledger.outcome(check))).collect::<Vec<_>>()
        };
        let groups = groups.iter().map(|group| (group.title, of(group)));
        Self { target: target.to_owned(), groups: groups.filter(|(_, checks)| !checks.is_empty()).collect() }
    }

    /// Whether a MUST is missed.
    pub(super) fn has_failures(&self) -> bool {
        self.count("fail") > 0
    }

    fn checks(&self) -> impl Iterator<Item = &(&'static Check, Outcome)> {
        self.groups.iter().flat_map(|(_, checks)| checks)
    }

    fn count(&self, word: &str) -> usize {
        self.checks().filter(|(_, outcome)| word_for(outcome) == word).count()
    }

    /// A line a check, and below what is missed what was expected and what came.
    pub(super) fn for_people(&self) -> String {
        let mut text = String::new();
        // A String takes whatever is written to it.
        for (title, checks) in &self.groups {
            let _ = writeln!(text, "{title}");
            for (check, outcome) in checks {
                let (name, section) = (check.name, check.section);
                let _ = match outcome {
                    Outcome::Passed => writeln!(text, "  pass  {name}"),
                    Outcome::Skipped(reason) => writeln!(text, "  skip  {name}: {reason}"),
                    Outcome::Failed(got) => {
                        writeln!(text, "  FAIL  {name} ({section}): expected {}; got {got}", check.expected)
                    }
                    Outcome::Warned(got) => {
                        writeln!(text, "  warn  {name} ({section}): expected {}; got {got}", check.expected)
                    }
                };
            }
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "{}: {} passed, {} failed, {} warned of, {} skipped",
            self.target,
            self.count("pass"),
            self.count("fail"),
            self.count("warn"),
            self.count("skip")
        );
        text
    }

    /// `{"target", "passed", "failed", "warned", "skipped", "checks": [...]}`.
    pub(super) fn json(&self) -> String {
        let describe = |(check, outcome): &(&'static Check, Outcome)| {
            let mut described = json!({
                "name": check.name,
                "section": check.section,
                "expected": check.expected,
                "outcome": word_for(outcome),
            });
            match outcome {
                Outcome::Passed => {}
                Outcome::Failed(got) | Outcome::Warned(got) => described["got"] = got.as_str().into(),
                Outcome::Skipped(reason) => described["reason"] = reason.as_str().into(),
            }
            described
        };
        let report = json!({
            "target": self.target,
            "passed": self.count("pass"),
            "failed": self.count("fail"),
            "warned": self.count("warn"),
            "skipped": self.count("skip"),
            "checks": self.checks().map(describe).collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }

    /// A test suite a group; a warning is told without a failure.
    pub(super) fn junit(&self) -> String {
        let count = |checks: &[(&'static Check, Outcome)], word| {
            checks.iter().filter(|(_, outcome)| word_for(outcome) == word).count()
        };
        let suites = html! {
            (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
            testsuites name=(self.target) {
                @for (title, checks) in &self.groups {
                    testsuite name=(title) tests=(checks.len()) failures=(count(checks, "fail")) skipped=(count(checks, "skip")) {
                        @for (check, outcome) in checks {
                            testcase classname=(check.section) name=(check.name) {
                                @match outcome {
                                    Outcome::Passed => {}
                                    Outcome::Skipped(reason) => { skipped message=(reason) {} }
                                    Outcome::Failed(got) => {
                                        failure message=(format!("expected {}; got {got}", check.expected)) {}
                                    }
                                    Outcome::Warned(got) => { system-out { "expected " (check.expected) "; got " (got) } }
                                }
                            }
                        }
                    }
                }
            }
        };
        suites.into_string()
    }
}

const fn word_for(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "pass",
        Outcome::Failed(_) => "fail",
        Outcome::Warned(_) => "warn",
        Outcome::Skipped(_) => "skip",
    }
}
