//! Octopus Energy's server, from its own page ("Welcome to the OAuth server"): `/authorize/`, `/token/`,
//! `/device-authorization/`, the user code `ETE39050`, and `Authorization: YOUR_ACCESS_TOKEN` at the resource.

use std::time::Duration;

use super::{ResourceAuthorization, Rules, UserCodeFormat};

pub(super) const RULES: Rules = Rules {
    trailing_slash: true,
    // `ETE39050` fits base32hex (RFC 4648 section 7), which django-oauth-toolkit uses, as it does these paths.
    user_code: UserCodeFormat { alphabet: b"0123456789ABCDEFGHIJKLMNOPQRSTUV", length: 8, group: 8 },
    device_code_lifetime: Duration::from_secs(1800),
    sends_verification_uri_complete: false,
    resource_authorization: ResourceAuthorization::RawToken,
};
