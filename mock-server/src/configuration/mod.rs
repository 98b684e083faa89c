//! What the program is told: flags beat `MOCK_SERVER_*` variables, and those beat a file.

mod values;

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;
use std::{fmt, fs, io};

use clap::Args;
use mock_server::{
    AccessTokenFormat, Client, Lenient, Lifetimes, MockServer, MockServerBuilder, Person, Profile, Rotation,
    Timestamp, Tls, TlsFault,
};
use serde::{Deserialize, Serialize};

pub(crate) use values::list_of_relaxable_checks;
use values::{
    EndpointPath, Host, OneOrMore, ProfileName, RelaxableCheck, RotationName, TokenFormatName, as_list,
    as_table, at_least_one, endpoint_path, host, listed, one_or_more, paths_in_table, relaxable_check,
};

/// Every setting, as a flag, as a variable and as a key of the file; what is left out has its default.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Configuration {
    /// Port to listen on; 0, the default, picks a free one
    #[arg(long, env = "MOCK_SERVER_PORT")]
    port: Option<u16>,
    /// One issuer identifier for all requests; without it each gets the issuer that it was sent to
    #[arg(long, env = "MOCK_SERVER_ISSUER", value_name = "URL")]
    issuer: Option<String>,
    /// Listen on every address, not on 127.0.0.1 alone
    #[arg(long, env = "MOCK_SERVER_ALLOW_REMOTE", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    allow_remote: Option<bool>,
    /// Take requests for a further Host, beside loopback and the issuer's; a name alone means the server's port
    #[arg(long, env = "MOCK_SERVER_ALLOW_HOST", value_name = "NAME[:PORT],..", value_delimiter = ',', value_parser = host)]
    allow_host: Option<Vec<Host>>,
    /// Speak TLS, with a certificate made at the start unless one is given
    #[arg(long, env = "MOCK_SERVER_TLS", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    tls: Option<bool>,
    /// Speak TLS with this certificate, and those between it and the root, as PEM; needs --tls-key
    #[arg(long, env = "MOCK_SERVER_TLS_CERTIFICATE", value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// The private key of the certificate, as PEM
    #[arg(long, env = "MOCK_SERVER_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Write the certificate of the authority that clients have to trust to this file; the ready line holds it too
    #[arg(long, env = "MOCK_SERVER_TLS_CA_FILE", value_name = "FILE")]
    tls_ca_file: Option<PathBuf>,
    /// Let something be wrong with every TLS handshake, by name: `expired`, `not_yet_valid`, `self_signed`,
    /// `unknown_authority`, `wrong_host` or `cut_off`
    #[arg(long, env = "MOCK_SERVER_TLS_FAULT", value_name = "NAME", value_parser = TlsFault::from_str)]
    tls_fault: Option<TlsFault>,
    /// Write the port to this file once the server listens
    #[arg(long, env = "MOCK_SERVER_PORT_FILE", value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Keep codes, tokens, clients and people in this file over restarts
    #[arg(long, env = "MOCK_SERVER_STATE", value_name = "FILE")]
    state: Option<PathBuf>,
    /// Approve every login without a person
    #[arg(long, env = "MOCK_SERVER_AUTO_APPROVE", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    auto_approve: Option<bool>,
    /// Whose behaviour to show
    #[arg(long, env = "MOCK_SERVER_PROFILE", value_enum)]
    profile: Option<ProfileName>,
    /// Seconds between polls, 5 by default
    #[arg(long, env = "MOCK_SERVER_INTERVAL", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(default, deserialize_with = "at_least_one")]
    interval: Option<u32>,
    /// Relax single checks, by the names listed below
    #[arg(long, env = "MOCK_SERVER_LENIENT", value_name = "NAME[,NAME]", value_delimiter = ',', value_parser = relaxable_check)]
    lenient: Option<Vec<RelaxableCheck>>,
    /// The look of access tokens: JWTs with ES256, the default, or RS256, or opaque ones
    #[arg(long, env = "MOCK_SERVER_TOKEN_FORMAT", value_enum)]
    token_format: Option<TokenFormatName>,
    /// Seconds that an access token is good for, 3600 by default
    #[arg(long, env = "MOCK_SERVER_ACCESS_TOKEN_LIFETIME", value_name = "SECONDS")]
    access_token_lifetime: Option<u64>,
    /// Seconds that a refresh token is good for, 2592000 by default
    #[arg(long, env = "MOCK_SERVER_REFRESH_TOKEN_LIFETIME", value_name = "SECONDS")]
    refresh_token_lifetime: Option<u64>,
    /// Seconds that an ID Token is good for, 3600 by default
    #[arg(long, env = "MOCK_SERVER_ID_TOKEN_LIFETIME", value_name = "SECONDS")]
    id_token_lifetime: Option<u64>,
    /// Seconds that an authorization code is good for, 600 by default
    #[arg(long, env = "MOCK_SERVER_CODE_LIFETIME", value_name = "SECONDS")]
    code_lifetime: Option<u64>,
    /// Seconds that a device code is good for; the profile decides by default
    #[arg(long, env = "MOCK_SERVER_DEVICE_CODE_LIFETIME", value_name = "SECONDS")]
    device_code_lifetime: Option<u64>,
    /// What becomes of a refresh token that was used: on, the default, replaces it, off keeps it
    #[arg(long, env = "MOCK_SERVER_ROTATION", value_enum)]
    rotation: Option<RotationName>,
    /// With rotation: seconds in which a second use repeats the first answer, 0 by default
    #[arg(long, env = "MOCK_SERVER_ROTATION_GRACE", value_name = "SECONDS")]
    rotation_grace: Option<u64>,
    /// The scopes that are granted, in place of the ready-made ones
    #[arg(long, env = "MOCK_SERVER_SCOPES", value_name = "SCOPE[,SCOPE]", value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    /// Let pages of any origin call the endpoints that programs call
    #[arg(long, env = "MOCK_SERVER_CORS", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    cors: Option<bool>,
    /// Make codes, ids, keys and what tokens say repeat from run to run
    #[arg(long, env = "MOCK_SERVER_SEED", value_name = "N")]
    seed: Option<u64>,
    /// What the clock shows at the start, in seconds since 1970
    #[arg(long, env = "MOCK_SERVER_START_TIME", value_name = "SECONDS")]
    start_time: Option<u64>,
    /// Serve an endpoint under another path
    #[arg(long, env = "MOCK_SERVER_PATHS", value_name = "ENDPOINT=/PATH[,..]", value_delimiter = ',', value_parser = endpoint_path)]
    #[serde(default, deserialize_with = "paths_in_table", serialize_with = "as_table")]
    paths: Option<Vec<EndpointPath>>,
    /// Register a client beside the ready-made ones: the members of RFC 7591 as JSON, or a list of such; may be repeated
    #[arg(long = "client", env = "MOCK_SERVER_CLIENTS", value_name = "JSON", value_parser = one_or_more::<Client>)]
    #[serde(default, deserialize_with = "listed", serialize_with = "as_list")]
    clients: Option<Vec<OneOrMore<Client>>>,
    /// Someone who can sign in, in place of alice: sub and claims as JSON, or a list of such; may be repeated
    #[arg(long = "user", env = "MOCK_SERVER_USERS", value_name = "JSON", value_parser = one_or_more::<Person>)]
    #[serde(default, deserialize_with = "listed", serialize_with = "as_list")]
    users: Option<Vec<OneOrMore<Person>>>,
}

/// Runs an action for every setting, in the order of the file.
macro_rules! each_setting {
    ($action:ident) => {
        $action!(
            port,
            issuer,
            allow_remote,
            allow_host,
            tls,
            tls_certificate,
            tls_key,
            tls_ca_file,
            tls_fault,
            port_file,
            state,
            auto_approve,
            profile,
            interval,
            lenient,
            token_format,
            access_token_lifetime,
            refresh_token_lifetime,
            id_token_lifetime,
            code_lifetime,
            device_code_lifetime,
            rotation,
            rotation_grace,
            scopes,
            cors,
            seed,
            start_time,
            paths,
            clients,
            users
        )
    };
}

// After the macro, which it uses.
mod shown;

impl Configuration {
    /// What these flags and variables say, over what the file says.
    pub(crate) fn read(flags: Self, file: Option<&Path>) -> io::Result<Self> {
        let file = match file {
            Some(file) => Self::from_file(file)?,
            None => Self::default(),
        };
        macro_rules! over {
            ($($setting:ident),*) => { Self { $($setting: flags.$setting.or(file.$setting)),* } };
        }
        Ok(each_setting!(over))
    }

    fn from_file(file: &Path) -> io::Result<Self> {
        let explain = |kind, error: &dyn fmt::Display| {
            io::Error::new(kind, format!("cannot use the configuration {}: {error}", file.display()))
        };
        let text = fs::read_to_string(file).map_err(|error| explain(error.kind(), &error))?;
        // The message shows the line, points at the key or the value, and says what was expected.
        toml::from_str(&text).map_err(|error| explain(io::ErrorKind::InvalidData, &error))
    }

    /// Where the port is to be written.
    pub(crate) fn port_file(&self) -> Option<&Path> {
        self.port_file.as_deref()
    }

    /// The port to listen on, or 0.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or_default()
    }

    /// Where the certificate of the authority is to be written.
    pub(crate) fn tls_ca_file(&self) -> Option<&Path> {
        self.tls_ca_file.as_deref()
    }

    /// How the server is to prove who it is, if it is to.
    fn tls_source(&self) -> io::Result<Option<Tls>> {
        let refuse = |message: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        let read = |file: &Path| {
            fs::read(file).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot read the TLS file {}: {error}", file.display()))
            })
        };
        match (self.tls, &self.tls_certificate, &self.tls_key) {
            (Some(false), Some(_), _) | (Some(false), _, Some(_)) => {
                refuse("tls is false, but there is a tls-certificate or a tls-key: leave one of them out")
            }
            (_, Some(certificate), Some(key)) => {
                if self.tls_ca_file.is_some() {
                    return refuse("tls-ca-file is for a certificate made at the start, not for your own");
                }
                Ok(Some(Tls::from_pem(read(certificate)?, read(key)?)))
            }
            (_, Some(_), None) => refuse("tls-certificate needs tls-key, the private key of the certificate"),
            (_, None, Some(_)) => refuse("tls-key needs tls-certificate, the certificate of the key"),
            (Some(true), None, None) => Ok(Some(Tls::generated())),
            (_, None, None) if self.tls_ca_file.is_some() || self.tls_fault.is_some() => {
                refuse("tls-ca-file and tls-fault need tls")
            }
            (_, None, None) => Ok(None),
        }
    }

    /// The server that is wanted.
    pub(crate) fn builder(self) -> io::Result<MockServerBuilder> {
        let tls = self.tls_source()?;
        let mut lenient = Lenient::default();
        for RelaxableCheck(check) in self.lenient.unwrap_or_default() {
            lenient.relax(check).map_err(io::Error::other)?;
        }
        let auto_approve = self.auto_approve.unwrap_or_default();
        let grace = Duration::from_secs(self.rotation_grace.unwrap_or_default());
        let mut builder = MockServer::builder()
            .port(self.port.unwrap_or_default())
            .allow_remote(self.allow_remote.unwrap_or_default())
            .auto_approve(auto_approve)
            .consent_page(!auto_approve)
            .lenient(lenient)
            .profile(self.profile.map_or(Profile::Rfc, ProfileName::profile))
            .access_token_format(self.token_format.map_or(AccessTokenFormat::Es256, TokenFormatName::format))
            .refresh_token_rotation(match self.rotation {
                Some(RotationName::Off) => Rotation::Off,
                _ => Rotation::On { grace },
            })
            .cors(self.cors.unwrap_or_default());
        let mut lifetimes = Lifetimes::default();
        let set = |lifetime: &mut Duration, seconds: Option<u64>| {
            *lifetime = seconds.map_or(*lifetime, Duration::from_secs);
        };
        set(&mut lifetimes.access_token, self.access_token_lifetime);
        set(&mut lifetimes.refresh_token, self.refresh_token_lifetime);
        set(&mut lifetimes.id_token, self.id_token_lifetime);
        set(&mut lifetimes.authorization_code, self.code_lifetime);
        lifetimes.device_code = self.device_code_lifetime.map(Duration::from_secs);
        builder = builder.lifetimes(lifetimes);
        if let Some(issuer) = self.issuer {
            builder = builder.issuer(issuer);
        }
        if let Some(tls) = tls {
            builder = builder.tls(tls);
        }
        if let Some(fault) = self.tls_fault {
            builder = builder.tls_fault_from_the_start(fault);
        }
        for Host(host) in self.allow_host.unwrap_or_default() {
            builder = builder.allow_host(host);
        }
        if let Some(file) = self.state {
            builder = builder.state_file(file);
        }
        if let Some(interval) = self.interval {
            builder = builder.interval(Duration::from_secs(interval.into()));
        }
        if let Some(scopes) = self.scopes {
            builder = builder.scopes(scopes);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        if let Some(start) = self.start_time {
            builder = builder.start_time(Timestamp::from_unix(Duration::from_secs(start)));
        }
        for EndpointPath { endpoint, path } in self.paths.unwrap_or_default() {
            builder = builder.endpoint_path(endpoint, path);
        }
        for client in self.clients.into_iter().flatten().flat_map(|OneOrMore(clients)| clients) {
            builder = builder.client(client);
        }
        if let Some(users) = self.users {
            builder = builder.users(users.into_iter().flat_map(|OneOrMore(users)| users));
        }
        Ok(builder)
    }
}
