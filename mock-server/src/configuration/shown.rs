//! `config show`: every setting and where it comes from.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;
use mock_server::Settings;

use super::Configuration;
use super::values::OneOrMore;

impl Configuration {
    /// Every setting with where it comes from, as a file that can be used again once the secrets are put back.
    pub(crate) fn show(&self, flags: &ArgMatches, file: Option<&Path>) -> io::Result<String> {
        let mut hidden = self.clone();
        for client in hidden.clients.iter_mut().flatten().flat_map(|OneOrMore(clients)| clients) {
            client.secret = client.secret.as_ref().map(|_| "***".to_owned());
        }
        let mut settings = String::new();
        let mut tables = String::new();
        let mut defaults = String::new();
        let mut show = |setting: &str, id: &str, value: Option<toml::Value>| {
            let origin = match flags.value_source(id) {
                Some(ValueSource::CommandLine) => "flag".to_owned(),
                Some(ValueSource::EnvVariable) => "variable".to_owned(),
                _ => file.map_or_else(String::new, |file| file.display().to_string()),
            };
            let is_table = value.as_ref().is_some_and(|value| {
                value.is_table()
                    || value.as_array().is_some_and(|items| items.first().is_some_and(toml::Value::is_table))
            });
            // A String takes whatever is written to it.
            let _ = match value {
                None => match default_of(setting) {
                    Some(value) => writeln!(defaults, "# {setting} = {value}  # default"),
                    None => writeln!(defaults, "# {setting} is not set"),
                },
                Some(value) if is_table => {
                    let table = toml::Table::from_iter([(setting.to_owned(), value)]);
                    writeln!(tables, "\n# {origin}\n{}", table.to_string().trim_end())
                }
                Some(value) => writeln!(settings, "{setting} = {value}  # {origin}"),
            };
        };
        macro_rules! show {
            ($($setting:ident),*) => {
                let values = toml::Table::try_from(&hidden).map_err(io::Error::other)?;
                $(
                    let key = stringify!($setting).replace('_', "-");
                    show(&key, stringify!($setting), values.get(&key).cloned());
                )*
            };
        }
        each_setting!(show);
        Ok(format!("{settings}{defaults}{tables}"))
    }
}

/// What a setting is where nobody sets it.
fn default_of(setting: &str) -> Option<toml::Value> {
    let defaults = Settings::new(0);
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).ok().map(toml::Value::from);
    let lifetimes = defaults.lifetimes;
    Some(match setting {
        "port" | "rotation-grace" => 0.into(),
        "allow-remote" => defaults.allow_remote.into(),
        "tls" => defaults.tls.into(),
        "auto-approve" => defaults.auto_approve.into(),
        "cors" => defaults.cors.into(),
        "profile" => "rfc".into(),
        "token-format" => "es256".into(),
        "rotation" => "on".into(),
        "interval" => return seconds(defaults.interval),
        "access-token-lifetime" => return seconds(lifetimes.access_token),
        "refresh-token-lifetime" => return seconds(lifetimes.refresh_token),
        "id-token-lifetime" => return seconds(lifetimes.id_token),
        "code-lifetime" => return seconds(lifetimes.authorization_code),
        "lenient" => toml::Value::Array(Vec::new()),
        "scopes" => defaults.scopes.into(),
        _ => return None,
    })
}
