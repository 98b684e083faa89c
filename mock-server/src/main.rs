//! `mock-server`: an OAuth 2.0 authorization server on a loopback port.
#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use mock_server::{Check, Lenient, MockServer, Profile, RecordedRequest, Severity};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// A strict OAuth 2.0 authorization server for tests and development, on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(version, after_help = list_of_relaxable_checks())]
struct Arguments {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Issuer identifier, when clients reach the server under another name
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Approve every login without a person
    #[arg(long)]
    auto_approve: bool,
    /// Whose behaviour to show
    #[arg(long, value_enum, default_value_t = ProfileName::Rfc)]
    profile: ProfileName,
    /// Seconds between polls
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    interval: u32,
    /// At the end, write what clients did wrong to a file, as JSON or as a JUnit report; may be repeated
    #[arg(long, value_name = "json:FILE|junit:FILE", value_parser = verdict_report)]
    verdicts: Vec<VerdictReport>,
    /// End with exit code 3 if clients did something wrong that weighs as much or more
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<SeverityName>,
    /// Relax single checks, by the names listed below
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',', value_parser = relaxable_check)]
    lenient: Vec<Check>,
}

fn relaxable_check(name: &str) -> Result<Check, String> {
    let relaxable = |check: &Check| check.relaxed().is_some();
    Check::named(name).filter(relaxable).ok_or_else(|| {
        let names: Vec<_> =
            Check::ALL.iter().filter(|check| relaxable(check)).map(|check| check.name()).collect();
        format!("no check of this name can be relaxed: choose among {}", names.join(", "))
    })
}

/// What each check that can be relaxed then lets through.
fn list_of_relaxable_checks() -> String {
    let mut list = "Checks that --lenient relaxes:\n".to_owned();
    for (name, relaxed) in Check::ALL.iter().filter_map(|check| Some((check.name(), check.relaxed()?))) {
        list.extend([format!("  {name:22} {relaxed}\n")]);
    }
    list
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileName {
    Rfc,
    Octopus,
    Nomos,
    Github,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(exit_code) => exit_code,
        Err(error) => {
            // Where stderr is gone, the exit code still says it.
            let _ = writeln!(io::stderr(), "mock-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<ExitCode> {
    // Caught from here on, so that no signal between "ready" and the wait is lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let mut lenient = Lenient::default();
    for check in arguments.lenient {
        lenient.relax(check).map_err(io::Error::other)?;
    }
    let mut builder = MockServer::builder()
        .lenient(lenient)
        .port(arguments.port)
        .interval(Duration::from_secs(arguments.interval.into()))
        .auto_approve(arguments.auto_approve)
        .consent_page(!arguments.auto_approve)
        .on_request(log)
        .profile(match arguments.profile {
            ProfileName::Rfc => Profile::Rfc,
            ProfileName::Octopus => Profile::Octopus,
            ProfileName::Nomos => Profile::Nomos,
            ProfileName::Github => Profile::Github,
        });
    if let Some(issuer) = arguments.issuer {
        builder = builder.issuer(issuer);
    }
    let server = builder.start().await?;

    let ready = json!({ "event": "ready", "issuer": server.issuer(), "port": server.port() });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    server.stop_listening().await;
    let fail_on = arguments.fail_on.map(Severity::from);
    for report in &arguments.verdicts {
        let (file, content) = match report {
            VerdictReport::Json(file) => (file, server.verdicts_json()),
            VerdictReport::Junit(file) => (file, server.verdicts_junit(fail_on.unwrap_or(Severity::Warning))),
        };
        std::fs::write(file, content).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot write the verdicts to {}: {error}", file.display()))
        })?;
    }
    let failed: Vec<_> =
        server.verdicts().into_iter().filter(|verdict| Some(verdict.severity) >= fail_on).collect();
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
    // A log that cannot be written stops nobody's login.
    let _ = match &request.explanation {
        Some(explanation) => writeln!(io::stderr(), "{request}\n    refused: {explanation}"),
        None => writeln!(io::stderr(), "{request}"),
    };
}
