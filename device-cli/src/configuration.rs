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

/// Where nobody says anything else.
pub(crate) const DEFAULT_PROFILE: &str = "default";

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
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let cause = in_plain_words(error.message());
            Failure::configuration(format!("{}, line {line}: {cause}; correct that line", path.display()))
        })
    }

    /// The name of the profile: as asked for, as configured, or "default".
    pub(crate) fn profile_name(&self, asked_for: Option<&str>) -> Result<String, Failure> {
        // A variable that is set to nothing names nothing.
        let asked_for = asked_for.filter(|name| !name.is_empty());
        checked_name(asked_for.or(self.profile.as_deref()).unwrap_or(DEFAULT_PROFILE))
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

/// The name of the profile that a command is about. Where it is named, a file that cannot be read is no obstacle: nobody
/// is kept from signing out by it.
pub(crate) fn profile_name(asked_for: Option<&str>) -> Result<String, Failure> {
    match asked_for {
        Some(name) if !name.is_empty() => checked_name(name),
        _ => Configuration::read()
            .map_err(|failure| Failure {
                message: format!("{}, or name the profile with --profile", failure.message),
                ..failure
            })?
            .profile_name(None),
    }
}

/// A name that may become part of a file name.
pub(crate) fn checked_name(name: &str) -> Result<String, Failure> {
    let is_name = (1..=64).contains(&name.len())
        && !name.starts_with('.')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character));
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(Failure::usage("a profile's name has 1 to 64 letters, digits, dots, dashes or underscores"))
    }
}

/// The parser speaks of fields, in the quotation marks of its own language.
fn in_plain_words(message: &str) -> String {
    let message = message.replace('`', "\"");
    match message.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", expected one of ")) {
        Some((unknown, known)) => {
            format!("{unknown} is no key; the keys are {}", known.replace('"', ""))
        }
        None => message,
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
