//! `profile`: the profiles of the configuration file, whose comments and order stay as they are.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Serialize;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::arguments::{ProfileAddArguments, ProfileCommand, ProfileListArguments, ProfileNameArguments};
use crate::configuration::{Configuration, checked_name};
use crate::environment::configuration_directory;
use crate::failure::{Failure, login_command};
use crate::private_file;
use crate::remembered_login::RememberedLogin;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// The object of `profile list --json`.
#[derive(Serialize)]
struct ProfilesObject {
    v: u8,
    profiles: Vec<ProfileObject>,
}

#[derive(Serialize)]
struct ProfileObject {
    profile: String,
    is_used: bool,
    is_configured: bool,
    server: Option<String>,
    account: Option<String>,
}

/// The object of `profile show --json`.
#[derive(Serialize)]
struct ShownObject<'a> {
    v: u8,
    profile: &'a str,
    /// In the words of the configuration file.
    settings: &'a Settings,
}

pub(crate) fn run(
    command: &ProfileCommand,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    match command {
        ProfileCommand::List(arguments) => list(arguments, profile, terminal),
        ProfileCommand::Show(arguments) => {
            show(arguments.profile.as_deref().or(profile), arguments.json, terminal)
        }
        ProfileCommand::Use(arguments) => use_from_now_on(arguments, terminal),
        ProfileCommand::Add(arguments) => add(arguments, terminal),
        ProfileCommand::Remove(arguments) => remove(arguments, terminal),
    }
}

/// Those of the file, and those that somebody has signed in to with flags alone.
fn list(
    arguments: &ProfileListArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let configuration = Configuration::read()?;
    let used = configuration.profile_name(profile)?;
    let remembered: Vec<_> = RememberedLogin::all()?;
    let mut names: BTreeSet<String> = configuration.profiles().map(str::to_owned).collect();
    names.extend(remembered.iter().map(|(name, _)| name.clone()));
    let profiles = names.into_iter().map(|name| {
        let login = remembered.iter().find(|(of, _)| *of == name).and_then(|(_, login)| login.as_ref().ok());
        let configured = configuration.settings(&name);
        let settings = configured.or_else(|| login.map(|login| &login.settings));
        ProfileObject {
            is_used: name == used,
            is_configured: configured.is_some(),
            server: settings.map(|settings| settings.server().to_owned()),
            account: login.and_then(|login| login.account.clone()),
            profile: name,
        }
    });
    let profiles: Vec<_> = profiles.collect();
    if arguments.json {
        // Strings and flags: this cannot fail.
        let json = serde_json::to_string(&ProfilesObject { v: 1, profiles }).unwrap_or_default();
        return Ok(terminal.result_json(&json)?);
    }
    if profiles.is_empty() {
        terminal.say("There is no profile yet: device-cli login makes one, or device-cli profile add NAME.");
    }
    for profile in &profiles {
        let mark = if profile.is_used { '*' } else { ' ' };
        let account = profile.account.as_deref().unwrap_or("(nobody is signed in)");
        let server = profile.server.as_deref().unwrap_or_default();
        terminal.result_text(&format!("{mark} {:<12}{server}  {account}", profile.profile))?;
    }
    Ok(())
}

/// In the words of the configuration file, of which it could be a part.
fn show(profile: Option<&str>, is_json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let configuration = Configuration::read()?;
    let name = configuration.profile_name(profile)?;
    let login = RememberedLogin::read(&name)?;
    let settings = configuration.settings(&name).or_else(|| login.as_ref().map(|login| &login.settings));
    let Some(settings) = settings else { return Err(unknown(&name)) };
    if is_json {
        let profile = ShownObject { v: 1, profile: &name, settings };
        // Strings and lists of them: this cannot fail.
        return Ok(terminal.result(&serde_json::to_string(&profile).unwrap_or_default())?);
    }
    terminal.result(&format!("[profiles.{name}]"))?;
    for line in table(settings)?.to_string().lines() {
        terminal.result_text(line)?;
    }
    Ok(())
}

fn use_from_now_on(arguments: &ProfileNameArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let configuration = Configuration::read()?;
    let name = checked_name(&arguments.name)?;
    if configuration.settings(&name).is_none() && RememberedLogin::read(&name)?.is_none() {
        return Err(unknown(&name));
    }
    let mut file = ConfigurationFile::read()?;
    file.document["profile"] = value(&name);
    file.write()?;
    terminal.say(&format!("Where no profile is named, it is {name} from now on."));
    Ok(())
}

fn add(arguments: &ProfileAddArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let configuration = Configuration::read()?;
    let name = checked_name(&arguments.name)?;
    if configuration.settings(&name).is_some() {
        return Err(Failure::usage(format!(
            "there is a profile {name} already: remove it first, or edit the configuration file"
        )));
    }
    let settings = arguments.settings.clone().tidied();
    // What cannot work is better said now.
    settings.client()?;
    settings.loopback()?;
    let mut file = ConfigurationFile::read()?;
    let profiles = file.document.entry("profiles").or_insert_with(|| {
        let mut profiles = Table::new();
        // No line of its own: [profiles.NAME] says it.
        profiles.set_implicit(true);
        Item::Table(profiles)
    });
    profiles[&name] = Item::Table(table(&settings)?);
    file.write()?;
    terminal.say(&format!("Added to {}. Next: {}", file.path.display(), login_command(&name)));
    Ok(())
}

fn remove(arguments: &ProfileNameArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let name = checked_name(&arguments.name)?;
    if let Some(login) = RememberedLogin::read(&name)?
        && !matches!(login.open_unasked()?.store.load(&login.key(&name)), Ok(None))
    {
        return Err(Failure::usage(format!(
            "somebody is signed in there: device-cli logout --profile {name} first"
        )));
    }
    let mut file = ConfigurationFile::read()?;
    let removed = file.document.get_mut("profiles").and_then(Item::as_table_like_mut);
    let was_configured = removed.and_then(|profiles| profiles.remove(&name)).is_some();
    if file.document.get("profile").and_then(Item::as_str) == Some(&name) {
        file.document.remove("profile");
    }
    let was_remembered = RememberedLogin::forget(&name)?;
    if !was_configured && !was_remembered {
        return Err(unknown(&name));
    }
    if was_configured {
        file.write()?;
    }
    terminal.say(&format!("The profile {name} is gone."));
    Ok(())
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is no profile {name}: device-cli profile list names them"))
}

fn table(settings: &Settings) -> Result<Table, Failure> {
    let document = toml_edit::ser::to_document(settings)
        .map_err(|error| Failure::configuration(format!("the settings cannot be written: {error}")))?;
    Ok(document.into_table())
}

/// The file as it is written, not as it is understood.
struct ConfigurationFile {
    path: PathBuf,
    document: DocumentMut,
}

impl ConfigurationFile {
    fn read() -> Result<Self, Failure> {
        let directory = configuration_directory().ok_or_else(|| {
            Failure::configuration("no place for the configuration: set HOME or XDG_CONFIG_HOME")
        })?;
        let path = directory.join("config.toml");
        // A link leads to where a person keeps such files: it stays a link.
        let path = path.canonicalize().unwrap_or(path);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(|error| {
                Failure::configuration(format!(
                    "cannot read {}: {error}; check the path, and who may read it",
                    path.display()
                ))
            })?,
        };
        let document =
            text.parse().map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
        Ok(Self { path, document })
    }

    fn write(&self) -> Result<(), Failure> {
        private_file::try_replace(&self.path, &self.document.to_string())
            .map_err(|error| Failure::configuration(format!("cannot write {}: {error}", self.path.display())))
    }
}
