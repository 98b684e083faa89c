//! What an access token looks like.

use crate::signing::SigningAlgorithm;

/// The look of access tokens, and with it the algorithm of ID Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessTokenFormat {
    /// A JWT of RFC 9068, signed with ES256 by a key that everyone knows.
    #[default]
    Es256,
    /// The same, signed with RS256 by another such key.
    Rs256,
    /// 256 random bits; ID Tokens are signed with ES256.
    Opaque,
}

impl AccessTokenFormat {
    /// The names by which configuration chooses one.
    pub const NAMES: [(&'static str, Self); 3] =
        [("es256", Self::Es256), ("rs256", Self::Rs256), ("opaque", Self::Opaque)];

    pub(crate) const fn id_token_algorithm(self) -> SigningAlgorithm {
        match self {
            Self::Es256 | Self::Opaque => SigningAlgorithm::Es256,
            Self::Rs256 => SigningAlgorithm::Rs256,
        }
    }
}
