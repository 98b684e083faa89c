//! Values as a flag, a variable or a file writes them.

use std::net::Ipv6Addr;

use clap::ValueEnum;
use mock_server::{AccessTokenFormat, Check, Endpoint, Profile};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProfileName {
    Rfc,
    Octopus,
    Nomos,
    Github,
}

impl ProfileName {
    pub(super) const fn profile(self) -> Profile {
        match self {
            Self::Rfc => Profile::Rfc,
            Self::Octopus => Profile::Octopus,
            Self::Nomos => Profile::Nomos,
            Self::Github => Profile::Github,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenFormatName {
    Es256,
    Rs256,
    Opaque,
}

impl TokenFormatName {
    pub(super) const fn format(self) -> AccessTokenFormat {
        match self {
            Self::Es256 => AccessTokenFormat::Es256,
            Self::Rs256 => AccessTokenFormat::Rs256,
            Self::Opaque => AccessTokenFormat::Opaque,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RotationName {
    Off,
    On,
}

/// A check that can be relaxed.
#[derive(Clone, Copy, Debug)]
pub(super) struct RelaxableCheck(pub(super) Check);

pub(super) fn relaxable_check(name: &str) -> Result<RelaxableCheck, String> {
    let relaxable = |check: &Check| check.relaxed().is_some();
    Check::named(name).filter(relaxable).map(RelaxableCheck).ok_or_else(|| {
        let names: Vec<_> =
            Check::ALL.iter().filter(|check| relaxable(check)).map(|check| check.name()).collect();
        format!("no check of this name can be relaxed: choose among {}", names.join(", "))
    })
}

impl<'de> Deserialize<'de> for RelaxableCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        relaxable_check(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for RelaxableCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

/// What each check that can be relaxed then lets through.
pub(crate) fn list_of_relaxable_checks() -> String {
    let mut list = "Checks that --lenient relaxes:\n".to_owned();
    for (name, relaxed) in Check::ALL.iter().filter_map(|check| Some((check.name(), check.relaxed()?))) {
        list.extend([format!("  {name:22} {relaxed}\n")]);
    }
    list
}

/// What may be in `Host`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Host(pub(super) String);

pub(super) fn host(argument: &str) -> Result<Host, String> {
    let (name, port) = match argument.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (argument, None),
    };
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .is_some_and(|name| name.parse::<Ipv6Addr>().is_ok());
    let is_name = !name.is_empty() && name.bytes().all(fit);
    if (is_name || is_address) && port.is_none_or(|port| port.parse::<u16>().is_ok()) {
        return Ok(Host(argument.to_owned()));
    }
    Err(format!("{argument:?} is no host, expected one such as mock or mock:8080, without a scheme"))
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        host(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Where an endpoint is served.
#[derive(Clone, Debug)]
pub(super) struct EndpointPath {
    pub(super) endpoint: Endpoint,
    pub(super) path: String,
}

pub(super) fn endpoint_path(argument: &str) -> Result<EndpointPath, String> {
    let (name, path) = argument.split_once('=').ok_or("expected ENDPOINT=/PATH")?;
    EndpointPath::new(name, path)
}

impl EndpointPath {
    fn new(name: &str, path: &str) -> Result<Self, String> {
        let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name);
        let endpoint = endpoint.ok_or_else(|| {
            format!(
                "unknown endpoint {name}, expected one of {}",
                Endpoint::ALL.map(Endpoint::name).join(", ")
            )
        })?;
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !path.starts_with('/') || path.ends_with('/') || !path.bytes().all(fit) {
            return Err(format!(
                "{path:?} is no path, expected one such as /oauth2/{name}, without a slash at its end"
            ));
        }
        Ok(Self { endpoint, path: path.to_owned() })
    }
}

pub(super) fn paths_in_table<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<EndpointPath>>, D::Error> {
    let table = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
    let paths = table.iter().map(|(name, path)| EndpointPath::new(name, path).map_err(de::Error::custom));
    paths.collect::<Result<_, _>>().map(Some)
}

#[expect(clippy::ref_option, reason = "serde hands it so")]
pub(super) fn as_table<S: Serializer>(
    paths: &Option<Vec<EndpointPath>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match paths {
        Some(paths) => {
            serializer.collect_map(paths.iter().map(|mapped| (mapped.endpoint.name(), mapped.path.as_str())))
        }
        None => serializer.serialize_none(),
    }
}

pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(de::Error::custom("expected 1 second or more")),
        seconds => Ok(Some(seconds)),
    }
}

/// What one flag or one variable names: a JSON object, or a list of them.
#[derive(Clone, Debug)]
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

pub(super) fn one_or_more<T: de::DeserializeOwned>(argument: &str) -> Result<OneOrMore<T>, String> {
    let is_list = argument.trim_start().starts_with('[');
    let read = if is_list {
        serde_json::from_str(argument)
    } else {
        serde_json::from_str(argument).map(|one| vec![one])
    };
    read.map(OneOrMore).map_err(|error| error.to_string())
}

pub(super) fn listed<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<OneOrMore<T>>>, D::Error> {
    Vec::deserialize(deserializer).map(|list| Some(vec![OneOrMore(list)]))
}

#[expect(clippy::ref_option, reason = "serde hands it so")]
pub(super) fn as_list<S: Serializer, T: Serialize>(
    values: &Option<Vec<OneOrMore<T>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values {
        Some(values) => serializer.collect_seq(values.iter().flat_map(|OneOrMore(list)| list)),
        None => serializer.serialize_none(),
    }
}
