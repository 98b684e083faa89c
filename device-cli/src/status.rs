//! `status`: who is signed in, with what, for how long, and where the tokens lie.

use oauth_client::ServerText;
use oauth_client::token_store::{StoreDescription, TokenRecord, UnixTime};
use serde::Serialize;

use crate::arguments::StatusArguments;
use crate::configuration::Configuration;
use crate::failure::{Failure, login_command};
use crate::login_status::in_words;
use crate::storage::{RememberedLogin, StoreKind};
use crate::terminal::Terminal;

/// The object of `status --json`.
#[derive(Serialize)]
struct StatusObject<'a> {
    v: u8,
    profile: &'a str,
    login_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<LoginObject<'a>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    dangerously_allow_http: Option<&'a str>,
}

pub(crate) fn run(
    arguments: &StatusArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let profile = Configuration::read()?.profile_name(profile)?;
    let remembered = RememberedLogin::read(&profile)?;
    let found = match &remembered {
        Some(remembered) => {
            let kind = StoreKind::of(&remembered.settings)?;
            let store = kind.open()?;
            let record = store.load(&remembered.settings.token_key(&profile))?;
            record.map(|record| (remembered, kind, record, store.describe()))
        }
        None => None,
    };
    let now = UnixTime::now();
    let login_required = !found.as_ref().is_some_and(|(_, _, record, _)| is_signed_in(record, now));
    if arguments.json {
        let login = found.as_ref().map(|(remembered, kind, record, description)| LoginObject {
            account: remembered.account.as_deref(),
            server: remembered.settings.server(),
            client_id: &record.key.client_id,
            scopes: record.scopes.values().map(|scope| ServerText::from(scope).to_string()).collect(),
            expires_at: record.expires_at().map(UnixTime::as_seconds),
            refreshable: record.refresh_token.is_some() && !record.login_needed,
            store: kind.name(),
            encrypted_at_rest: description.encrypted_at_rest,
            survives_reboot: description.survives_reboot,
            dangerously_allow_http: remembered.settings.dangerously_allow_http.as_deref(),
        });
        let object = StatusObject { v: 1, profile: &profile, login_required, login };
        // Strings, numbers and flags: this cannot fail.
        terminal.result(&serde_json::to_string(&object).unwrap_or_default())?;
    } else if let Some((remembered, _, record, description)) = &found {
        for (name, value) in rows(&profile, remembered, record, description, now) {
            terminal.result_text(&format!("{name:<12}{value}"))?;
        }
    }
    match (login_required, found) {
        (false, _) => Ok(()),
        (true, None) => Err(Failure::login_required(&profile)),
        (true, Some(_)) => Err(Failure::login_ended(&profile)),
    }
}

/// A token that works, or the means to get one.
fn is_signed_in(record: &TokenRecord, now: UnixTime) -> bool {
    record.is_alive(now) || (record.refresh_token.is_some() && !record.login_needed)
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
        (Some(_), false) => "by itself, when device-cli token is called".to_owned(),
        (Some(_), true) => format!("refused by the server: run {}", login_command(profile)),
        (None, _) => format!("not offered by the server: then run {}", login_command(profile)),
    };
    let account = remembered.account.clone().unwrap_or_else(|| "(the server did not say)".to_owned());
    let mut rows = vec![
        ("Profile", profile.to_owned()),
        ("Account", account),
        ("Server", settings.server().to_owned()),
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

fn in_one_line(description: &StoreDescription) -> String {
    let location =
        description.location.as_ref().map_or_else(String::new, |at| format!(" in {}", at.display()));
    let encrypted = if description.encrypted_at_rest { "encrypted" } else { "not encrypted" };
    let reboot = if description.survives_reboot { "survives a reboot" } else { "gone after a reboot" };
    format!("{}{location}, {encrypted}, {reboot}", description.name)
}
