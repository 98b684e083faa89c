//! Which server, which client, which store: the same keys as flags, as variables and in a profile.

use std::fs;
use std::io::Read as _;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use oauth_client::token_store::TokenKey;
use oauth_client::{Client, EndpointPolicy, EndpointUrl, Error, Loopback, Provider, Secret};
use serde::{Deserialize, Serialize};

use crate::environment::variable;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::known_values::KnownValues;
use crate::proxy::proxy_for;
use crate::stores;

/// What `--provider` may say.
fn provider_names() -> Vec<PossibleValue> {
    Provider::NAMES.iter().map(|&name| PossibleValue::new(name)).collect()
}

/// How the settings stand together in the help.
const SERVER: &str = "Server";
const CLIENT: &str = "Client";
const STORE: &str = "Store";
const NETWORK: &str = "Network";

/// One login's settings. What a flag or a `DEVICE_CLI_*` variable says wins over the profile.
#[derive(Args, Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The authorization server, by its issuer: its endpoints come from its metadata
    #[arg(long, env = "DEVICE_CLI_ISSUER", hide_env_values = true, value_name = "URL", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,

    /// The authorization server, by the name of a preset; nomos needs --issuer too
    #[arg(long, env = "DEVICE_CLI_PROVIDER", hide_env_values = true, value_name = "NAME", value_parser = KnownValues(provider_names), help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,

    /// The device authorization endpoint (RFC 8628), where no metadata names it
    #[arg(long, env = "DEVICE_CLI_DEVICE_ENDPOINT", hide_env_values = true, value_name = "URL", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_endpoint: Option<String>,

    /// The authorization endpoint (RFC 6749), where no metadata names it
    #[arg(long, env = "DEVICE_CLI_AUTHORIZATION_ENDPOINT", hide_env_values = true, value_name = "URL", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_endpoint: Option<String>,

    /// The token endpoint (RFC 6749), where no metadata names it
    #[arg(long, env = "DEVICE_CLI_TOKEN_ENDPOINT", hide_env_values = true, value_name = "URL", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_endpoint: Option<String>,

    /// The revocation endpoint (RFC 7009), where no metadata names it
    #[arg(long, env = "DEVICE_CLI_REVOCATION_ENDPOINT", hide_env_values = true, value_name = "URL", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revocation_endpoint: Option<String>,

    /// The client's identifier at the server
    #[arg(long, env = "DEVICE_CLI_CLIENT_ID", hide_env_values = true, value_name = "ID", help_heading = CLIENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,

    /// A file with the secret of a confidential client, - for standard input; or set
    /// `DEVICE_CLI_CLIENT_SECRET`. Never on the command line, where others can read it
    #[arg(long, env = "DEVICE_CLI_CLIENT_SECRET_FILE", hide_env_values = true, value_name = "FILE", help_heading = CLIENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_file: Option<PathBuf>,

    /// What the token may do; may be given again, or hold several with spaces between
    #[arg(long = "scope", env = "DEVICE_CLI_SCOPE", hide_env_values = true, value_delimiter = ' ', help_heading = CLIENT)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes: Vec<String>,

    /// The redirect URI on this machine that the client is registered with (RFC 8252): `http://127.0.0.1/callback`,
    /// with a port only where the server wants a fixed one. Where it is set and a browser is at hand, `login` uses that
    /// by itself
    #[arg(long, env = "DEVICE_CLI_REDIRECT_URI", hide_env_values = true, value_name = "URL", help_heading = CLIENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redirect_uri: Option<String>,

    /// How to sign in
    #[arg(long, env = "DEVICE_CLI_FLOW", hide_env_values = true, help_heading = CLIENT)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<Flow>,

    /// Where the tokens are kept; where the keyring does not work, this asks, or says what to choose
    #[arg(long, env = "DEVICE_CLI_STORE", hide_env_values = true, value_name = "STORE", value_parser = KnownValues(stores::names), help_heading = STORE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,

    /// With the store key-file: the file with its key, made if it is missing; best on another disk than the
    /// tokens, or at least out of the same backup
    #[arg(long, env = "DEVICE_CLI_KEY_FILE", hide_env_values = true, value_name = "FILE", help_heading = STORE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_file: Option<PathBuf>,

    /// With the store passphrase: a file that holds it, - for standard input; or set `DEVICE_CLI_PASSPHRASE`.
    /// Without either it is asked for
    #[arg(long, env = "DEVICE_CLI_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE", help_heading = STORE)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// More certificate authorities to trust, as PEM
    #[arg(long, env = "DEVICE_CLI_CA_FILE", hide_env_values = true, value_name = "FILE", help_heading = NETWORK)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Let requests to this one host go without TLS: whoever is on the way reads and changes them
    #[arg(long, env = "DEVICE_CLI_DANGEROUSLY_ALLOW_HTTP", hide_env_values = true, value_name = "HOST", help_heading = NETWORK)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dangerously_allow_http: Option<String>,
}

/// How to sign in.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ValueEnum, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flow {
    /// RFC 8628: a person, with a browser elsewhere
    Device,
    /// RFC 6749, section 4.1, and RFC 8252: a person, with the browser on this machine
    Browser,
    /// RFC 6749, section 4.4: nobody, the client itself with its secret
    ClientCredentials,
}

impl Settings {
    /// These settings, and what they leave open from `other`. The server's keys go together: where these
    /// name a server, nothing of another one's address is taken over.
    pub(crate) fn over(self, other: &Self) -> Self {
        let address = if self.names_a_server() { &Self::default() } else { other };
        Self {
            issuer: self.issuer.or_else(|| address.issuer.clone()),
            provider: self.provider.or_else(|| address.provider.clone()),
            device_endpoint: self.device_endpoint.or_else(|| address.device_endpoint.clone()),
            authorization_endpoint: self
                .authorization_endpoint
                .or_else(|| address.authorization_endpoint.clone()),
            token_endpoint: self.token_endpoint.or_else(|| address.token_endpoint.clone()),
            revocation_endpoint: self.revocation_endpoint.or_else(|| address.revocation_endpoint.clone()),
            client_id: self.client_id.or_else(|| other.client_id.clone()),
            client_secret_file: self.client_secret_file.or_else(|| other.client_secret_file.clone()),
            scopes: if self.scopes.is_empty() { other.scopes.clone() } else { self.scopes },
            redirect_uri: self.redirect_uri.or_else(|| other.redirect_uri.clone()),
            flow: self.flow.or(other.flow),
            store: self.store.or_else(|| other.store.clone()),
            key_file: self.key_file.or_else(|| other.key_file.clone()),
            passphrase_file: self.passphrase_file.or_else(|| other.passphrase_file.clone()),
            ca_file: self.ca_file.or_else(|| other.ca_file.clone()),
            dangerously_allow_http: self
                .dangerously_allow_http
                .or_else(|| other.dangerously_allow_http.clone()),
        }
    }

    /// As they are meant: a variable that is set to nothing says nothing, a URL that was copied brings blanks with it,
    /// and `auth.example.com` is what many type.
    pub(crate) fn tidied(mut self) -> Self {
        for url in [
            &mut self.issuer,
            &mut self.device_endpoint,
            &mut self.authorization_endpoint,
            &mut self.token_endpoint,
            &mut self.revocation_endpoint,
            &mut self.redirect_uri,
        ] {
            *url = url.as_deref().map(|url| url.trim().to_owned());
        }
        if let Some(issuer) = &mut self.issuer
            && !issuer.is_empty()
            && !issuer.contains("://")
        {
            issuer.insert_str(0, "https://");
        }
        for text in [
            &mut self.issuer,
            &mut self.provider,
            &mut self.device_endpoint,
            &mut self.authorization_endpoint,
            &mut self.token_endpoint,
            &mut self.revocation_endpoint,
            &mut self.client_id,
            &mut self.redirect_uri,
            &mut self.store,
            &mut self.dangerously_allow_http,
        ] {
            text.take_if(|text| text.is_empty());
        }
        for path in self.paths() {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        self.scopes.retain(|scope| !scope.is_empty());
        self
    }

    /// As they are remembered: relative paths mean something else elsewhere, and standard input is gone.
    pub(crate) fn made_lasting(mut self) -> Self {
        for path in self.paths() {
            path.take_if(|path| path.as_os_str() == "-");
            if let Some(path) = path
                && let Ok(absolute) = std::path::absolute(&*path)
            {
                *path = absolute;
            }
        }
        self
    }

    /// What says where the tokens are, and nothing else.
    pub(crate) fn store_alone(&self) -> Self {
        let Self { store, key_file, passphrase_file, .. } = self.clone();
        Self { store, key_file, passphrase_file, ..Self::default() }
    }

    const fn paths(&mut self) -> [&mut Option<PathBuf>; 4] {
        [&mut self.client_secret_file, &mut self.key_file, &mut self.passphrase_file, &mut self.ca_file]
    }

    pub(crate) const fn names_a_server(&self) -> bool {
        self.issuer.is_some()
            || self.provider.is_some()
            || self.device_endpoint.is_some()
            || self.token_endpoint.is_some()
    }

    /// The server in one word or URL, for a person and for the store's key.
    pub(crate) fn server(&self) -> &str {
        [&self.issuer, &self.token_endpoint, &self.provider, &self.device_endpoint]
            .into_iter()
            .find_map(Option::as_deref)
            .unwrap_or_default()
    }

    /// The server for a person: where no issuer is named, a preset's name or a host says it better than an endpoint.
    pub(crate) fn server_in_words(&self) -> String {
        match (&self.provider, &self.issuer) {
            (Some(provider), Some(issuer)) => format!("{issuer} ({provider})"),
            (Some(provider), None) => provider.clone(),
            (None, Some(issuer)) => issuer.clone(),
            (None, None) => {
                let url = self.server();
                let end = url.match_indices('/').nth(2).map_or(url.len(), |(slash, _)| slash);
                url.get(..end).unwrap_or(url).to_owned()
            }
        }
    }

    /// The server's address, where it is known without asking anybody: by hand, else by preset.
    pub(crate) fn url(&self) -> Option<String> {
        let named = [&self.issuer, &self.token_endpoint, &self.device_endpoint];
        named.into_iter().flatten().next().cloned().or_else(|| {
            let preset = Provider::by_name(self.provider.as_deref()?)?;
            preset.url().map(str::to_owned)
        })
    }

    /// The scope values with spaces between.
    pub(crate) fn scope(&self) -> String {
        self.scopes.join(" ")
    }

    /// Under which key the store keeps this login.
    pub(crate) fn token_key(&self, profile: &str) -> TokenKey {
        TokenKey::new(self.server(), self.client_id.as_deref().unwrap_or_default(), profile)
    }

    /// Whether `url` is on this machine, or at the host that was allowed to go without TLS.
    pub(crate) fn may_go_without_tls(&self, url: &str) -> bool {
        let policy = match &self.dangerously_allow_http {
            Some(host) => EndpointPolicy::dangerously_allow_http(host),
            None => EndpointPolicy::new(),
        };
        policy.page(url).is_ok()
    }

    /// The client that these settings describe; no request is made.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        self.check()?;
        let Some(client_id) = &self.client_id else {
            return Err(Failure::usage("no client: give the --client-id that the server knows"));
        };
        let mut client =
            Client::builder(client_id).user_agent(concat!("device-cli/", env!("CARGO_PKG_VERSION")));
        let url = self.url().unwrap_or_default();
        match proxy_for(&url).filter(|proxy| !proxy.is_excepted) {
            Some(proxy) if proxy.is_http() => client = client.proxy(proxy.url),
            // To this machine it would not be used anyway.
            Some(proxy) if !EndpointUrl::parse(&url).is_ok_and(|url| url.is_loopback()) => {
                return Err(Failure::configuration(format!(
                    "{} names no HTTP proxy: correct it to http://HOST:PORT, or leave the server out with NO_PROXY",
                    proxy.variable
                )));
            }
            _ => {}
        }
        if let Some(name) = &self.provider {
            client = client.provider(self.preset(name)?);
        }
        if let Some(issuer) = &self.issuer {
            client = client.issuer(issuer);
        }
        if let Some(url) = &self.device_endpoint {
            client = client.device_authorization_endpoint(url);
        }
        if let Some(url) = &self.authorization_endpoint {
            client = client.authorization_endpoint(url);
        }
        if let Some(url) = &self.token_endpoint {
            client = client.token_endpoint(url);
        }
        if let Some(url) = &self.revocation_endpoint {
            client = client.revocation_endpoint(url);
        }
        if let Some(host) = &self.dangerously_allow_http {
            client = client.dangerously_allow_http(host);
        }
        if let Some(file) = &self.ca_file {
            let pem = fs::read(file).map_err(|error| {
                Failure::configuration(format!(
                    "cannot read the CA file {}: {error}; check the path, and who may read it",
                    file.display()
                ))
            })?;
            client = client.root_certificates_pem(pem);
        }
        if let Some(secret) = self.client_secret()? {
            client = client.client_secret(secret);
        }
        client.build().map_err(|error| {
            let exit_code = match error {
                // What was typed is no URL and no identifier: no server was needed to find that out.
                Error::Url(_) | Error::InvalidClient(_) => ExitCode::Usage,
                _ => ExitCode::Refused,
            };
            Failure { exit_code, ..error.into() }
        })
    }

    /// What no server is needed to see.
    fn check(&self) -> Result<(), Failure> {
        if !self.names_a_server() {
            return Err(Failure::usage(
                "no server: give --issuer URL, --provider NAME, or --device-endpoint and --token-endpoint",
            ));
        }
        let is_elsewhere = self.issuer.is_some() || self.provider.is_some();
        if self.token_endpoint.is_none() && !is_elsewhere {
            return Err(Failure::usage(
                "--device-endpoint needs --token-endpoint beside it: no --issuer and no --provider name that one",
            ));
        }
        if let Some(issuer) = &self.issuer {
            if issuer.contains("/.well-known/") {
                return Err(Failure::usage(
                    "an issuer is the server's own URL: leave out /.well-known/ and what comes after it",
                ));
            }
            if issuer.contains('?') {
                return Err(Failure::usage(
                    "an issuer has no query (RFC 8414, section 2): leave out the ? and what comes after it",
                ));
            }
        }
        if let Some(host) = &self.dangerously_allow_http {
            let address = host.trim_start_matches('[').trim_end_matches(']');
            if host.contains('/') || (host.contains(':') && address.parse::<Ipv6Addr>().is_err()) {
                return Err(Failure::usage(
                    "--dangerously-allow-http takes a host's name or address alone, without http:// and without a port",
                ));
            }
        }
        Ok(())
    }

    /// Where the browser comes back to; nothing, where nobody says that the client may use it.
    pub(crate) fn loopback(&self) -> Result<Option<Loopback>, Failure> {
        let Some(redirect_uri) = &self.redirect_uri else { return Ok(None) };
        Loopback::from_redirect_uri(redirect_uri).map(Some).map_err(|error| {
            Failure::usage(format!("the redirect URI {redirect_uri} cannot be used: {error}"))
        })
    }

    fn preset(&self, name: &str) -> Result<Provider, Failure> {
        match (name, &self.issuer) {
            ("nomos", Some(issuer)) => Ok(Provider::nomos(issuer)),
            ("nomos", None) => Err(Failure::usage("the provider nomos needs its --issuer URL too")),
            (name, Some(_)) if Provider::by_name(name).is_some() => Err(Failure::usage(format!(
                "--provider {name} and --issuer name a server each: leave one of them out"
            ))),
            (name, _) => Provider::by_name(name).ok_or_else(|| {
                let known = Provider::NAMES.join(", ");
                Failure::usage(format!(
                    "no provider is called {name}: there are {known}; or give --issuer URL"
                ))
            }),
        }
    }

    fn client_secret(&self) -> Result<Option<Secret>, Failure> {
        let Some(file) = &self.client_secret_file else {
            return Ok(variable("DEVICE_CLI_CLIENT_SECRET").map(Secret::from));
        };
        secret_in(file, "client secret").map(Some)
    }
}

/// What a file holds, - for standard input: an editor's newline at the end is no part of it.
pub(crate) fn secret_in(file: &Path, what: &str) -> Result<Secret, Failure> {
    let mut secret = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut secret)
    } else {
        fs::File::open(file).and_then(|mut file| file.read_to_string(&mut secret))
    };
    let name = file.display();
    read.map_err(|error| {
        Failure::configuration(format!(
            "cannot read the {what} from {name}: {error}; check the path, and who may read it"
        ))
    })?;
    secret.truncate(secret.trim_end_matches(['\r', '\n']).len());
    let secret = Secret::new(secret);
    if secret.expose().is_empty() {
        return Err(Failure::configuration(format!(
            "the {what} file {name} is empty: put it there, on one line"
        )));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[expect(clippy::unnecessary_wraps, reason = "every key is an option")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_given_wins_and_the_rest_comes_from_the_profile() {
        let given = Settings { client_id: some("mine"), ..Settings::default() };
        let profile = Settings {
            issuer: some("https://auth.example.com"),
            client_id: some("theirs"),
            scopes: vec!["openid".into()],
            ..Settings::default()
        };
        let both = given.over(&profile);
        assert_eq!(both, Settings { client_id: some("mine"), ..profile });
    }

    #[test]
    fn another_server_takes_over_no_endpoint_of_the_profiles_server() {
        let given = Settings { issuer: some("https://other.example.com"), ..Settings::default() };
        let profile = Settings {
            token_endpoint: some("https://auth.example.com/token"),
            revocation_endpoint: some("https://auth.example.com/revoke"),
            client_id: some("device"),
            ..Settings::default()
        };
        let both = given.clone().over(&profile);
        assert_eq!(both, Settings { client_id: some("device"), ..given });
    }

    #[test]
    fn a_server_without_an_issuer_goes_by_its_preset_or_its_host() {
        let by_hand =
            Settings { token_endpoint: some("https://auth.example.com/oauth/token"), ..Settings::default() };
        assert_eq!(by_hand.server_in_words(), "https://auth.example.com");
        let preset = Settings { provider: some("github"), ..by_hand };
        assert_eq!(preset.server_in_words(), "github");
        let nomos = Settings { provider: some("nomos"), issuer: some("https://a.example"), ..preset };
        assert_eq!(nomos.server_in_words(), "https://a.example (nomos)");
    }

    #[test]
    fn a_host_alone_is_https_and_blanks_around_a_url_are_no_part_of_it() {
        let issuer = |given| Settings { issuer: some(given), ..Settings::default() }.tidied().issuer;
        assert_eq!(issuer(" auth.example.com\n"), some("https://auth.example.com"));
        assert_eq!(issuer("http://127.0.0.1:8080"), some("http://127.0.0.1:8080"));
        assert_eq!(issuer(" "), None);
    }

    /// Else `NO_PROXY` would not know it.
    #[test]
    fn where_a_preset_is_is_known() {
        let preset = Settings { provider: some("github"), ..Settings::default() };
        assert!(preset.url().unwrap().starts_with("https://github.com/"));
        let by_hand = Settings { token_endpoint: some("https://auth.example.com/token"), ..preset };
        assert_eq!(by_hand.url(), some("https://auth.example.com/token"));
        assert_eq!(Settings { provider: some("nomos"), ..Settings::default() }.url(), None);
    }

    #[test]
    fn a_profile_with_an_unknown_key_is_refused_by_its_name() {
        let error = toml::from_str::<Settings>("isuer = \"https://auth.example.com\"").unwrap_err();
        assert!(error.to_string().contains("isuer"), "{error}");
    }
}
