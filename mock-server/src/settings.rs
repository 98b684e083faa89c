//! What is chosen before the server starts.

use std::time::Duration;

use crate::access_token_format::AccessTokenFormat;
use crate::checks::Lenient;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::person::Person;
use crate::profiles::Profile;
use crate::scope;
use crate::tls_faults::TlsFault;

/// What is chosen before the server starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// The issuer identifier (RFC 8414 section 2): scheme, host, maybe port and path; no query, fragment or last slash.
    /// `None`, the default, takes it from the `Host` of each request.
    pub issuer: Option<String>,
    /// The port that the server listens on; with a loopback name it is an allowed `Host`.
    pub port: u16,
    /// What devices are told to wait between polls (RFC 8628 section 3.2), in whole seconds.
    pub interval: Duration,
    /// Approve without a person: a device after its second poll, an authorization request at once.
    pub auto_approve: bool,
    /// Ask the person on a page before `/authorize` answers; without it, and with `auto_approve`, it answers at once.
    pub consent_page: bool,
    /// Whose behaviour to show.
    pub profile: Profile,
    /// Wrong user codes that one address may type within the life of a code (RFC 8628 section 5.1); `None` for no brake.
    pub wrong_code_limit: Option<u32>,
    /// Who may ask.
    pub clients: Vec<Client>,
    /// Who can sign in; the first is meant where nobody is named.
    pub users: Vec<Person>,
    /// The scopes that are granted (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// The look of access tokens.
    pub access_token_format: AccessTokenFormat,
    /// How long things are good for.
    pub lifetimes: Lifetimes,
    /// What becomes of a refresh token that was used.
    pub refresh_token_rotation: Rotation,
    /// The checks that are relaxed.
    pub lenient: Lenient,
    /// Makes codes, ids and keys repeat from run to run; `None`, the default, makes them unguessable.
    pub seed: Option<u64>,
    /// What the clock shows at the start, in place of real time.
    pub start_time: Option<Timestamp>,
    /// Lets pages of any origin call the endpoints that programs call.
    pub cors: bool,
    /// Takes requests for any address with the server's port, as they come from other machines.
    pub allow_remote: bool,
    /// Further names that may be in `Host`, with a port if it is not the server's.
    pub allowed_hosts: Vec<String>,
    /// Clients reach the server over TLS.
    pub tls: bool,
    /// The certificate of the authority that signed the server's, as PEM; `None` if it is not the server's to give.
    pub ca_certificate_pem: Option<String>,
    /// What is wrong with every TLS handshake from the start on.
    pub tls_fault: Option<TlsFault>,
    /// Where endpoints are served that have another path than their own.
    pub endpoint_paths: Vec<(Endpoint, String)>,
}

/// How long things are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// An access token: one hour.
    pub access_token: Duration,
    /// A refresh token, spent ones included: for so long, thirty days, their reuse is noticed.
    pub refresh_token: Duration,
    /// An ID Token: one hour.
    pub id_token: Duration,
    /// An authorization code: "a maximum [...] of 10 minutes is RECOMMENDED" (RFC 6749 section 4.1.2).
    pub authorization_code: Duration,
    /// A device code and its user code; `None` leaves it to the profile.
    pub device_code: Option<Duration>,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self {
            access_token: HOUR,
            refresh_token: HOUR * 24 * 30,
            id_token: HOUR,
            authorization_code: HOUR / 6,
            device_code: None,
        }
    }
}

/// What becomes of a refresh token that was used: RFC 6749 section 6, RFC 9700 section 4.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// It stays good, and no other is issued.
    Off,
    /// It is spent and replaced. Within the grace window a second use repeats the first answer, for a client that lost
    /// it; after that it revokes the family.
    On {
        /// Zero for no mercy, the default.
        grace: Duration,
    },
}

impl Default for Rotation {
    fn default() -> Self {
        Self::On { grace: Duration::ZERO }
    }
}

impl Settings {
    /// The scheme of the server's own URLs, and its port where they name none.
    pub(crate) const fn scheme_and_port(&self) -> (&'static str, u16) {
        if self.tls { ("https", 443) } else { ("http", 80) }
    }

    /// Where the endpoint with this path of its own was moved.
    pub(crate) fn moved_path(&self, own: &str) -> Option<&str> {
        let name = own.trim_start_matches('/');
        let moved = self.endpoint_paths.iter().find(|(endpoint, _)| endpoint.name() == name);
        moved.map(|(_, path)| path.as_str())
    }

    /// The defaults for a server at `http://127.0.0.1:port`.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            issuer: None,
            port,
            interval: Duration::from_secs(5),
            auto_approve: false,
            consent_page: true,
            profile: Profile::default(),
            wrong_code_limit: Some(5),
            clients: Client::ready_made(),
            users: vec![Person::alice()],
            scopes: scope::SUPPORTED.map(str::to_owned).to_vec(),
            access_token_format: AccessTokenFormat::default(),
            lifetimes: Lifetimes::default(),
            refresh_token_rotation: Rotation::default(),
            lenient: Lenient::default(),
            seed: None,
            start_time: None,
            cors: false,
            allow_remote: false,
            allowed_hosts: Vec::new(),
            tls: false,
            ca_certificate_pem: None,
            tls_fault: None,
            endpoint_paths: Vec::new(),
        }
    }
}
