//! What a device keeps of a login while it has no power.

use alloc::vec::Vec;
use core::str;

use oauth_protocol::{PendingLogin, Secret};
use zeroize::Zeroizing;

/// The first byte of a record says what the rest is; another one is another release's, or noise.
const PENDING: u8 = 0x50;
const REFRESH_TOKEN: u8 = 0x52;

/// A login that is waited for, or one that is there.
///
/// Neither has a moment in it, since few devices know what time it is after a reset, and an access token is not kept:
/// without a clock nobody could say whether it still works.
#[derive(Clone, Debug)]
pub enum KeptLogin {
    /// A person has the code.
    Pending(PendingLogin),
    /// What gets the next access token.
    RefreshToken(Secret),
}

impl KeptLogin {
    /// The record, with its credential: for memory that only this device reads.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (kind, rest) = match self {
            Self::Pending(login) => (PENDING, login.expose_json()),
            Self::RefreshToken(token) => (REFRESH_TOKEN, Zeroizing::new(token.expose().into())),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + rest.len()));
        bytes.push(kind);
        bytes.extend_from_slice(rest.as_bytes());
        bytes
    }

    /// Reads a record; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let rest = str::from_utf8(rest).ok()?;
        match *kind {
            PENDING => PendingLogin::from_json(rest).ok().map(Self::Pending),
            REFRESH_TOKEN if !rest.is_empty() => Some(Self::RefreshToken(rest.into())),
            _ => None,
        }
    }
}
