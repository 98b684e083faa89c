//! `status`: who is signed in, with what, for how long, and where the tokens lie.

use std::path::Path;

use oauth_client::ServerText;
use oauth_client::token_store::{StoreDescription, TokenRecord, UnixTime};
use serde::Serialize;

use crate::arguments::StatusArguments;
use crate::configuration::{self, DEFAULT_PROFILE};
use crate::exit_code::ExitCode;
use crate::failure::{Failure, login_command};
use crate::login_check::LoginCheck;
use crate::login_status::in_words;
use crate::remembered_login::{RememberedLogin, nobody_is_signed_in};
use crate::settings::{Flow, Settings};
use crate::stores::OpenStore;
use crate::terminal::Terminal;

/// The object of `status --json`.
#[derive(Serialize)]
struct StatusObject<'a> {
    v: u8,
    profile: &'a str,
    login_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<LoginObject<'a>>,
    /// With `--check`, where the server answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<LoginCheck>,
    /// With `--check`, where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct LoginObject<'a> {
    account: Option<&'a str>,
    server: &'a str,
    client_id: &'a str,
    scopes: Vec<String>,
    /// Seconds since 1970.
    expires_at: Option<u64>,
    refreshable: bool,
    store: &'static str,
    encrypted_at_rest: bool,
    survives_reboot: bool,
    /// The directory.
    location: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dangerously_allow_http: Option<&'a str>,
}

/// A profile of `status --all --json` whose tokens cannot be read.
#[derive(Serialize)]
struct FailedObject<'a> {
    v: u8,
    profile: &'a str,
    error: &'a str,
}

pub(crate) fn run(
    arguments: &StatusArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if arguments.all {
        return all(arguments, terminal);
    }
    let profile = configuration::profile_name(profile)?;
    let Some(remembered) = RememberedLogin::read(&profile)? else {
        return nobody(&profile, arguments.json, terminal);
    };
    let store = remembered.open(&profile, terminal)?;
    report(&profile, &remembered, &store, arguments, terminal)
}

/// Each profile, without a question to anybody; ends as the worst of them does.
fn all(arguments: &StatusArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let is_json = arguments.json;
    let mut worst: Option<Failure> = None;
    let mut is_first = true;
    for (profile, remembered) in RememberedLogin::all()? {
        if !std::mem::take(&mut is_first) && !is_json {
            terminal.result("")?;
        }
        let reported = remembered.and_then(|remembered| {
            let store = remembered.open_unasked()?;
            report(&profile, &remembered, &store, arguments, terminal)
        });
        let Err(failure) = reported else { continue };
        if !is_json {
            terminal.result_text(&format!("{:<12}{profile}: {}", "Profile", failure.message))?;
        } else if failure.exit_code != ExitCode::LoginRequired {
            terminal.result_json(&to_json(&FailedObject {
                v: 1,
                profile: &profile,
                error: &failure.message,
            }))?;
        }
        // Tokens that cannot be read are worse than none.
        if worst.as_ref().is_none_or(|worst| worst.exit_code == ExitCode::LoginRequired) {
            worst = Some(Failure { message: format!("{profile}: {}", failure.message), ..failure });
        }
    }
    match worst {
        Some(failure) => Err(failure),
        None if is_first => nobody(DEFAULT_PROFILE, is_json, terminal),
        None => Ok(()),
    }
}

fn nobody(profile: &str, is_json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if is_json {
        terminal.result_json(&to_json(&StatusObject {
            v: 1,
            profile,
            login_required: true,
            login: None,
            check: None,
            error: None,
        }))?;
    }
    Err(nobody_is_signed_in(profile))
}

fn report(
    profile: &str,
    remembered: &RememberedLogin,
    store: &OpenStore,
    arguments: &StatusArguments,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let Some(record) = store.store.load(&remembered.key(profile))? else {
        return nobody(profile, arguments.json, terminal);
    };
    let (now, description) = (UnixTime::now(), store.store.describe());
    let has_ended = !is_signed_in(&remembered.settings, &record, now);
    let asked = (arguments.check && !has_ended)
        .then(|| LoginCheck::ask(&remembered.settings, &record, now))
        .transpose();
    let check = asked.as_ref().ok().copied().flatten();
    let login_required = has_ended || check.is_some_and(LoginCheck::needs_login);
    if arguments.json {
        let login = LoginObject {
            account: remembered.account.as_deref(),
            server: remembered.settings.server(),
            client_id: &record.key.client_id,
            scopes: record.scopes.values().map(|scope| ServerText::from(scope).to_string()).collect(),
            expires_at: record.expires_at().map(UnixTime::as_seconds),
            refreshable: is_refreshable(&remembered.settings, &record),
            store: store.kind.name(),
            encrypted_at_rest: description.encrypted_at_rest,
            survives_reboot: description.survives_reboot,
            location: description.location.as_deref(),
            dangerously_allow_http: remembered.settings.dangerously_allow_http.as_deref(),
        };
        let error = asked.as_ref().err().map(|failure| &*failure.error);
        let login = Some(login);
        terminal.result_json(&to_json(&StatusObject {
            v: 1,
            profile,
            login_required,
            login,
            check,
            error,
        }))?;
    } else {
        let mut rows = rows(profile, remembered, &record, &description, now);
        rows.extend(check.map(|check| ("Check", check.in_words().to_owned())));
        rows.extend(asked.is_err().then(|| ("Check", "it could not be made, as is said below".to_owned())));
        for (name, value) in rows {
            terminal.result_text(&format!("{name:<12}{value}"))?;
        }
    }
    asked?;
    if login_required {
        return Err(Failure::login_ended(profile));
    }
    check.and_then(|check| check.doubt(profile)).map_or(Ok(()), Err)
}

/// Strings, numbers and flags: this cannot fail.
fn to_json(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

/// A token that works, or the means to get one.
pub(crate) fn is_signed_in(settings: &Settings, record: &TokenRecord, now: UnixTime) -> bool {
    record.is_alive(now) || is_refreshable(settings, record)
}

fn is_refreshable(settings: &Settings, record: &TokenRecord) -> bool {
    settings.flow == Some(Flow::ClientCredentials) || (record.refresh_token.is_some() && !record.login_needed)
}

fn rows(
    profile: &str,
    remembered: &RememberedLogin,
    record: &TokenRecord,
    description: &StoreDescription,
    now: UnixTime,
) -> Vec<(&'static str, String)> {
    let settings = &remembered.settings;
    let token = match record.life_left(now) {
        None => "works until the server says otherwise".to_owned(),
        Some(left) if left.is_zero() => "expired".to_owned(),
        Some(left) => format!("valid for {}", in_words(left)),
    };
    let refresh = match (&record.refresh_token, record.login_needed) {
        _ if settings.flow == Some(Flow::ClientCredentials) => {
            "by itself, with the client's secret, when device-cli token is called".to_owned()
        }
        (Some(_), false) => "by itself, when device-cli token is called".to_owned(),
        (Some(_), true) => format!("refused by the server: run {}", login_command(profile)),
        (None, _) => format!("not offered by the server: then run {}", login_command(profile)),
    };
    let account = remembered.account.clone().unwrap_or_else(|| "(the server did not say)".to_owned());
    let mut rows = vec![
        ("Profile", profile.to_owned()),
        ("Account", account),
        ("Server", settings.server_in_words()),
        ("Client", record.key.client_id.clone()),
        ("Scopes", record.scopes.to_string()),
        ("Token", token),
        ("Refresh", refresh),
        ("Store", in_one_line(description)),
    ];
    if let Some(host) = &settings.dangerously_allow_http {
        rows.push(("Warning", format!("requests to {host} may go without TLS")));
    }
    rows
}

/// Which store, where, encrypted at rest or not, kept over a reboot or not.
pub(crate) fn in_one_line(description: &StoreDescription) -> String {
    let location =
        description.location.as_ref().map_or_else(String::new, |at| format!(" in {}", at.display()));
    let encrypted = if description.encrypted_at_rest { "encrypted" } else { "not encrypted" };
    let reboot = if description.survives_reboot { "survives a reboot" } else { "gone after a reboot" };
    format!("{}{location}, {encrypted}, {reboot}", description.name)
}
