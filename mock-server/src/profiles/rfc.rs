//! The default: what the RFCs say, and their examples where they leave a choice.

use std::time::Duration;

use super::{AnswerShape, MetadataDocuments, ResourceAuthorization, Rules, SlowDown, UserCodeFormat};

pub(super) const RULES: Rules = Rules {
    trailing_slash: false,
    paths: &[],
    metadata: MetadataDocuments::Both,
    // RFC 8628 section 6.1: eight of these twenty letters, shown 4-4, are 34.5 bits.
    user_code: UserCodeFormat { alphabet: b"BCDFGHJKLMNPQRSTVWXZ", length: 8, group: 4 },
    device_code_lifetime: Duration::from_secs(600),
    sends_verification_uri_complete: true,
    slow_down: SlowDown::WhilePending,
    pending_after_expiry: false,
    // RFC 7636 section 4.1.
    shortest_code_verifier: 43,
    requires_challenge_method: false,
    refresh_for_client_credentials: false,
    resource_authorization: ResourceAuthorization::Bearer,
    requires_user_agent: false,
    answer_shape: AnswerShape::Rfc,
};
