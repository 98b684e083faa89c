//! `help`: a command's own help, or a topic.

use std::ffi::OsStr;

use clap::CommandFactory as _;
use clap::builder::PossibleValue;

use crate::arguments::{Arguments, HelpArguments};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::stores::{StoreChoice, StoreKind};
use crate::terminal::Terminal;

/// What `help` has words on besides the commands.
const TOPICS: [&str; 4] = ["exit-codes", "environment", "stores", "accessibility"];
const COMMANDS: &[&str] = &[
    #[cfg(feature = "demo")]
    "demo",
    "login",
    "token",
    "status",
    "whoami",
    "refresh",
    "run",
    "env",
    "curl",
    "credential",
    "logout",
    "storage",
    "profile",
    "discover",
    "doctor",
    "qr",
    "decode",
    "completions",
    "man",
    "help",
];

/// What may stand after `help`.
pub(crate) fn topics() -> Vec<PossibleValue> {
    COMMANDS.iter().chain(&TOPICS).map(|&word| PossibleValue::new(word)).collect()
}

pub(crate) fn run(arguments: &HelpArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut command = Arguments::command();
    command.build();
    let words: Vec<&str> = arguments.topic.iter().map(String::as_str).collect();
    let text = match words[..] {
        ["exit-codes"] => exit_codes(),
        ["environment"] => environment(&command),
        ["accessibility"] => ACCESSIBILITY.to_owned(),
        ["stores"] => stores(),
        _ => of_command(&mut command, &words)?,
    };
    for line in text.trim_end().lines() {
        terminal.result(line)?;
    }
    Ok(())
}

/// `help profile add` is `profile add --help`.
fn of_command(command: &mut clap::Command, words: &[&str]) -> Result<String, Failure> {
    match words {
        [] => Ok(command.render_long_help().to_string()),
        [word, rest @ ..] => match command.find_subcommand_mut(word) {
            Some(subcommand) => of_command(subcommand, rest),
            None => Err(Failure::usage(format!(
                "no help on {word}: name a command, exit-codes, environment, stores or accessibility"
            ))),
        },
    }
}

fn exit_codes() -> String {
    let lines = ExitCode::ALL.map(|code| format!("{:>4}  {}", code as u8, code.meaning()));
    format!("Exit codes\n\n{}", lines.join("\n"))
}

fn stores() -> String {
    let lines = StoreKind::ALL.map(|kind| format!("  {:<20}{}", kind.name(), kind.in_words()));
    format!(
        "Stores\n\n  {:<20}{}\n{}\n\n{}",
        "auto",
        StoreChoice::AUTO_IN_WORDS,
        lines.join("\n"),
        "Where the keyring does not work, a terminal asks which store to use instead; a script gets exit code 7\n\
         and the words to type. device-cli storage show names the store of each login, device-cli storage move\n\
         --to STORE changes it."
    )
}

/// The variables as the parser knows them, then those of the surroundings.
pub(crate) fn variables(command: &clap::Command) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    of_flags(command, &mut variables);
    variables.extend(SURROUNDINGS.map(|(name, meaning)| (name.to_owned(), meaning.to_owned())));
    variables
}

/// Each once, though several commands may have it.
fn of_flags(command: &clap::Command, variables: &mut Vec<(String, String)>) {
    for argument in command.get_arguments() {
        if let (Some(variable), Some(flag)) =
            (argument.get_env().and_then(OsStr::to_str), argument.get_long())
            && variables.iter().all(|(known, _)| known != variable)
        {
            variables.push((variable.to_owned(), format!("as --{flag}")));
        }
    }
    for subcommand in command.get_subcommands() {
        of_flags(subcommand, variables);
    }
}

fn environment(command: &clap::Command) -> String {
    let lines: Vec<_> =
        variables(command).iter().map(|(name, meaning)| format!("  {name:<36}{meaning}")).collect();
    format!("Environment variables\n\n{}", lines.join("\n"))
}

const SURROUNDINGS: [(&str, &str); 18] = [
    ("DEVICE_CLI_CLIENT_SECRET", "the secret of a confidential client"),
    ("DEVICE_CLI_PASSPHRASE", "the passphrase of the store passphrase"),
    ("XDG_CONFIG_HOME", "profiles: device-cli/config.toml; else ~/.config"),
    ("XDG_STATE_HOME", "tokens and logins: device-cli/; else ~/.local/state"),
    ("XDG_CACHE_HOME", "tokens that could not be stored: device-cli/recovered/; else ~/.cache"),
    ("DBUS_SESSION_BUS_ADDRESS", "where the store keyring is looked for"),
    ("CREDENTIALS_DIRECTORY", "set by systemd: where the store systemd-credential has device-cli-key"),
    ("NO_COLOR", "no colours; the QR code then assumes a dark background"),
    ("CLICOLOR_FORCE", "colours even where no terminal is"),
    ("TERM", "dumb: plain lines"),
    ("ACCESSIBLE", "1: plain lines that stay, no QR code, the code spelled out"),
    ("LC_ALL, LC_CTYPE, LANG", "UTF-8 or not: which characters the screen is drawn with"),
    ("BROWSER", "what --browser and the key o start; several with colons between, %s for the address"),
    ("SSH_CONNECTION, SSH_TTY, SSH_CLIENT", "over SSH no browser is started here, but the one in BROWSER"),
    ("SHELL", "for which shell env writes its line, without --shell"),
    ("DISPLAY, WAYLAND_DISPLAY", "whether there is a screen for a browser"),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the way to the server"),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "whom TLS trusts, in place of the system's authorities"),
];

const ACCESSIBILITY: &str = "\
Accessibility

ACCESSIBLE=1 writes plain lines that stay where they are: nothing is redrawn, there is no box and no
QR code, and the code is spelled out letter by letter (\"W D J B dash M J H T\"). Every 30 seconds one
line says that the login still waits. The keys work as they do on the drawn screen: c copies the code,
n asks for a new one, Enter checks now, Ctrl-C cancels.

Without a terminal, or with TERM=dumb, the same lines are written and no key is read. Colour carries no
meaning anywhere; NO_COLOR takes it away.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::COMMANDS;
    use crate::arguments::Arguments;

    #[test]
    fn every_command_can_be_completed() {
        let command = Arguments::command();
        let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(names, COMMANDS);
    }
}
