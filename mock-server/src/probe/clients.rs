//! The clients that the probe appears as.

use std::path::Path;
use std::{env, fs};

use super::arguments::Arguments;

/// A client that is registered at the server.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
    pub(super) redirect_uri: Option<String>,
}

/// Who plays which part; a part that nobody plays skips its checks.
#[derive(Default)]
pub(super) struct Clients {
    pub(super) device: Option<Client>,
    /// May use the device grant too, but not with the codes of `device`.
    pub(super) other_device: Option<Client>,
    /// Authorization code.
    pub(super) code: Option<Client>,
    /// May use that too, but not with the codes of `code`.
    pub(super) other_code: Option<Client>,
    /// Client credentials, and all that is about a secret.
    pub(super) confidential: Option<Client>,
    pub(super) introspector: Option<Client>,
    /// Registered, but not for the device grant; of a client from the command line that is only supposed.
    pub(super) without_device_grant: Option<Client>,
    /// Registered, but not for authorization codes; the same holds for it.
    pub(super) without_code_grant: Option<Client>,
    /// Public, and not obliged to use PKCE by its registration.
    pub(super) without_pkce: Option<Client>,
    /// What the pages should call `device`.
    pub(super) device_name: Option<String>,
}

impl Clients {
    /// Those that the command line names.
    pub(super) fn named(arguments: &Arguments) -> Result<Self, String> {
        let device = client(
            arguments.client_id.as_deref(),
            arguments.client_secret_file.as_deref(),
            "CLIENT",
            arguments.redirect_uri.as_deref(),
        )?;
        let other_device = client(
            arguments.other_client_id.as_deref(),
            arguments.other_client_secret_file.as_deref(),
            "OTHER_CLIENT",
            None,
        )?;
        let code = client(
            arguments.code_client_id.as_deref(),
            arguments.code_client_secret_file.as_deref(),
            "CODE_CLIENT",
            arguments.redirect_uri.as_deref(),
        )?;
        let confidential = client(
            arguments.confidential_client_id.as_deref(),
            arguments.confidential_client_secret_file.as_deref(),
            "CONFIDENTIAL_CLIENT",
            None,
        )?;
        if confidential.as_ref().is_some_and(|client| client.secret.is_none()) {
            return Err("the client of --confidential-client-id has no secret: give \
                        --confidential-client-secret-file or MOCK_SERVER_PROBE_CONFIDENTIAL_CLIENT_SECRET"
                .to_owned());
        }
        let code = code.or_else(|| device.clone()).filter(|client| client.redirect_uri.is_some());
        Ok(Self {
            other_code: confidential.clone().or_else(|| other_device.clone()),
            introspector: confidential.clone(),
            without_device_grant: confidential.clone(),
            without_code_grant: device.clone().filter(|client| client.redirect_uri.is_none()),
            device,
            other_device,
            code,
            confidential,
            ..Self::default()
        })
    }

    /// Those that every mock-server has, in the parts that are not taken.
    pub(super) fn or_ready_made(self) -> Self {
        let of = |id: &str, secret: Option<&str>, redirect_uri: Option<&str>| {
            let own = |text: &str| text.to_owned();
            Some(Client { id: own(id), secret: secret.map(own), redirect_uri: redirect_uri.map(own) })
        };
        let web = of("web", Some("web-secret"), Some("http://127.0.0.1:8765/cb"));
        let service = of("service", Some("service-secret"), Some("http://127.0.0.1:8765/cb"));
        let is_ready_made = self.device.is_none();
        Self {
            device: self.device.or_else(|| of("device", None, None)),
            other_device: self.other_device.or_else(|| of("device-secret", Some("device-secret"), None)),
            code: self.code.or_else(|| of("native", None, Some("http://127.0.0.1:49152/callback"))),
            other_code: self.other_code.or_else(|| web.clone()),
            confidential: self.confidential.or_else(|| service.clone()),
            introspector: self.introspector.or_else(|| of("api", Some("api-secret"), None)),
            without_device_grant: web.clone(),
            without_code_grant: service,
            without_pkce: web,
            device_name: is_ready_made.then(|| "Demo device".to_owned()),
        }
    }

    /// Every secret, so that none is printed.
    pub(super) fn secrets(&self) -> Vec<String> {
        let parts = [
            &self.device,
            &self.other_device,
            &self.code,
            &self.other_code,
            &self.confidential,
            &self.introspector,
        ];
        parts.into_iter().flatten().filter_map(|client| client.secret.clone()).collect()
    }
}

fn client(
    id: Option<&str>,
    secret_file: Option<&Path>,
    variable: &str,
    redirect_uri: Option<&str>,
) -> Result<Option<Client>, String> {
    let Some(id) = id else {
        return Ok(None);
    };
    let secret = match secret_file {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| {
                format!("cannot read the secret of {id} from {}: {error}", file.display())
            })?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => env::var(format!("MOCK_SERVER_PROBE_{variable}_SECRET")).ok(),
    };
    Ok(Some(Client { id: id.to_owned(), secret, redirect_uri: redirect_uri.map(str::to_owned) }))
}
