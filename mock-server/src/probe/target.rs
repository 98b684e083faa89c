//! Which server is probed, and where its endpoints are.

use serde_json::Value;

use super::arguments::Arguments;
use super::http_client::{Answer, HttpClient, NoAnswer, Request};

/// The server as its metadata, or the command line, describes it.
pub(super) struct Target {
    /// As it was given, without a slash at its end.
    pub(super) url: String,
    /// The answer at the path that RFC 8414 inserts.
    pub(super) inserted: Answer,
    /// The answer at the path that OpenID Connect appends.
    pub(super) appended: Answer,
    /// The members of whichever answered, or null.
    pub(super) metadata: Value,
    pub(super) device_authorization_endpoint: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) introspection_endpoint: Option<String>,
    /// Something that takes access tokens.
    pub(super) resource: Option<String>,
    /// It has a control interface, a clock that can be moved, and clients that everyone knows.
    pub(super) is_mock_server: bool,
}

impl Target {
    /// Reads the metadata of the server.
    pub(super) async fn find(http: &HttpClient, arguments: &Arguments) -> Result<Self, NoAnswer> {
        let url = arguments.url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
        let (origin, path) = split_at_path(&url);
        let inserted = Request::get(&format!("{origin}/.well-known/oauth-authorization-server{path}"));
        let inserted = http.send(inserted).await?;
        let appended = http.send(Request::get(&format!("{url}/.well-known/openid-configuration"))).await?;
        let control = http.send(Request::get(&format!("{url}/_control/openapi.json"))).await?;
        let is_mock_server =
            control.status == 200 && control.json()["info"]["title"] == "mock-server control";

        let documents = [&inserted, &appended];
        let read = documents.iter().find(|answer| answer.status == 200 && answer.json().is_object());
        let metadata = read.map(|answer| answer.json()).unwrap_or_default();
        let named = |flag: &Option<String>, member: &str| {
            flag.clone().or_else(|| metadata[member].as_str().map(str::to_owned))
        };
        let own_resource = is_mock_server.then(|| format!("{url}/resource"));
        Ok(Self {
            device_authorization_endpoint: named(
                &arguments.device_authorization_endpoint,
                "device_authorization_endpoint",
            ),
            token_endpoint: named(&arguments.token_endpoint, "token_endpoint"),
            authorization_endpoint: named(&arguments.authorization_endpoint, "authorization_endpoint"),
            revocation_endpoint: named(&arguments.revocation_endpoint, "revocation_endpoint"),
            introspection_endpoint: named(&arguments.introspection_endpoint, "introspection_endpoint"),
            resource: arguments
                .resource
                .clone()
                .or(own_resource)
                .or_else(|| named(&None, "userinfo_endpoint")),
            url,
            inserted,
            appended,
            metadata,
            is_mock_server,
        })
    }

    /// Whether a list in the metadata holds this; `None` without such a list.
    pub(super) fn lists(&self, member: &str, value: &str) -> Option<bool> {
        Some(self.metadata[member].as_array()?.iter().any(|listed| listed == value))
    }

    /// The issuer that answers are compared with.
    pub(super) fn issuer(&self) -> &str {
        self.metadata["issuer"].as_str().unwrap_or(&self.url)
    }
}

/// `https://host:port` and `/path`.
pub(super) fn split_at_path(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + 3);
    url.split_at(url[authority..].find('/').map_or(url.len(), |at| authority + at))
}
