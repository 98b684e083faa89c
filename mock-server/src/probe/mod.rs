//! `mock-server probe`: the checklist for authorization servers, run against any of them from outside.
//!
//! It knows nothing of this server's code: what it sees is HTTP, so that its verdict on this server means something.

mod arguments;
mod authorization_code;
mod authorize;
mod bearer_token;
mod browser;
mod check;
mod client_authentication;
mod clients;
mod device_authorization;
mod device_code;
mod form;
mod html;
mod http_client;
mod introspection;
mod ledger;
mod logins;
mod metadata;
mod page;
mod person;
mod pkce;
mod refresh_token;
mod report;
mod revocation;
mod target;
mod token;
mod traffic;
mod verification_page;

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use self::arguments::{Arguments, ReportFile};
use self::check::{Group, Level};
use self::clients::Clients;
use self::http_client::HttpClient;
use self::ledger::Ledger;
use self::logins::Probe;
use self::person::Person;
use self::report::Report;
use self::target::Target;
use self::traffic::Traffic;

/// The exit code when the probe could not be run: that of clap for wrong arguments.
const NOT_RUN: u8 = 2;

/// All that is checked, in the order in which it is told.
const GROUPS: [Group; 14] = [
    metadata::GROUP,
    device_authorization::GROUP,
    verification_page::GROUP,
    device_code::GROUP,
    token::GROUP,
    client_authentication::GROUP,
    authorize::GROUP,
    authorization_code::GROUP,
    pkce::GROUP,
    refresh_token::GROUP,
    traffic::GROUP,
    bearer_token::GROUP,
    revocation::GROUP,
    introspection::GROUP,
];

/// Runs the subcommand with what stands behind its name.
pub(crate) async fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse_from([OsString::from("mock-server probe")].into_iter().chain(arguments));
    match probe(&arguments).await {
        Ok(exit_code) => exit_code,
        Err(error) => {
            // Where stderr is gone, the exit code still says it.
            let _ = writeln!(io::stderr(), "mock-server probe: {error}");
            ExitCode::from(NOT_RUN)
        }
    }
}

async fn probe(arguments: &Arguments) -> Result<ExitCode, String> {
    let print =
        |text: &str| io::stdout().lock().write_all(text.as_bytes()).map_err(|error| error.to_string());
    if arguments.list {
        print(&list())?;
        return Ok(ExitCode::SUCCESS);
    }
    for name in &arguments.only {
        let known = GROUPS.iter().flat_map(|group| group.checks).any(|check| check.name == name);
        known.then_some(()).ok_or_else(|| format!("no check is called {name:?}: see --list"))?;
    }
    let probe = prepare(arguments).await?;
    run_all(&probe).await;

    let report = Report::new(&probe.target.url, &GROUPS, &probe.ledger);
    for file in &arguments.report {
        let (file, content) = match file {
            ReportFile::Json(file) => (file, report.json()),
            ReportFile::Junit(file) => (file, report.junit()),
        };
        std::fs::write(file, content)
            .map_err(|error| format!("cannot write the report to {}: {error}", file.display()))?;
    }
    print(&report.for_people())?;
    Ok(if report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Meets the server, and finds out who can appear before it.
async fn prepare(arguments: &Arguments) -> Result<Probe, String> {
    let url = arguments.url.as_deref().unwrap_or_default();
    if !(url.starts_with("https://") || url.starts_with("http://"))
        || !url.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err("the URL must be that of an issuer, such as https://issuer.example".to_owned());
    }
    let roots = match &arguments.ca_file {
        None => None,
        Some(file) => {
            Some(std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?)
        }
    };
    let http = HttpClient::new(roots.as_deref())?;
    let target = Target::find(&http, arguments).await.map_err(|error| error.to_string())?;
    let named = Clients::named(arguments)?;
    let clients = if target.is_mock_server { named.or_ready_made() } else { named };
    let endpoints =
        [&target.token_endpoint, &target.device_authorization_endpoint, &target.authorization_endpoint];
    if endpoints.into_iter().all(Option::is_none) {
        return Err(format!(
            "{url} has no metadata that names an endpoint: name them by flags such as --token-endpoint"
        ));
    }
    let is_supported = |scope: &&str| target.lists("scopes_supported", scope) == Some(true);
    let own_scopes = ["openid", "read", "write"].into_iter().filter(is_supported);
    let own_scope = target.is_mock_server.then(|| own_scopes.collect::<Vec<_>>().join(" "));
    let mock_server = target.is_mock_server.then_some(target.url.as_str());
    let seen_everywhere = [&token::SEEN_EVERYWHERE[..], traffic::GROUP.checks].concat();
    let ledger = Ledger::new(&arguments.only, &seen_everywhere);
    for secret in clients.secrets() {
        ledger.hide(&secret);
    }
    Ok(Probe {
        person: Person::new(arguments.approve.as_deref(), arguments.deny.as_deref(), mock_server),
        scope: arguments.scope.clone().or(own_scope),
        http,
        target,
        clients,
        ledger,
        traffic: RefCell::new(Traffic::default()),
        patience: Duration::from_secs(arguments.patience),
        clock: tokio::sync::Mutex::default(),
        user_codes: RefCell::default(),
    })
}

/// At the same time what does not get into each other's way.
async fn run_all(probe: &Probe) {
    let still = async {
        tokio::join!(
            metadata::run(probe),
            device_authorization::run(probe),
            verification_page::run(probe),
            device_code::run(probe),
            token::run(probe),
            client_authentication::run(probe),
            authorize::run(probe),
            authorization_code::run(probe),
            pkce::run(probe),
            refresh_token::run(probe),
            bearer_token::run(probe),
            revocation::run(probe),
            introspection::run(probe),
        );
    };
    let moving = async {
        tokio::join!(
            device_code::run_in_time(probe),
            verification_page::run_in_time(probe),
            authorization_code::run_in_time(probe),
            bearer_token::run_in_time(probe),
        );
    };
    if probe.target.is_mock_server {
        // There time passes for everybody.
        still.await;
        moving.await;
    } else {
        tokio::join!(still, moving);
    }
    verification_page::run_last(probe).await;
    traffic::judge(probe);
}

fn list() -> String {
    let mut text = String::new();
    // A String takes whatever is written to it.
    for group in &GROUPS {
        let _ = writeln!(text, "{}", group.title);
        for check in group.checks {
            let level = if check.level == Level::Must { "MUST" } else { "SHOULD" };
            let _ = writeln!(text, "  {:34} {level:6} {} ({})", check.name, check.expected, check.section);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_checks_have_the_same_name() {
        let names: Vec<_> = GROUPS.iter().flat_map(|group| group.checks).map(|check| check.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
