//! One thing that was looked at.

use serde::Serialize;

/// What was found, in plain words, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at: "proxy", "UTF-8".
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    #[serde(rename = "finding")]
    pub(crate) told: String,
    /// What to type, set or ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Ok,
    /// Worth knowing; a login works all the same.
    Note,
    /// Something does not work.
    Problem,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, told: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, told: told.into(), mend: None }
    }

    pub(crate) fn note(check: &'static str, told: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Note, told: told.into(), mend: None }
    }

    /// There is no problem without its mend.
    pub(crate) fn problem(check: &'static str, told: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Problem, told: told.into(), mend: Some(mend.into()) }
    }

    pub(crate) fn mended_by(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    pub(crate) fn is_problem(&self) -> bool {
        self.verdict == Verdict::Problem
    }

    pub(crate) fn rewrite(&mut self, rewrite: impl Fn(&str) -> String) {
        self.told = rewrite(&self.told);
        self.mend = self.mend.as_deref().map(rewrite);
    }
}

impl Verdict {
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "PROBLEM",
        }
    }
}
