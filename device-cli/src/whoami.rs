//! `whoami`: the name of the account, and nothing else.

use oauth_client::token_store::UnixTime;
use serde::Serialize;

use crate::arguments::WhoamiArguments;
use crate::configuration;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::remembered_login::RememberedLogin;
use crate::status::is_signed_in;
use crate::terminal::Terminal;

/// The object of `whoami --json`.
#[derive(Serialize)]
struct WhoamiObject<'a> {
    v: u8,
    profile: &'a str,
    login_required: bool,
    account: Option<&'a str>,
    server: Option<&'a str>,
}

pub(crate) fn run(
    arguments: &WhoamiArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let profile = configuration::profile_name(profile)?;
    let told = signed_in(&profile, terminal);
    if arguments.json
        && (told.is_ok() || told.as_ref().is_err_and(|failure| failure.exit_code == ExitCode::LoginRequired))
    {
        let login = told.as_ref().ok();
        let object = WhoamiObject {
            v: 1,
            profile: &profile,
            login_required: login.is_none(),
            account: login.and_then(|login| login.account.as_deref()),
            server: login.map(|login| login.settings.server()),
        };
        // Strings and flags: this cannot fail.
        terminal.result(&serde_json::to_string(&object).unwrap_or_default())?;
    }
    let login = told?;
    match &login.account {
        _ if arguments.json => Ok(()),
        Some(account) => Ok(terminal.result_text(account)?),
        None => Err(Failure::configuration(format!(
            "somebody is signed in, and {} did not say who: sign in with --scope openid, where it can",
            login.settings.server_in_words()
        ))),
    }
}

/// The login, where it is one that still works.
fn signed_in(profile: &str, terminal: &mut Terminal) -> Result<RememberedLogin, Failure> {
    let remembered = RememberedLogin::required(profile)?;
    let store = remembered.open(profile, terminal)?;
    let Some(record) = store.store.load(&remembered.key(profile))? else {
        return Err(Failure::login_required(profile));
    };
    if !is_signed_in(&remembered.settings, &record, UnixTime::now()) {
        return Err(Failure::login_ended(profile));
    }
    Ok(remembered)
}
