//! GitHub's server for OAuth apps, from "Authorizing OAuth apps" in its documentation, the tests of `cli/oauth`
//! (`device/device_flow_test.go`) and ramosbugs/oauth2-rs issue 218: its paths, codes like `WDJB-MJHT` of 900 seconds,
//! form bodies without `Accept: application/json`, errors with status 200, scopes with commas, tokens without expiry, a
//! rate limit that is checked before the state, and an API that refuses requests without `User-Agent`.

use std::time::Duration;

use super::{AnswerShape, MetadataDocuments, Rules, SlowDown, rfc};

pub(super) const RULES: Rules = Rules {
    paths: &[
        ("/login/oauth/authorize", "/authorize"),
        ("/login/oauth/access_token", "/token"),
        ("/login/device/code", "/device-authorization"),
        ("/login/device", "/device"),
    ],
    metadata: MetadataDocuments::Neither,
    device_code_lifetime: Duration::from_secs(900),
    sends_verification_uri_complete: false,
    slow_down: SlowDown::BeforeTheState,
    requires_user_agent: true,
    answer_shape: AnswerShape::Github,
    ..rfc::RULES
};
