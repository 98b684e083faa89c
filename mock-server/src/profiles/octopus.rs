//! Octopus Energy's server, from its own page ("Welcome to the OAuth server"): `/authorize/`, `/token/`,
//! `/device-authorization/`, the user code `ETE39050`, `Authorization: YOUR_ACCESS_TOKEN` at the resource, and a verifier
//! from `crypto.randomUUID().replace(/-/g, '')`, 32 characters.
//!
//! What the page leaves out is django-oauth-toolkit's, whose paths these are: Django's 301 for a missing slash
//! (`APPEND_SLASH`), no metadata, codes in base32hex, no `slow_down`, an expiry that the poll does not look at, and 404
//! `device_not_found` (`oauth2_provider/authorization_server/views/base.py`, `core/utils.py`).

use std::time::Duration;

use super::{AnswerShape, MetadataDocuments, ResourceAuthorization, Rules, SlowDown, UserCodeFormat, rfc};

pub(super) const RULES: Rules = Rules {
    trailing_slash: true,
    metadata: MetadataDocuments::Neither,
    // `ETE39050` fits base32hex (RFC 4648 section 7).
    user_code: UserCodeFormat { alphabet: b"0123456789ABCDEFGHIJKLMNOPQRSTUV", length: 8, group: 8 },
    device_code_lifetime: Duration::from_secs(1800),
    sends_verification_uri_complete: false,
    slow_down: SlowDown::Never,
    pending_after_expiry: true,
    shortest_code_verifier: 32,
    resource_authorization: ResourceAuthorization::RawToken,
    answer_shape: AnswerShape::DjangoOauthToolkit,
    ..rfc::RULES
};
