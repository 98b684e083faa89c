//! How one provider's server differs from the RFCs: each profile is a small file of data.

mod answer_shape;
mod github;
mod nomos;
mod octopus;
mod rfc;

use std::time::Duration;

pub(crate) use answer_shape::{AnswerShape, reshape};

use crate::randomness::Randomness;

/// Whose behaviour the server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The RFCs to the letter.
    #[default]
    Rfc,
    /// Octopus Energy: paths that end in a slash (without it 301), no metadata, codes like `ETE39050`, verifiers from 32
    /// characters, "pending" after the expiry, the bare access token in `Authorization`.
    Octopus,
    /// Nomos Energy: `/oauth/token`, PKCE optional but named, refresh tokens for client credentials too, errors as
    /// `{code, message, requestId, docs}`.
    Nomos,
    /// GitHub: errors with status 200, form bodies unless `Accept` asks for JSON, an interval that escalates, no metadata.
    Github,
}

impl Profile {
    /// For the home page.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Rfc => "the RFCs to the letter",
            Self::Octopus => "Octopus Energy",
            Self::Nomos => "Nomos Energy",
            Self::Github => "GitHub",
        }
    }

    pub(crate) const fn rules(self) -> &'static Rules {
        match self {
            Self::Rfc => &rfc::RULES,
            Self::Octopus => &octopus::RULES,
            Self::Nomos => &nomos::RULES,
            Self::Github => &github::RULES,
        }
    }
}

/// What a profile can change.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a provider")]
pub(crate) struct Rules {
    /// Whether endpoint paths end in a slash. A path without it is redirected to the one with it; without this rule both
    /// forms are served.
    pub(crate) trailing_slash: bool,
    /// The provider's paths that are not ours, each with ours; ours are served too.
    pub(crate) paths: &'static [(&'static str, &'static str)],
    pub(crate) metadata: MetadataDocuments,
    pub(crate) user_code: UserCodeFormat,
    pub(crate) device_code_lifetime: Duration,
    pub(crate) sends_verification_uri_complete: bool,
    pub(crate) slow_down: SlowDown,
    /// Whether an expired code is answered as a waiting one.
    pub(crate) pending_after_expiry: bool,
    pub(crate) shortest_code_verifier: usize,
    /// Whether a code challenge must come with its method.
    pub(crate) requires_challenge_method: bool,
    pub(crate) refresh_for_client_credentials: bool,
    pub(crate) resource_authorization: ResourceAuthorization,
    /// Whether `/resource` refuses a request without `User-Agent`.
    pub(crate) requires_user_agent: bool,
    pub(crate) answer_shape: AnswerShape,
}

/// Which of the two well-known documents there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataDocuments {
    Both,
    /// RFC 8414's; the one of OpenID Connect is answered with 401.
    AuthorizationServerOnly,
    Neither,
}

/// What becomes of a device that polls too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlowDown {
    /// It hears `slow_down`, unless the person has decided (RFC 8628 section 3.5).
    WhilePending,
    /// It hears `slow_down`, whatever the person has decided.
    BeforeTheState,
    Never,
}

impl Rules {
    /// Our own path for one of the provider's.
    pub(crate) fn own_path<'a>(&self, path: &'a str) -> &'a str {
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        self.paths.iter().find(|(theirs, _)| *theirs == trimmed).map_or(path, |(_, ours)| ours)
    }

    /// The provider's path for one of ours.
    pub(crate) fn their_path<'a>(&self, path: &'a str) -> &'a str {
        self.paths.iter().find(|(_, ours)| *ours == path).map_or(path, |(theirs, _)| theirs)
    }
}

/// What `/resource` reads in the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceAuthorization {
    /// `Bearer TOKEN` (RFC 6750 section 2.1).
    Bearer,
    /// `TOKEN` and nothing else.
    RawToken,
}

/// The look of a `user_code`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserCodeFormat {
    pub(crate) alphabet: &'static [u8],
    pub(crate) length: usize,
    /// Characters between two hyphens; `length` for none.
    pub(crate) group: usize,
}

impl UserCodeFormat {
    /// The shape of a code, for an empty field.
    pub(crate) fn placeholder(self) -> String {
        let groups = self.length / self.group;
        vec!["•".repeat(self.group); groups].join("-")
    }

    pub(crate) fn generate(self, randomness: &mut Randomness) -> String {
        let mut code = String::new();
        for (at, character) in randomness.text(self.alphabet, self.length).chars().enumerate() {
            if at > 0 && at % self.group == 0 {
                code.push('-');
            }
            code.push(character);
        }
        code
    }
}
