//! `mock-server`: an OAuth 2.0 authorization server on a loopback port.
#![forbid(unsafe_code)]

mod announcement;
mod configuration;
mod healthcheck;
mod probe;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use mock_server::{RecordedRequest, Severity};
use tokio::signal::unix::{SignalKind, signal};

use crate::configuration::Configuration;

/// A strict OAuth 2.0 authorization server for tests and development, on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(version, after_help = configuration::list_of_relaxable_checks())]
struct Arguments {
    /// Read settings from a TOML file; flags and variables go before it
    #[arg(long, env = "MOCK_SERVER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    configuration: Configuration,
    /// At the end, write what clients did wrong to a file, as JSON or as a JUnit report; may be repeated
    #[arg(long, value_name = "json:FILE|junit:FILE", value_parser = verdict_report)]
    verdicts: Vec<VerdictReport>,
    /// End with exit code 3 if clients did something wrong that weighs as much or more
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check an authorization server, this one or any other, from outside: see `mock-server probe --help`
    #[command(disable_help_flag = true)]
    Probe,
    /// Ask the server on this port (or of this port file) for its metadata; exit code 0 if it answers
    Healthcheck,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting with where it comes from, as a TOML file; secrets are hidden
    Show,
}

#[derive(Clone, Debug)]
enum VerdictReport {
    Json(PathBuf),
    Junit(PathBuf),
}

/// MUST is an error, SHOULD a warning, our advice a note.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SeverityName {
    Error,
    Warning,
    Note,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Error => Self::Error,
            SeverityName::Warning => Self::Warning,
            SeverityName::Note => Self::Note,
        }
    }
}

/// The exit code when clients did what `--fail-on` forbids.
const CLIENTS_FAILED: u8 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Apart from the rest, as none of the server's flags means anything to it.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "probe") {
        return probe::run(arguments).await;
    }
    // Flags may also come after a subcommand.
    let matches = Arguments::command().mut_args(|argument| argument.global(true)).get_matches();
    match run(&matches).await {
        Ok(exit_code) => exit_code,
        Err(error) => {
            // Where stderr is gone, the exit code still says it.
            let _ = writeln!(io::stderr(), "mock-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(matches: &ArgMatches) -> io::Result<ExitCode> {
    let mut deepest = matches;
    while let Some((_, deeper)) = deepest.subcommand() {
        deepest = deeper;
    }
    let arguments = Arguments::from_arg_matches(matches).map_err(io::Error::other)?;
    let flags = Configuration::from_arg_matches(deepest).map_err(io::Error::other)?;
    let file = deepest.get_one::<PathBuf>("config").map(PathBuf::as_path);
    let configuration = Configuration::read(flags, file)?;
    match arguments.command {
        None => {}
        Some(Command::Probe) => return Err(io::Error::other("probe comes first: mock-server probe URL")),
        Some(Command::Config(ConfigCommand::Show)) => {
            io::stdout().lock().write_all(configuration.show(deepest, file)?.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Healthcheck) => {
            healthcheck::check(configuration.port(), configuration.port_file())?;
            return Ok(ExitCode::SUCCESS);
        }
    }

    // Caught from here on, so that no signal between "ready" and the wait is lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let port_file = configuration.port_file().map(Path::to_owned);
    let ca_file = configuration.tls_ca_file().map(Path::to_owned);
    let server = configuration.builder()?.on_request(log).start().await?;
    announcement::announce(&server, port_file.as_deref(), ca_file.as_deref())?;

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    server.stop_listening().await;
    let fail_on = arguments.fail_on.map(Severity::from);
    for report in &arguments.verdicts {
        let (file, content) = match report {
            VerdictReport::Json(file) => (file, server.verdicts_of_all_json()),
            VerdictReport::Junit(file) => {
                (file, server.verdicts_of_all_junit(fail_on.unwrap_or(Severity::Warning)))
            }
        };
        std::fs::write(file, content).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot write the verdicts to {}: {error}", file.display()))
        })?;
    }
    let failed: Vec<_> =
        server.verdicts_of_all().into_iter().filter(|verdict| Some(verdict.severity) >= fail_on).collect();
    if fail_on.is_none() || failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for verdict in failed {
        // As with requests: a log that cannot be written changes nothing.
        let _ = writeln!(io::stderr(), "{verdict}");
    }
    Ok(ExitCode::from(CLIENTS_FAILED))
}

fn verdict_report(argument: &str) -> Result<VerdictReport, String> {
    match argument.split_once(':') {
        Some(("json", file)) if !file.is_empty() => Ok(VerdictReport::Json(file.into())),
        Some(("junit", file)) if !file.is_empty() => Ok(VerdictReport::Junit(file.into())),
        _ => Err("expected json:FILE or junit:FILE".to_owned()),
    }
}

/// One line a request on stderr, and below it why it was refused. A journal entry holds no secret, so neither do they.
fn log(request: &RecordedRequest) {
    // In one piece: stderr has no buffer, and each piece would be a system call.
    let line = match &request.explanation {
        Some(explanation) => format!("{request}\n    refused: {explanation}\n"),
        None => format!("{request}\n"),
    };
    // A log that cannot be written stops nobody's login.
    let _ = io::stderr().write_all(line.as_bytes());
}
