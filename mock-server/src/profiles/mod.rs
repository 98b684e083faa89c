//! How one provider's server differs from the RFCs: each profile is a small file of data.

mod octopus;
mod rfc;

use std::time::Duration;

use crate::randomness::Randomness;

/// Whose behaviour the server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The RFCs to the letter.
    #[default]
    Rfc,
    /// Octopus Energy: paths that end in a slash, codes like `ETE39050`, the bare access token in `Authorization`.
    Octopus,
}

impl Profile {
    pub(crate) const fn rules(self) -> &'static Rules {
        match self {
            Self::Rfc => &rfc::RULES,
            Self::Octopus => &octopus::RULES,
        }
    }
}

/// What a profile can change.
pub(crate) struct Rules {
    /// Whether advertised endpoint paths end in a slash; both forms are served either way.
    pub(crate) trailing_slash: bool,
    pub(crate) user_code: UserCodeFormat,
    pub(crate) device_code_lifetime: Duration,
    pub(crate) sends_verification_uri_complete: bool,
    pub(crate) resource_authorization: ResourceAuthorization,
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
