//! The default: what the RFCs say, and their examples where they leave a choice.

use std::time::Duration;

use super::{ResourceAuthorization, Rules, UserCodeFormat};

pub(super) const RULES: Rules = Rules {
    trailing_slash: false,
    // RFC 8628 section 6.1: eight of these twenty letters, shown 4-4, are 34.5 bits.
    user_code: UserCodeFormat { alphabet: b"BCDFGHJKLMNPQRSTVWXZ", length: 8, group: 4 },
    device_code_lifetime: Duration::from_secs(600),
    sends_verification_uri_complete: true,
    resource_authorization: ResourceAuthorization::Bearer,
};
