//! `$XDG_CONFIG_HOME/device-cli/config.toml`: the profiles.

use std::collections::BTreeMap;
use std::{fs, io};

use serde::Deserialize;

use crate::environment::configuration_directory;
use crate::failure::Failure;
use crate::settings::Settings;

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Configuration {
    /// Which profile is meant where none is named.
    profile: Option<String>,
    profiles: BTreeMap<String, Settings>,
}

const DEFAULT_PROFILE: &str = "default";

impl Configuration {
    /// Reads the file; without one, everything comes from flags and variables.
    pub(crate) fn read() -> Result<Self, Failure> {
        let Some(directory) = configuration_directory() else { return Ok(Self::default()) };
        let path = directory.join("config.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(Failure::configuration(format!(
                    "cannot read {}: {error}; check the path, and who may read it",
                    path.display()
                )));
            }
        };
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let cause = error.message();
            Failure::configuration(format!("{}, line {line}: {cause}", path.display()))
        })
    }

    /// The name of the profile: as asked for, as configured, or "default".
    pub(crate) fn profile_name(&self, asked_for: Option<&str>) -> Result<String, Failure> {
        let asked_for = asked_for.filter(|name| !name.is_empty());
        let name = asked_for.or(self.profile.as_deref()).unwrap_or(DEFAULT_PROFILE);
        // It becomes part of a file name.
        let is_name = name.len() <= 64
            && !name.starts_with('.')
            && name.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character));
        if is_name && !name.is_empty() {
            Ok(name.to_owned())
        } else {
            Err(Failure::usage("a profile's name has 1 to 64 letters, digits, dots, dashes or underscores"))
        }
    }

    /// The names of the profiles in the file.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// What the profile says; nothing, where it is not in the file.
    pub(crate) fn settings(&self, profile: &str) -> Option<&Settings> {
        self.profiles.get(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::Configuration;

    #[test]
    fn the_profile_is_the_one_asked_for_then_the_configured_one_then_default() {
        let configuration: Configuration =
            toml::from_str("profile = \"work\"\n[profiles.work]\nclient_id = \"device\"\n").unwrap();
        assert_eq!(configuration.profile_name(Some("home")).unwrap(), "home");
        assert_eq!(configuration.profile_name(None).unwrap(), "work");
        assert_eq!(configuration.settings("work").unwrap().client_id.as_deref(), Some("device"));
        assert!(configuration.settings("home").is_none());
        assert_eq!(Configuration::default().profile_name(Some("")).unwrap(), "default");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["../x", "a/b", ".hidden", "a b", "ä"] {
            assert!(Configuration::default().profile_name(Some(name)).is_err(), "{name}");
        }
    }
}
