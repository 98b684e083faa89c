//! What may stand on the command line.

mod credential;
pub(crate) mod examples;
mod profile;
mod storage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, Parser, Subcommand};

pub(crate) use self::credential::{
    CredentialCommand, DockerArguments, DockerOperation, GitArguments, GitOperation, KubectlArguments,
};
pub(crate) use self::profile::{
    ProfileAddArguments, ProfileCommand, ProfileListArguments, ProfileNameArguments,
};
pub(crate) use self::storage::{StorageCommand, StorageMoveArguments, StorageShowArguments};
use crate::exports;
use crate::help;
use crate::known_values::KnownValues;
use crate::settings::Settings;

/// Where programs look for the token, unless told otherwise.
const TOKEN_VARIABLE: &str = "DEVICE_CLI_ACCESS_TOKEN";

/// Above the options that every command has.
const COMMON: &str = "Common options";

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
    #[arg(long, global = true, env = "DEVICE_CLI_PROFILE", hide_env_values = true, value_name = "NAME", help_heading = COMMON)]
    pub(crate) profile: Option<String>,

    /// Say more on the way
    #[arg(short, long, global = true, help_heading = COMMON)]
    pub(crate) verbose: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole thing on this machine, with no set-up: a device login against a server of its own
    #[cfg(feature = "demo")]
    #[command(arg = no_profile())]
    Demo,
    /// Sign in: shows a code and an address, and waits until somebody approves it in a browser elsewhere; or, with
    /// --browser, in the one on this machine
    #[command(after_help = examples::LOGIN)]
    Login(Box<LoginArguments>),
    /// Print an access token that works now, refreshed if need be
    #[command(after_help = examples::TOKEN)]
    Token(TokenArguments),
    /// Who is signed in, with what, and for how long; exit code 4 where a login is needed
    #[command(after_help = examples::STATUS)]
    Status(StatusArguments),
    /// The name of the account that is signed in; exit code 4 where a login is needed
    Whoami(WhoamiArguments),
    /// Get a new token before its time
    Refresh(RefreshArguments),
    /// Start another program with the token in its environment
    #[command(after_help = examples::RUN)]
    Run(RunArguments),
    /// The token as a line that a shell takes over: eval "$(device-cli env)"
    #[command(after_help = examples::ENV)]
    Env(EnvArguments),
    /// curl with the token, which stands on no command line
    #[command(after_help = examples::CURL)]
    Curl(CurlArguments),
    /// The token for git, kubectl, docker and cargo, in their own protocols
    #[command(subcommand, after_help = examples::CREDENTIAL)]
    Credential(CredentialCommand),
    /// Forget the tokens here, then tell the server (RFC 7009)
    Logout(LogoutArguments),
    /// Where the tokens of each login are kept, and how to keep them elsewhere
    #[command(subcommand)]
    Storage(StorageCommand),
    /// The profiles of the configuration file: which there are, which one is meant, what each says
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// What a server offers by its metadata, and what a device would miss there
    #[command(after_help = examples::DISCOVER, arg = no_profile())]
    Discover(DiscoverArguments),
    /// What is right and what is wrong here, from the terminal to the server, and what mends it
    #[command(after_help = examples::DOCTOR)]
    Doctor(Box<DoctorArguments>),
    /// Any text as a QR code
    #[command(after_help = examples::QR, arg = no_profile())]
    Qr(QrArguments),
    /// What a JWT says; offline, nothing is verified
    #[command(after_help = examples::DECODE, arg = no_profile())]
    Decode(DecodeArguments),
    /// What a shell needs to complete this program's command lines
    #[command(after_help = examples::COMPLETIONS, arg = no_profile())]
    Completions(CompletionsArguments),
    /// This program's manual pages
    #[command(after_help = examples::MAN, arg = no_profile())]
    Man(ManArguments),
    /// What stands behind a command, or a topic: exit-codes, environment, stores, accessibility
    #[command(arg = no_profile())]
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

    /// The browser on this machine, which comes back to a port of it (RFC 8252)
    #[arg(long, conflicts_with_all = ["device", "no_wait", "resume", "renew"])]
    pub(crate) browser: bool,

    /// Nobody signs in: the client itself, with its secret (RFC 6749, section 4.4)
    #[arg(long, conflicts_with_all = ["browser", "device", "no_wait", "resume", "renew", "timeout"])]
    pub(crate) client_credentials: bool,

    /// A token from elsewhere, on standard input: the token alone, or the JSON of a token endpoint
    #[arg(long, conflicts_with_all = ["browser", "device", "client_credentials", "no_wait", "resume", "renew", "timeout"])]
    pub(crate) with_token: bool,

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
    /// The token must be valid for at least so long; a refresh is tried once, and where it brings no such
    /// token, none is printed
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0", hide_default_value = true)]
    pub(crate) min_ttl: Duration,

    /// Print a whole header line: Authorization: Bearer TOKEN
    #[arg(long)]
    pub(crate) header: bool,

    /// The `id_token` in place of the access token
    #[arg(long, conflicts_with = "header")]
    pub(crate) id_token: bool,

    /// Write it to a file that only you can read, whole at any time; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// One JSON object: the token, when it expires, its scopes
    #[arg(long, conflicts_with = "header")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct WhoamiArguments {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct RefreshArguments {
    /// Even if the token is still in its youth
    #[arg(long)]
    pub(crate) force: bool,

    /// One JSON object, without the token
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct RunArguments {
    /// The variable that holds the token
    #[arg(long, value_name = "NAME", default_value = TOKEN_VARIABLE, value_parser = variable_name)]
    pub(crate) variable: String,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args)]
pub(crate) struct EnvArguments {
    /// Whose words; else those of the shell in SHELL
    #[arg(long, value_enum)]
    pub(crate) shell: Option<exports::Syntax>,

    /// The variable that holds the token
    #[arg(long, value_name = "NAME", default_value = TOKEN_VARIABLE, value_parser = variable_name)]
    pub(crate) variable: String,
}

#[derive(Args)]
pub(crate) struct CurlArguments {
    /// curl's own arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Args)]
pub(crate) struct DiscoverArguments {
    /// The issuer
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// More certificate authorities to trust, as PEM
    #[arg(long, env = "DEVICE_CLI_CA_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Let requests to this one host go without TLS
    #[arg(long, env = "DEVICE_CLI_DANGEROUSLY_ALLOW_HTTP", hide_env_values = true, value_name = "HOST")]
    pub(crate) dangerously_allow_http: Option<String>,
}

#[derive(Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,

    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct QrArguments {
    /// The text; - or nothing for standard input
    pub(crate) text: Option<String>,
}

#[derive(Args)]
pub(crate) struct DecodeArguments {
    /// The JWT; - or nothing for standard input, which nobody else can read
    pub(crate) token: Option<String>,

    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct CompletionsArguments {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct ManArguments {
    /// Write a page for each command into this directory
    #[arg(value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct StatusArguments {
    /// One JSON object; with --all one a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Every profile; exit code 4 where one of them needs a login
    #[arg(long, conflicts_with = "profile")]
    pub(crate) all: bool,

    /// Ask the server whether it still takes the tokens; nothing is refreshed
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Args)]
pub(crate) struct LogoutArguments {
    /// Forget the tokens here only; at the server they stay valid
    #[arg(long)]
    pub(crate) local: bool,

    /// Every profile
    #[arg(long, conflicts_with = "profile")]
    pub(crate) all: bool,

    /// One JSON object with what was done; with --all one a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct HelpArguments {
    /// A command, with what stands behind it, or exit-codes, environment, stores, accessibility
    #[arg(value_name = "TOPIC", value_parser = KnownValues(help::topics), hide_possible_values = true)]
    pub(crate) topic: Vec<String>,
}

/// Where no login matters: `--profile` is understood, since it may stand in the environment, and not offered.
fn no_profile() -> Arg {
    Arg::new("profile").long("profile").value_name("NAME").hide(true)
}

/// A name that every shell takes.
fn variable_name(name: &str) -> Result<String, String> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty();
    if is_name { Ok(name.to_owned()) } else { Err("a variable's name has letters, digits and _".to_owned()) }
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
