//! `login`: settings, store probe, device flow or browser, save, one line that says who and where.

use oauth_client::token_store::{RefreshPoint, StoreProblem, TokenRecord, UnixTime, save_login};
use oauth_client::{Client, Scope};

use crate::arguments::LoginArguments;
use crate::browser_flow::BrowserFlow;
use crate::configuration::{Configuration, DEFAULT_PROFILE};
use crate::device_flow::{DeviceFlow, SignedIn};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::given_token;
use crate::interruption::Interruption;
use crate::login_events::LoginEvent;
use crate::parked_flow::ParkedFlow;
use crate::remembered_login::{self, RememberedLogin, profiles_in_place_of, unpark};
use crate::settings::{Flow, Settings};
use crate::store_choice::{Chooser, ask_for_a_kind};
use crate::stores::{OpenStore, StoreKind};
use crate::styled_line::Line;
use crate::terminal::{Key, Terminal};

/// One login on its way.
struct Login<'a> {
    arguments: &'a LoginArguments,
    profile: String,
    settings: Settings,
    store: OpenStore,
    client: Client,
    is_verbose: bool,
}

pub(crate) async fn run(
    arguments: &LoginArguments,
    profile: Option<&str>,
    is_verbose: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let configuration = Configuration::read()?;
    let profile = configuration.profile_name(profile)?;
    let mut parked = None;
    let mut settings = if arguments.resume {
        let (settings, pending, elapsed) = remembered_login::parked(&profile)?;
        parked = Some((pending, elapsed));
        settings
    } else {
        settings_for(arguments, &configuration, &profile, terminal)?
    };
    let client = settings.client().map_err(|failure| match profiles_in_place_of(&profile) {
        Some(others) if !settings.names_a_server() => {
            Failure { message: format!("{}; {others}", failure.message), ..failure }
        }
        _ => failure,
    })?;
    settings.loopback()?;
    let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
    let interactive = !arguments.json;
    let mut chooser = Chooser::new(&settings, interactive, terminal, &mut interruption);
    let store = chooser.choose().await?;
    store.prepare(&settings.token_key(&profile))?;
    if !arguments.json {
        say_whom_it_replaces(&profile, terminal);
    }
    settings.store = Some(store.kind.name().to_owned());
    let mut login = Login { arguments, profile, settings, store, client, is_verbose };
    if arguments.no_wait {
        if login.store.kind == StoreKind::Memory {
            return Err(Failure::usage(
                "--no-wait needs a store that outlives this command: device-cli help stores names them",
            ));
        }
        return login.parked_flow().begin(terminal, &mut interruption).await;
    }
    let signed_in = if arguments.with_token {
        given_token::read(terminal, &mut interruption).await?
    } else if login.is_of_the_client_itself() {
        tokio::select! {
            signed_in = login.ask_as_the_client() => signed_in?,
            code = interruption.next() => return Err(Failure::interrupted(code)),
        }
    } else if let Some((pending, elapsed)) = parked {
        login.parked_flow().go_on(pending, elapsed, terminal, &mut interruption).await?
    } else {
        login.ask_the_person(terminal, &mut interruption).await?
    };
    login.finish(&signed_in, terminal, &mut interruption).await
}

/// Flags and variables, then the profile; where neither names a server, the last login's settings.
fn settings_for(
    arguments: &LoginArguments,
    configuration: &Configuration,
    profile: &str,
    terminal: &mut Terminal,
) -> Result<Settings, Failure> {
    let given = arguments.settings.clone().tidied();
    let settings = match configuration.settings(profile) {
        Some(configured) => given.over(configured),
        None => given,
    };
    let asked_for = if arguments.client_credentials {
        Some(Flow::ClientCredentials)
    } else if arguments.browser {
        Some(Flow::Browser)
    } else {
        (arguments.device || arguments.with_token).then_some(Flow::Device)
    };
    let settings = Settings { flow: asked_for.or(settings.flow), ..settings };
    let Some(remembered) = RememberedLogin::read_before_login(profile, terminal)? else {
        return Ok(settings);
    };
    // What was chosen once stays chosen. A keyring may have been nobody's choice: it is tried again.
    let chosen = match remembered.kind()? {
        StoreKind::Keyring => Settings::default(),
        _ => remembered.settings_here().store_alone(),
    };
    let settings = if settings.names_a_server() {
        settings
    } else {
        settings.over(&Settings { store: None, ..remembered.settings_here() })
    };
    let is_its_own = settings.store.is_none() || settings.store == chosen.store;
    Ok(if is_its_own { settings.over(&chosen) } else { settings })
}

/// A login takes the place of the one before: nobody is to find that out afterwards.
fn say_whom_it_replaces(profile: &str, terminal: &mut Terminal) {
    if let Ok(Some(earlier)) = RememberedLogin::read(profile)
        && earlier.has_tokens(profile)
    {
        let (server, who) =
            (earlier.settings.server_in_words(), earlier.account.as_deref().unwrap_or("somebody"));
        let profile =
            if profile == DEFAULT_PROFILE { String::new() } else { format!(" (profile {profile})") };
        terminal.say(&format!(
            "{who} is signed in at {server}{profile}; this login takes the place of that one."
        ));
    }
}

impl Login<'_> {
    fn is_of_the_client_itself(&self) -> bool {
        self.settings.flow == Some(Flow::ClientCredentials)
    }

    /// In the browser of this machine where that is asked for or at hand, else with a code in a browser elsewhere.
    async fn ask_the_person(
        &self,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<SignedIn, Failure> {
        if let Some(flow) = BrowserFlow::choose(&self.settings, &self.client, self.arguments, terminal)?
            && let Some(signed_in) = flow.sign_in(terminal, interruption).await?
        {
            return Ok(signed_in);
        }
        let flow = DeviceFlow {
            client: &self.client,
            scope: &self.settings.scope(),
            timeout: self.arguments.timeout,
            renewals: self.arguments.renew,
            is_json: self.arguments.json,
            is_verbose: self.is_verbose,
            approve: None,
        };
        flow.sign_in(terminal, interruption).await.map_err(|failure| {
            // What the client may not do with a code it may do in the browser.
            if failure.error == "unauthorized_client" && self.settings.redirect_uri.is_some() {
                Failure { message: format!("{}, or sign in with --browser", failure.message), ..failure }
            } else {
                failure
            }
        })
    }

    fn parked_flow(&self) -> ParkedFlow<'_> {
        ParkedFlow {
            client: &self.client,
            profile: &self.profile,
            settings: &self.settings,
            timeout: self.arguments.timeout,
            is_json: self.arguments.json,
            is_verbose: self.is_verbose,
        }
    }

    async fn ask_as_the_client(&self) -> Result<SignedIn, Failure> {
        let requested_at = UnixTime::now();
        let tokens = self.client.client_credentials(&self.settings.scope()).await?;
        Ok(SignedIn { tokens: Box::new(tokens), requested_at })
    }

    async fn finish(
        &mut self,
        SignedIn { tokens, requested_at }: &SignedIn,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<(), Failure> {
        let requested: Scope = self.settings.scopes.iter().collect();
        let key = self.settings.token_key(&self.profile);
        let record = TokenRecord::new(key, tokens, &requested, *requested_at, RefreshPoint::draw());
        let record = self.save(&record, terminal, interruption).await?;
        // The tokens are safe; a name is a courtesy.
        let identity = tokio::select! {
            identity = self.client.identity(tokens) => identity.ok().flatten(),
            _ = interruption.next() => None,
        };
        let account = match identity {
            None if self.is_of_the_client_itself() => self.settings.client_id.clone(),
            identity => identity.map(|identity| identity.display_name().to_string()),
        };
        if self.store.kind != StoreKind::Memory {
            self.remember(account.clone(), terminal)?;
            unpark(&self.profile)?;
        }
        let expires_at = record.expires_at().map(UnixTime::as_seconds);
        if self.arguments.json {
            let (account, store) = (account.as_deref(), self.store.kind.name());
            return Ok(
                terminal.result_json(&LoginEvent::Authorized { account, store, expires_at }.to_json())?
            );
        }
        let who = account.map_or_else(String::new, |account| format!(" as {account}"));
        let server = self.settings.server_in_words();
        terminal.say_line(&Line::strong(format!("Signed in{who} at {server}; {}.", self.where_stored())));
        if tokens.scope_differs_from(&requested) && !requested.to_string().is_empty() {
            terminal.say(&format!("The server granted these scopes: {}", record.scopes));
        }
        let is_renewed = self.is_of_the_client_itself() || record.refresh_token.is_some();
        if is_renewed
            && self.settings.client_secret_file.as_deref().is_none_or(|file| file.as_os_str() == "-")
            && self.client.has_secret()
        {
            terminal.say(
                "The client secret is not kept: a new token needs it again, in DEVICE_CLI_CLIENT_SECRET or in a file \
                 that a login with --client-secret-file names.",
            );
        }
        if record.refresh_token.is_none() && !self.is_of_the_client_itself() {
            terminal.say("There is no refresh token: when the access token expires, sign in again.");
        }
        Ok(())
    }

    /// A token that was obtained is not given up lightly: with a person at the keyboard it is tried again, or
    /// put into another store.
    async fn save(
        &mut self,
        record: &TokenRecord,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<TokenRecord, Failure> {
        loop {
            let error = match save_login(&*self.store.store, record) {
                Ok(stored) => return Ok(stored),
                Err(error) => error,
            };
            let is_rescued = matches!(error.problem(), StoreProblem::Rescued { .. });
            let failure =
                Failure::storage(format!("the login was approved, but its tokens cannot be stored: {error}"));
            if is_rescued {
                // So that they are found where they are now.
                self.remember(None, terminal)?;
            }
            if self.arguments.json || !terminal.capabilities().keys {
                // Found by whoever looks next: then they are as good as stored.
                return match self.store.store.load(&record.key) {
                    Ok(Some(found)) if is_rescued && found.access_token == record.access_token => {
                        terminal.say(&format!("warning: {error}"));
                        Ok(found)
                    }
                    _ => Err(failure),
                };
            }
            // Before the question, so that no key is lost that comes at once.
            let Ok(mut keys) = terminal.read_keys() else { return Err(failure) };
            terminal.failure(&failure);
            terminal.say(if is_rescued {
                "Mend that and press Enter to put them in their place, press s for another store; Ctrl-C leaves \
                 them where they are."
            } else {
                "The tokens are still in memory. Mend that and press Enter to try again, press s for another \
                 store; Ctrl-C gives them up."
            });
            let pressed = loop {
                tokio::select! {
                    key = keys.recv() => match key {
                        Some(Key::Enter | Key::Interrupt | Key::Character('s')) | None => break key,
                        Some(_) => {}
                    },
                    _ = interruption.next() => break Some(Key::Interrupt),
                }
            };
            terminal.restore();
            match pressed {
                Some(Key::Enter) => {}
                Some(Key::Character(_)) => self.change_store(terminal, interruption).await?,
                _ => return Err(failure),
            }
        }
    }

    /// What does not work either is said, and the question comes again.
    async fn change_store(
        &mut self,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<(), Failure> {
        let kind = ask_for_a_kind(&self.settings, terminal, interruption).await?;
        match Chooser::new(&self.settings, true, terminal, interruption).open(kind).await {
            Ok(store) => {
                self.settings.store = Some(kind.name().to_owned());
                self.store = store;
                Ok(())
            }
            Err(failure) if failure.exit_code == ExitCode::StorageUnavailable => {
                terminal.failure(&failure);
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// So that `token`, `status` and the next `login` know the server and the store. After that, and not before,
    /// the tokens of an earlier login of this profile are erased where they are elsewhere.
    fn remember(&self, account: Option<String>, terminal: &mut Terminal) -> Result<(), Failure> {
        let earlier = RememberedLogin::read(&self.profile).ok().flatten();
        let now = RememberedLogin::new(self.settings.clone().made_lasting(), account);
        now.write(&self.profile)?;
        if let Some(earlier) = earlier
            && let Err(failure) = earlier.erase_unless_it_is(&now, &self.profile)
        {
            let message = failure.message;
            terminal.say(&format!("warning: tokens of an earlier login could not be erased: {message}"));
        }
        Ok(())
    }

    fn where_stored(&self) -> String {
        let description = self.store.store.describe();
        match &description.location {
            Some(location) => format!(
                "stored in {} ({}, {}, readable by your user alone{})",
                location.display(),
                description.name,
                if description.encrypted_at_rest { "encrypted" } else { "not encrypted" },
                if description.survives_reboot { "" } else { ", gone after a reboot" },
            ),
            None => "stored in memory, gone with this command".to_owned(),
        }
    }
}
