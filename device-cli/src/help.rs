//! `help`: a command's own help, or a topic.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, HelpArguments};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::stores::{StoreChoice, StoreKind};
use crate::terminal::Terminal;

pub(crate) fn run(arguments: &HelpArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut command = Arguments::command();
    command.build();
    let text = match arguments.topic.as_deref() {
        None => command.render_long_help().to_string(),
        Some("exit-codes") => exit_codes(),
        Some("environment") => environment(&command),
        Some("accessibility") => ACCESSIBILITY.to_owned(),
        Some("stores") => stores(),
        Some(name) => match command.find_subcommand_mut(name) {
            Some(subcommand) => subcommand.render_long_help().to_string(),
            None => {
                return Err(Failure::usage(format!(
                    "no help on {name}: name a command, exit-codes, environment, stores or accessibility"
                )));
            }
        },
    };
    for line in text.trim_end().lines() {
        terminal.result(line)?;
    }
    Ok(())
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

/// The settings' variables as the parser knows them, then those of the surroundings.
fn environment(command: &clap::Command) -> String {
    let settings = command
        .find_subcommand("login")
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| Some((argument.get_env()?.to_str()?, argument.get_long()?)))
        .map(|(variable, flag)| format!("  {variable:<36}as --{flag}"));
    let surroundings = SURROUNDINGS.iter().map(|(name, meaning)| format!("  {name:<36}{meaning}"));
    let lines: Vec<String> = settings.chain(surroundings).collect();
    format!("Environment variables\n\n{}", lines.join("\n"))
}

const SURROUNDINGS: [(&str, &str); 16] = [
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
    ("BROWSER", "what the key o starts; several with colons between, %s for the address"),
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
