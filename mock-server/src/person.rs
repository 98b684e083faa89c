//! The one person who signs in here, and what a client may learn about her: OpenID Connect Core section 5.1.

/// The `sub` claim.
pub(crate) const SUBJECT: &str = "alice";
/// The `name` claim.
pub(crate) const NAME: &str = "Alice Example";
/// The `email` claim.
pub(crate) const EMAIL: &str = "alice@example.com";
