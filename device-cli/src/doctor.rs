//! `doctor`: what is right and what is wrong here, each wrong thing with what mends it.
//!
//! Everything is tried side by side and for a bounded time, so that the report is whole where everything is broken.
//! It is made to be shown to others: no secret, no account and no address of this machine is in it.

mod clocks;
mod files;
mod finding;
mod machine;
mod network;
mod screen;
mod server;
mod store_trials;

use std::path::Path;
use std::time::Duration;

use oauth_client::ServerText;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::arguments::DoctorArguments;
use crate::configuration::Configuration;
use crate::doctor::clocks::Clocks;
use crate::doctor::finding::{Finding, Verdict};
use crate::environment::{home_directory, state_directory, variable};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::remembered_login::RememberedLogin;
use crate::settings::Settings;
use crate::styled_line::{Line, Style, wrapped};
use crate::terminal::Terminal;

/// How long one check may take that talks to a disk, a program or the network.
const PATIENCE: Duration = Duration::from_secs(5);
/// Columns of the verdict and of the check's name, before the finding.
const NAME_COLUMN: usize = 11;
const FINDING_COLUMN: usize = 33;

/// The object of `doctor --json`.
#[derive(Serialize)]
struct Report<'a> {
    v: u8,
    version: &'static str,
    problems: usize,
    findings: Vec<FindingObject<'a>>,
}

#[derive(Serialize)]
struct FindingObject<'a> {
    area: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// What belongs together, in the order of the report.
struct Area {
    name: &'static str,
    findings: Vec<Finding>,
}

pub(crate) async fn run(
    arguments: &DoctorArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
    let mut areas = tokio::select! {
        areas = examine(arguments, profile, terminal) => areas,
        code = interruption.next() => return Err(Failure::new(code, "cancelled", "Cancelled.")),
    };
    let home = home_directory();
    for finding in areas.iter_mut().flat_map(|area| &mut area.findings) {
        finding.rewrite(|text| {
            // Some of the words are the server's.
            let text = ServerText::from(text).to_string();
            home.as_deref().map_or_else(|| text.clone(), |home| without_home(&text, home))
        });
    }
    let problems =
        areas.iter().flat_map(|area| &area.findings).filter(|finding| finding.is_problem()).count();
    if arguments.json {
        let findings = areas
            .iter()
            .flat_map(|area| area.findings.iter().map(|finding| FindingObject { area: area.name, finding }));
        let version = env!("CARGO_PKG_VERSION");
        let report = Report { v: 1, version, problems, findings: findings.collect() };
        // Strings and numbers: this cannot fail.
        terminal.result_json(&serde_json::to_string(&report).unwrap_or_default())?;
    } else {
        show(&areas, terminal)?;
    }
    match problems {
        0 => Ok(()),
        1 => Err(broken("1 problem was found; what mends it stands above")),
        many => Err(broken(format!("{many} problems were found; what mends each stands above"))),
    }
}

fn broken(message: impl Into<String>) -> Failure {
    Failure::new(ExitCode::General, "problems_found", message)
}

async fn examine(arguments: &DoctorArguments, profile: Option<&str>, terminal: &Terminal) -> Vec<Area> {
    let clocks = Clocks::start();
    let (settings, of_settings) = settings(arguments, profile);
    let of_screen = screen::findings(terminal.capabilities(), Terminal::size(), variable);
    let (of_machine, of_files, of_stores, of_network, of_server) = tokio::join!(
        in_time("machine", machine::findings),
        in_time("directories", files::findings),
        store_trials::findings(&settings),
        network::findings(&settings),
        server::findings(&settings),
    );
    let mut of_clocks = clocks.stop().await;
    of_clocks.extend(of_server.clock);
    vec![
        Area { name: "Terminal", findings: of_screen },
        Area { name: "Machine", findings: of_machine },
        Area { name: "Files", findings: [of_settings, of_files].concat() },
        Area { name: "Stores", findings: of_stores },
        Area { name: "Network", findings: of_network },
        Area { name: "Server", findings: of_server.findings },
        Area { name: "Clocks", findings: of_clocks },
    ]
}

/// What hangs, on a disk or a program, is left behind.
async fn in_time(name: &'static str, check: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Vec<Finding> {
    match timeout(PATIENCE, spawn_blocking(check)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) => vec![Finding::note(name, "the check itself failed: please report it")],
        Err(_) => {
            let told = format!("no answer within {} s", PATIENCE.as_secs());
            vec![Finding::problem(
                name,
                told,
                "look for a disk or a network file system that hangs: df, mount",
            )]
        }
    }
}

/// What a login would go by: flags and variables, the profile, the last login. What cannot be read is told and left
/// out.
fn settings(arguments: &DoctorArguments, profile: Option<&str>) -> (Settings, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut settings = arguments.settings.clone().tidied();
    let configuration = Configuration::read().unwrap_or_else(|failure| {
        let mend = "correct the file, or move it away";
        findings.push(Finding::problem("config.toml", failure.message, mend));
        Configuration::default()
    });
    match configuration.profile_name(profile) {
        Ok(profile) => {
            if let Some(configured) = configuration.settings(&profile) {
                settings = settings.over(configured);
            }
            match RememberedLogin::read(&profile) {
                Ok(Some(remembered)) => settings = settings.over(&remembered.settings_here()),
                Ok(None) => {}
                // Said where the directories are.
                Err(_) if state_directory().is_none() => {}
                Err(failure) => findings.push(Finding::problem("login", failure.message, "device-cli login")),
            }
        }
        Err(failure) => {
            findings.push(Finding::problem("profile", failure.message, "device-cli profile list"));
        }
    }
    if let Some(host) = &settings.dangerously_allow_http {
        let told =
            format!("requests to {host} may go without TLS: whoever is on the way reads and changes them");
        findings.push(Finding::note("TLS", told).mended_by("leave --dangerously-allow-http away"));
    }
    (settings, findings)
}

fn show(areas: &[Area], terminal: &mut Terminal) -> Result<(), Failure> {
    // Whoever copies a report wants whole lines; whoever reads it, words that are not broken.
    let columns = if terminal.result_is_seen() { Terminal::size().columns } else { usize::MAX };
    let columns = columns.saturating_sub(FINDING_COLUMN + 1).max(20);
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    terminal.result(&format!("device-cli {} on {system}, {machine}", env!("CARGO_PKG_VERSION")))?;
    for area in areas.iter().filter(|area| !area.findings.is_empty()) {
        terminal.result("")?;
        terminal.result_line(&Line::strong(area.name))?;
        for finding in &area.findings {
            let style = if finding.is_problem() { Style::Strong } else { Style::Plain };
            let verdict = Line::plain("  ").with(style, finding.verdict.in_words());
            let mut beginning = verdict.padded(NAME_COLUMN).with(Style::Plain, finding.check);
            for text in wrapped(&finding.told, columns) {
                terminal.result_line(&beginning.padded(FINDING_COLUMN).with(Style::Plain, text))?;
                beginning = Line::default();
            }
            let mut beginning = Line::default().padded(NAME_COLUMN).with(Style::Plain, "  mend:");
            for text in finding.mend.iter().flat_map(|mend| wrapped(mend, columns)) {
                terminal.result_line(&beginning.padded(FINDING_COLUMN).with(Style::Strong, text))?;
                beginning = Line::default();
            }
        }
    }
    if areas.iter().flat_map(|area| &area.findings).all(|finding| finding.verdict != Verdict::Problem) {
        terminal.result("\nNothing is broken.")?;
    }
    Ok(())
}

/// Paths begin with ~, as people type them: the home often has a person's name.
fn without_home(text: &str, home: &Path) -> String {
    let Some(home) = home.to_str().map(|home| home.trim_end_matches('/')).filter(|home| home.len() > 1)
    else {
        return text.to_owned();
    };
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(home) {
        let is_path =
            after.is_empty() || after.starts_with(|next: char| !next.is_alphanumeric() && next != '-');
        let begins = !before.ends_with(|last: char| last.is_alphanumeric() || last == '/');
        shown.push_str(before);
        shown.push_str(if is_path && begins { "~" } else { home });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::without_home;

    #[test]
    fn paths_below_the_home_begin_with_a_tilde() {
        let home = Path::new("/home/alice");
        for (text, shown) in [
            ("/home/alice", "~"),
            ("in /home/alice/.config, /home/alice/x: no", "in ~/.config, ~/x: no"),
            (
                "/home/alice2/x /mnt/home/alice/x /home/alice-b",
                "/home/alice2/x /mnt/home/alice/x /home/alice-b",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_home(text, home), shown);
        }
        assert_eq!(without_home("/etc/x", Path::new("/")), "/etc/x");
    }
}
