//! What may stand on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::settings::Settings;

/// Signs a terminal in that has no browser, and keeps its token fresh for scripts.
#[derive(Parser)]
#[command(
    name = "device-cli",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "Exit codes, variables, stores and accessibility: device-cli help TOPIC"
)]
pub(crate) struct Arguments {
    /// Which login this is about, where there are several
    #[arg(long, global = true, env = "DEVICE_CLI_PROFILE", hide_env_values = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Say more on the way
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole thing on this machine, with no set-up: a device login against a server of its own
    #[cfg(feature = "demo")]
    Demo,
    /// Sign in: shows a code and an address, and waits until somebody approves it in a browser elsewhere
    Login(Box<LoginArguments>),
    /// Print an access token that works now, refreshed if need be
    Token(TokenArguments),
    /// Who is signed in, with what, and for how long; exit code 4 where a login is needed
    Status(StatusArguments),
    /// Forget the tokens here, then tell the server (RFC 7009)
    Logout(LogoutArguments),
    /// Where the tokens of each login are kept, and how to keep them elsewhere
    #[command(subcommand)]
    Storage(StorageCommand),
    /// What stands behind a command, or a topic: exit-codes, environment, stores, accessibility
    Help(HelpArguments),
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct LoginArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,

    /// The device flow, whatever else the server offers
    #[arg(long)]
    pub(crate) device: bool,

    /// Newline-delimited JSON events on standard output, nothing on the screen
    #[arg(long)]
    pub(crate) json: bool,

    /// Give up after this time: 90, 90s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// Ask for a new code by itself when one expires, at most so often
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) renew: u32,

    /// Show the code and end; `login --resume` goes on
    #[arg(long, conflicts_with_all = ["resume", "timeout", "renew"])]
    pub(crate) no_wait: bool,

    /// Go on with the login that --no-wait began: one poll, or as many as --timeout allows; exit code 8
    /// while the person has not decided
    #[arg(long, conflicts_with = "renew")]
    pub(crate) resume: bool,
}

#[derive(Args)]
pub(crate) struct TokenArguments {
    /// The token must be valid for at least so long; a refresh is tried once
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0", hide_default_value = true)]
    pub(crate) min_ttl: Duration,

    /// Print a whole header line: Authorization: Bearer TOKEN
    #[arg(long)]
    pub(crate) header: bool,
}

#[derive(Args)]
pub(crate) struct StatusArguments {
    /// One JSON object; with --all one a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Every profile; exit code 4 where one of them needs a login
    #[arg(long, conflicts_with = "profile")]
    pub(crate) all: bool,
}

#[derive(Subcommand)]
pub(crate) enum StorageCommand {
    /// Each profile's store: encrypted at rest or not, kept over a reboot or not, where. Opens none of them
    Show(StorageShowArguments),
    /// Move a login to another store; the old copy goes once the new one was read back
    Move(StorageMoveArguments),
}

#[derive(Args)]
pub(crate) struct StorageShowArguments {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct StorageMoveArguments {
    /// Where to: keyring, passphrase, key-file, systemd-credential, kernel (until reboot), file (not encrypted)
    #[arg(long, value_name = "STORE")]
    pub(crate) to: String,

    /// To key-file: the file with its key, made if it is missing; best on another disk than the tokens
    #[arg(long, env = "DEVICE_CLI_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// To passphrase: a file that holds it, - for standard input; or set `DEVICE_CLI_PASSPHRASE`
    #[arg(long, env = "DEVICE_CLI_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct LogoutArguments {
    /// Forget the tokens here only; at the server they stay valid
    #[arg(long)]
    pub(crate) local: bool,
}

#[derive(Args)]
pub(crate) struct HelpArguments {
    /// A command, or exit-codes, environment, stores, accessibility
    pub(crate) topic: Option<String>,
}

/// "90", "90s", "5m", "1h".
fn duration(text: &str) -> Result<Duration, String> {
    let (number, factor) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('m') => (number, 60),
        Some(number) if text.ends_with('h') => (number, 3600),
        Some(number) => (number, 1),
        None => (text, 1),
    };
    let seconds: u32 = number.parse().map_err(|_| "a duration looks like 90, 90s, 5m or 1h".to_owned())?;
    Ok(Duration::from_secs(u64::from(seconds) * factor))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory as _;

    use super::{Arguments, duration};

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, seconds) in [("0", 0), ("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "-1", "1.5", "5 m", "5d", "99999999999"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_setting_has_a_flag_and_a_variable() {
        let command = Arguments::command();
        let login = command.find_subcommand("login").unwrap();
        let of_settings = clap::Command::new("settings");
        let of_settings = <super::Settings as clap::Args>::augment_args(of_settings);
        for setting in of_settings.get_arguments() {
            let flag = login.get_arguments().find(|own| own.get_id() == setting.get_id()).unwrap();
            let name = flag.get_long().unwrap().to_uppercase().replace('-', "_");
            assert_eq!(flag.get_env().unwrap().to_str().unwrap(), format!("DEVICE_CLI_{name}"));
        }
    }
}
