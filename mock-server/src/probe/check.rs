//! A line of the checklist, and what became of it.

use super::http_client::{Answer, NoAnswer};

/// How much a check weighs, by the words of the RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// A server that misses it is broken.
    Must,
    /// A server that misses it has, one hopes, a reason.
    Should,
}

/// A line of the checklist.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    pub(super) level: Level,
    pub(super) expected: &'static str,
}

/// Lines that are told together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) checks: &'static [&'static Check],
}

/// Declares the checks of a file as constants, and the group of them all.
macro_rules! checks {
    ($title:literal $($constant:ident: $level:ident $name:literal, $section:literal, $expected:literal;)*) => {
        $(const $constant: &$crate::probe::check::Check = &$crate::probe::check::Check {
            name: $name,
            section: $section,
            level: $crate::probe::check::Level::$level,
            expected: $expected,
        };)*
        pub(super) const GROUP: $crate::probe::check::Group =
            $crate::probe::check::Group { title: $title, checks: &[$($constant),*] };
    };
}
pub(super) use checks;

/// What became of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// A MUST is missed: what came instead.
    Failed(String),
    /// A SHOULD is missed, or a MUST is met in a way that clients may trip over.
    Warned(String),
    /// It could not be looked at: why.
    Skipped(String),
}

/// Why an expectation was not met.
#[derive(Clone, Debug)]
pub(super) enum Miss {
    /// Something else came; it weighs as much as the check.
    Broken(String),
    /// Nearly: a warning, whatever the check weighs.
    Nearly(String),
    /// It cannot be told.
    Unknown(String),
}

/// Met, or not.
pub(super) type Met = Result<(), Miss>;

impl From<NoAnswer> for Miss {
    fn from(failure: NoAnswer) -> Self {
        Self::Broken(failure.to_string())
    }
}

impl Miss {
    /// What it makes of a check of this level.
    pub(super) fn outcome(self, level: Level) -> Outcome {
        match (self, level) {
            (Self::Broken(got), Level::Must) => Outcome::Failed(got),
            (Self::Broken(got), Level::Should) | (Self::Nearly(got), _) => Outcome::Warned(got),
            (Self::Unknown(reason), _) => Outcome::Skipped(reason),
        }
    }
}

/// `Ok` if the condition holds; else what came.
pub(super) fn expect(holds: bool, got: impl FnOnce() -> String) -> Met {
    if holds { Ok(()) } else { Err(Miss::Broken(got())) }
}

/// An error of RFC 6749 section 5.2 with one of these codes: 400, or 401 where the client is not authenticated.
pub(super) fn expect_error(answer: &Answer, codes: &[&str]) -> Met {
    let code = answer.text("error").unwrap_or_default();
    let status_fits = answer.status == 400 || (answer.status == 401 && code == "invalid_client");
    expect(status_fits && codes.contains(&code.as_str()), || answer.in_words())
}

/// `Ok` for this status, else what came.
pub(super) fn expect_status(answer: &Answer, status: u16) -> Met {
    expect(answer.status == status, || answer.in_words())
}

/// A method that the endpoint does not take: best 405 with `Allow`, in any case no success.
pub(super) fn expect_method_refused(answer: &Answer) -> Met {
    match (answer.status, answer.header("allow")) {
        (405, Some(_)) => Ok(()),
        (405, None) => Err(Miss::Nearly("405 without Allow".to_owned())),
        (400..=499, _) => Err(Miss::Nearly(answer.in_words())),
        _ => Err(Miss::Broken(answer.in_words())),
    }
}
