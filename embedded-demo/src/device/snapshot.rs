//! What a device keeps through deep sleep, in memory that stays powered.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;
use core::time::Duration;

use oauth_protocol::{PendingLogin, Secret};
use zeroize::Zeroizing;

/// Memory that was never written, or by another release, begins otherwise.
const MAGIC: [u8; 4] = *b"dev\x01";
const PENDING: u8 = b'P';
const REFRESHING: u8 = b'R';
const SIGNED_IN: u8 = b'S';
const ENDED: u8 = b'E';
/// In place of a number of milliseconds.
const NONE: u64 = u64::MAX;

/// The state of a [`Device`](crate::Device), with durations in place of moments: the clock may begin anew.
#[derive(Debug)]
pub(super) enum Snapshot {
    Pending(PendingLogin),
    Refreshing { refresh_token: Secret, wait: Duration, failures: u32 },
    SignedIn { access_token: Secret, refresh_token: Option<Secret>, replaced_in: Option<Duration> },
    Ended,
}

impl Snapshot {
    /// Magic, kind, and what the kind has: numbers in little-endian, then texts.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let pending;
        let (kind, millis, number, text, rest) = match self {
            Self::Pending(login) => {
                pending = login.expose_json();
                (PENDING, NONE, 0, "", pending.as_str())
            }
            Self::Refreshing { refresh_token, wait, failures } => {
                (REFRESHING, in_millis(*wait), *failures, "", refresh_token.expose())
            }
            Self::SignedIn { access_token, refresh_token, replaced_in } => {
                let access_token = access_token.expose();
                let length = u32::try_from(access_token.len()).unwrap_or(u32::MAX);
                let refresh_token = refresh_token.as_ref().map_or("", Secret::expose);
                (SIGNED_IN, replaced_in.map_or(NONE, in_millis), length, access_token, refresh_token)
            }
            Self::Ended => (ENDED, NONE, 0, "", ""),
        };
        let parts: [&[u8]; 6] =
            [&MAGIC, &[kind], &millis.to_le_bytes(), &number.to_le_bytes(), text.as_bytes(), rest.as_bytes()];
        Zeroizing::new(parts.concat())
    }

    /// `None` for anything that is no snapshot.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (&kind, rest) = rest.split_first()?;
        let (millis, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (millis, number) = (u64::from_le_bytes(*millis), u32::from_le_bytes(*number));
        let text = str::from_utf8(rest).ok()?;
        match kind {
            PENDING => PendingLogin::from_json(text).ok().map(Self::Pending),
            REFRESHING => Some(Self::Refreshing {
                refresh_token: not_empty(text)?,
                wait: Duration::from_millis(millis),
                failures: number,
            }),
            SIGNED_IN => {
                let (access_token, refresh_token) = text.split_at_checked(usize::try_from(number).ok()?)?;
                Some(Self::SignedIn {
                    access_token: not_empty(access_token)?,
                    refresh_token: not_empty(refresh_token),
                    replaced_in: (millis != NONE).then(|| Duration::from_millis(millis)),
                })
            }
            ENDED => Some(Self::Ended),
            _ => None,
        }
    }
}

fn in_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NONE)
}

fn not_empty(text: &str) -> Option<Secret> {
    (!text.is_empty()).then(|| Secret::new(String::from(text)))
}
