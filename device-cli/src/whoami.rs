//! `whoami`: the name of the account, and nothing else.

use oauth_client::token_store::UnixTime;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::remembered_login::RememberedLogin;
use crate::status::is_signed_in;
use crate::terminal::Terminal;

pub(crate) fn run(profile: Option<&str>, terminal: &mut Terminal) -> Result<(), Failure> {
    let profile = Configuration::read()?.profile_name(profile)?;
    let Some(remembered) = RememberedLogin::read(&profile)? else {
        return Err(Failure::login_required(&profile));
    };
    let store = remembered.open(&profile, terminal)?;
    let Some(record) = store.store.load(&remembered.key(&profile))? else {
        return Err(Failure::login_required(&profile));
    };
    if !is_signed_in(&remembered.settings, &record, UnixTime::now()) {
        return Err(Failure::login_ended(&profile));
    }
    let Some(account) = &remembered.account else {
        let server = remembered.settings.server();
        return Err(Failure::configuration(format!(
            "somebody is signed in, and {server} did not say who: sign in with --scope openid, where it can"
        )));
    };
    Ok(terminal.result_text(account)?)
}
