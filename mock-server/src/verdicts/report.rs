//! Verdicts for machines: JSON, and JUnit's XML with a test case a rule.

use maud::{PreEscaped, html};
use serde_json::{Map, Value, json};

use super::rules::{self, Rule};
use super::{Severity, Verdict, Verdicts};

/// `{"clean": bool, "verdicts": [...], "checked": {"poll-interval": 12, ...}}`.
pub(crate) fn json(verdicts: &Verdicts) -> Value {
    let list: Vec<Value> = verdicts.iter().map(describe).collect();
    let checked: Map<String, Value> =
        rules::ALL.iter().map(|rule| (rule.name.to_owned(), verdicts.times_checked(rule).into())).collect();
    json!({ "clean": list.is_empty(), "verdicts": list, "checked": checked })
}

/// One test suite, a test case a rule; a rule that no request met is skipped, and what weighs less than `fail_on` is
/// told without a failure.
pub(crate) fn junit(verdicts: &Verdicts, fail_on: Severity) -> String {
    let of = |rule: &Rule| verdicts.iter().filter(|verdict| verdict.rule == rule.name).collect::<Vec<_>>();
    let fails = |rule: &Rule| rule.severity >= fail_on && !of(rule).is_empty();
    let failures = rules::ALL.iter().filter(|rule| fails(rule)).count();
    let skipped = rules::ALL.iter().filter(|rule| verdicts.times_checked(rule) == 0).count();
    let suite = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        testsuites {
            testsuite name="mock-server verdicts" tests=(rules::ALL.len()) failures=(failures) skipped=(skipped) {
                @for rule in rules::ALL {
                    testcase classname=(rule.section) name=(rule.name) {
                        @let lines = of(rule).iter().map(ToString::to_string).collect::<Vec<_>>();
                        @if verdicts.times_checked(rule) == 0 {
                            skipped message="no request met this rule" {}
                        } @else if fails(rule) {
                            failure type=(rule.severity) message=(lines.first().map_or("", String::as_str)) {
                                (lines.join("\n"))
                            }
                        } @else if !lines.is_empty() {
                            system-out { (lines.join("\n")) }
                        }
                    }
                }
            }
        }
    };
    suite.into_string()
}

fn describe(verdict: &Verdict) -> Value {
    json!({
        "severity": verdict.severity.as_str(),
        "rule": verdict.rule,
        "section": verdict.section,
        "expected": verdict.expected,
        "got": verdict.got,
        "client_id": verdict.client_id,
        "request": verdict.request,
        "at": verdict.at.as_secs_f64(),
    })
}
