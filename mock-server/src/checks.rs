//! What the server checks, by name: the words of every refusal, and what `--lenient` can relax.

use std::fmt;

use crate::printable::printable_text;

macro_rules! checks {
    ($($variant:ident, $name:literal, $section:literal, $expected:literal, $relaxed:expr;)*) => {
        /// One thing that the server checks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each says itself what it expects")]
        pub enum Check { $($variant,)* }

        impl Check {
            /// All of them, in the order in which requests meet them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name: that of a log line, of a page below `/explain` and of `--lenient`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Where the rule is written.
            #[must_use]
            pub const fn section(self) -> &'static str {
                match self { $(Self::$variant => $section,)* }
            }

            /// What a request must be like.
            #[must_use]
            pub const fn expected(self) -> &'static str {
                match self { $(Self::$variant => $expected,)* }
            }

            /// What happens if the check is relaxed; `None` if it cannot be.
            #[must_use]
            pub const fn relaxed(self) -> Option<&'static str> {
                match self { $(Self::$variant => $relaxed,)* }
            }
        }
    };
}

checks! {
    Host, "host", "RFC 9110 section 15.5.20", "a Host header with a name of this server",
        Some("any Host is taken, so that a hostile page may reach the server by DNS rebinding");
    Path, "path", "RFC 9110 section 15.5.5", "a path that the metadata names", None;
    Method, "method", "RFC 6749 sections 3.1 and 3.2", "a method that the endpoint takes", None;
    ContentType, "content_type", "RFC 6749 section 4.1.3 and Appendix B",
        "Content-Type: application/x-www-form-urlencoded",
        Some("a body of any Content-Type is read as a form");
    ParametersInUrl, "parameters_in_url", "RFC 6749 section 2.3.1", "parameters in the body, none in the URL",
        Some("parameters in the URL are taken beside those of the body");
    Encoding, "encoding", "RFC 6749 Appendix B", "UTF-8, and a percent sign with two hex digits", None;
    ParameterCount, "parameter_count", "a limit of this server", "at most 100 parameters", None;
    RepeatedParameter, "repeated_parameter", "RFC 6749 sections 3.1 and 3.2", "each parameter at most once",
        Some("the first of a repeated parameter counts");
    MissingParameter, "missing_parameter", "RFC 6749 section 5.2", "every parameter that is REQUIRED", None;
    ClientId, "client_id", "RFC 6749 sections 2.2 and 5.2", "a client_id that is registered here",
        Some("an unknown client_id is a public client that may use every grant");
    ClientAuthentication, "client_authentication", "RFC 6749 section 2.3",
        "one way of client authentication, in its right form", None;
    ClientSecret, "client_secret", "RFC 6749 section 2.3.1", "the secret of a confidential client, none of a public one",
        Some("any secret is taken, and none");
    AllowedGrant, "allowed_grant", "RFC 6749 section 5.2", "a grant that the client is registered for",
        Some("every client may use every grant");
    GrantType, "grant_type", "RFC 6749 section 5.2", "a grant_type that the metadata names", None;
    Scope, "scope", "RFC 6749 section 3.3", "scopes that are supported here, separated by single spaces",
        Some("every scope is granted");
    RefreshScope, "refresh_scope", "RFC 6749 section 6", "a scope no wider than the one granted", None;
    RedirectUri, "redirect_uri", "RFC 6749 section 3.1.2.3 and RFC 9700 section 4.1.3",
        "a redirect URI equal to a registered one", Some("any redirect URI with http or https is taken");
    ResponseType, "response_type", "RFC 6749 section 3.1.1", "response_type code", None;
    ResponseMode, "response_mode", "OAuth 2.0 Multiple Response Types section 2.1", "response_mode query, or none", None;
    RequestObject, "request_object", "OpenID Connect Core section 6", "plain parameters, no request object", None;
    Prompt, "prompt", "OpenID Connect Core section 3.1.2.1", "no prompt=none where a person has to be asked", None;
    PkceRequired, "pkce", "RFC 7636 section 4.4.1", "a code_challenge", Some("no client needs a code_challenge");
    CodeChallengeMethod, "code_challenge_method", "RFC 7636 section 4.3", "S256 or plain, with a code_challenge", None;
    CodeChallenge, "code_challenge", "RFC 7636 section 4.2", "a challenge of 43 to 128 unreserved characters", None;
    CodeVerifierShape, "code_verifier_shape", "RFC 7636 section 4.1", "a verifier of 43 to 128 unreserved characters",
        Some("a verifier may have any length and characters");
    CodeVerifier, "code_verifier", "RFC 7636 section 4.6 and RFC 9700 section 2.1.1",
        "the verifier of the code_challenge, and none without one", Some("the verifier is not compared");
    Code, "code", "RFC 6749 section 4.1.3", "a code that was issued to this client and has not expired", None;
    CodeReuse, "code_reuse", "RFC 6749 section 4.1.2", "a code that was not used before",
        Some("a code may be redeemed as often as one likes");
    TokenRedirectUri, "token_redirect_uri", "RFC 6749 section 4.1.3",
        "the redirect_uri of the authorization request", Some("redirect_uri is not compared at the token endpoint");
    DeviceCode, "device_code", "RFC 8628 section 3.4", "a device_code that was issued to this client", None;
    DeviceCodeReuse, "device_code_reuse", "RFC 8628 section 3.5", "a device_code that was not redeemed before",
        Some("a device_code may be redeemed as often as one likes");
    DeviceCodeExpiry, "device_code_expiry", "RFC 8628 section 3.5", "a device_code that has not expired", None;
    PollInterval, "poll_interval", "RFC 8628 section 3.5", "the interval between two polls, 5 seconds more after each slow_down",
        Some("no poll is too fast");
    RefreshToken, "refresh_token", "RFC 6749 section 6", "a refresh token of this client that is alive", None;
    RefreshTokenReuse, "refresh_token_reuse", "RFC 9700 section 4.14.2", "a refresh token that was not used before",
        Some("a refresh token that was rotated out stays good");
    ConfidentialClient, "confidential_client", "RFC 6749 section 4.4 and RFC 7662 section 2.1",
        "a confidential client", None;
    TokenOwner, "token_owner", "RFC 7009 section 2.1", "a token that was issued to this client", None;
    TokenPresence, "token_presence", "RFC 6750 section 3.1", "an access token in the Authorization header or the body", None;
    TokenInUrl, "token_in_url", "RFC 9700 section 4.3.2", "no access token in the URL",
        Some("an access token in the URL is taken");
    TokenPlace, "token_place", "RFC 6750 section 2", "the access token in one place", None;
    AccessToken, "access_token", "RFC 6750 section 3.1", "an access token that is known, not expired and not revoked", None;
    TokenScope, "token_scope", "RFC 6750 section 3.1", "an access token with the scope that is needed", None;
    UserCodeGuesses, "user_code_guesses", "RFC 8628 section 5.1", "few wrong user codes from one address",
        Some("wrong user codes are not counted");
}

impl Check {
    /// The check with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|check| check.name() == name)
    }

    const fn bit(self) -> u64 {
        1 << self as u32
    }
}

const _: () = assert!(Check::ALL.len() <= 64, "they are the bits of a u64");

/// The checks that are relaxed; none by default.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Lenient(u64);

impl Lenient {
    /// Relaxes one more.
    ///
    /// # Errors
    ///
    /// If it cannot be relaxed.
    pub const fn relax(&mut self, check: Check) -> Result<(), NotRelaxable> {
        if check.relaxed().is_none() {
            return Err(NotRelaxable(check));
        }
        self.0 |= check.bit();
        Ok(())
    }

    /// Whether `check` is relaxed.
    #[must_use]
    pub const fn on(self, check: Check) -> bool {
        self.0 & check.bit() != 0
    }

    /// The names of the checks that are relaxed.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Check::ALL.iter().filter(move |check| self.on(**check)).map(|check| check.name())
    }
}

impl fmt::Debug for Lenient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

/// A check that is never relaxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRelaxable(Check);

impl fmt::Display for NotRelaxable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the check {} cannot be relaxed", self.0.name())
    }
}

impl std::error::Error for NotRelaxable {}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// What failed.
    pub check: Check,
    /// What came in its place, without secrets and fit for a log.
    pub got: String,
    /// Counts the refusals of a server, from 1.
    pub number: u64,
}

impl Explanation {
    pub(crate) fn new(check: Check, got: &str, number: u64) -> Self {
        Self { check, got: printable_text(got), number }
    }
}

/// `check=code_reuse section="RFC 6749 section 4.1.2" expected="..." got="..."`.
impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, section, expected) = (self.check.name(), self.check.section(), self.check.expected());
        write!(formatter, "check={name} section=\"{section}\" expected=\"{expected}\" got=\"{}\"", self.got)
    }
}
