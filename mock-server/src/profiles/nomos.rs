//! Nomos Energy's server, from its page on the authorization code grant: a code of 10 minutes and one use, a token of 60
//! minutes, a refresh token (all three as by default), PKCE optional with S256 or plain, but then with "both of these
//! additional parameters". Its published API description adds `/oauth/token`, refresh tokens for client credentials,
//! RFC 8414 metadata without OpenID Connect's (401), and errors as `{code, message, requestId, docs}`.

use super::{AnswerShape, MetadataDocuments, Rules, rfc};

pub(super) const RULES: Rules = Rules {
    paths: &[("/oauth/authorize", "/authorize"), ("/oauth/token", "/token")],
    metadata: MetadataDocuments::AuthorizationServerOnly,
    requires_challenge_method: true,
    refresh_for_client_credentials: true,
    answer_shape: AnswerShape::Nomos,
    ..rfc::RULES
};
