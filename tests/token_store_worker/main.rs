//! A process that keeps a login as an application does: it signs in and out, asks for access tokens and uses them, as its
//! standard input says, a command a line, and answers each with a line of JSON.
//!
//! `token_store_worker STORE ISSUER CLOCK [--token-endpoint URL | --client-credentials]`: STORE is `KIND:PLACE` (see
//! `stores.rs`), CLOCK a file that holds the time in Unix seconds, which all processes of a test share.
//!
//! | command | what it does |
//! |---|---|
//! | `sign-in RESPONSE` | stores an access token response, as after a login |
//! | `access-token` | asks for an access token |
//! | `call` | the same, and uses it at the protected resource; after a 401 once more with another token |
//! | `log-out` | erases the login, then revokes it |
//! | `load`, `delete` | the store's own |
//! | `move STORE` | moves the login to another store |
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the test that started it")]

mod store_thread;
mod stores;
mod wrong_stores;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use oauth_client::{
    AccessTokenResponse, BoxFuture, Client, Clock, Error, HttpResponse, Instant, LoginNotStored, Secret,
    Session, SessionError, SystemClock,
};
use oauth_token_store::{FreshToken, StoreError, TokenKey, TokenRecord, UnixTime, move_record};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::store_thread::StoreThread;

type AnyError = Box<dyn std::error::Error>;

struct Worker {
    session: Session,
    store: StoreThread,
    clock: SharedClock,
    resource: String,
    store_thread: u32,
    runtime: Runtime,
}

/// The time of day in a file, which is there before any process and replaced as a whole.
#[derive(Clone)]
struct SharedClock(PathBuf);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Worker::new(&arguments).and_then(|worker| worker.obey()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("token_store_worker: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Worker {
    fn new(arguments: &[String]) -> Result<Self, AnyError> {
        let [store, issuer, clock, options @ ..] = arguments else {
            return Err("STORE ISSUER CLOCK [--token-endpoint URL | --client-credentials]".into());
        };
        let clock = SharedClock(clock.into());
        let (store, store_thread) = StoreThread::start(stores::open(store)?)?;
        let shared = Arc::new(store.clone());
        let client =
            |client_id: &str| Client::builder(client_id).resource_origin(issuer).clock(clock.clone());
        let session = match options {
            [] => {
                let client = client("device").issuer(issuer).build()?;
                Session::open_key(client, shared, TokenKey::new(issuer, "device", "me"))
            }
            [option, url] if option == "--token-endpoint" => {
                let client = client("device").token_endpoint(url).build()?;
                Session::open_key(client, shared, TokenKey::new(issuer, "device", "me"))
            }
            [option] if option == "--client-credentials" => {
                let client = client("service").client_secret("service-secret").issuer(issuer).build()?;
                Session::open_client_credentials(client, shared, "read")
            }
            _ => return Err(format!("no such options: {options:?}").into()),
        };
        Ok(Self {
            session,
            store,
            clock,
            resource: format!("{issuer}/resource"),
            store_thread,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        })
    }

    fn obey(&self) -> Result<(), AnyError> {
        // What a refresh does from here on is the refresh and nothing else.
        self.runtime.block_on(self.session.client().metadata())?;
        tell(&json!({ "outcome": "ready", "store_thread": self.store_thread }))?;
        for command in io::stdin().lock().lines() {
            let command = command?;
            let (word, rest) = command.split_once(' ').unwrap_or((&command, ""));
            tell(&self.runtime.block_on(self.answer(word, rest))?)?;
        }
        Ok(())
    }

    async fn answer(&self, command: &str, rest: &str) -> Result<Value, AnyError> {
        let (store, key) = (self.session.store(), self.session.key());
        Ok(match command {
            "sign-in" => self.sign_in(rest).await?,
            "access-token" => described(&self.session.access_token().await),
            "call" => self.call().await?,
            "log-out" => {
                let logout = self.session.logout().await;
                match &logout.erased {
                    Ok(existed) => json!({
                        "outcome": "done", "existed": existed, "is_complete": logout.is_complete(),
                    }),
                    Err(error) => described_store_error(error),
                }
            }
            "load" => match store.load(key) {
                Ok(Some(record)) => described_record(&record),
                Ok(None) => json!({ "outcome": "no record" }),
                Err(error) => described_store_error(&error),
            },
            "delete" => match store.delete(key) {
                Ok(existed) => json!({ "outcome": "done", "existed": existed }),
                Err(error) => described_store_error(&error),
            },
            "move" => {
                let (to, key) = (stores::open(rest)?, key.clone());
                match self.store.run(move |from| move_record(from, &*to, &key)) {
                    Ok(existed) => json!({ "outcome": "done", "existed": existed }),
                    Err(error) => described_store_error(&error),
                }
            }
            _ => return Err(format!("no such command: {command}").into()),
        })
    }

    async fn sign_in(&self, response: &str) -> Result<Value, AnyError> {
        let headers = [("content-type", "application/json")];
        let response = HttpResponse::new(200, headers, response.as_bytes());
        let tokens = AccessTokenResponse::process_response(&response)?;
        let now = self.clock.unix_time();
        match self.session.save_login(&tokens, "offline_access read", now).await {
            Ok(record) => Ok(described_record(&record)),
            Err(LoginNotStored { error: Some(error), .. }) => Ok(described_store_error(&error)),
            Err(error) => Err(error.to_string().into()),
        }
    }

    async fn call(&self) -> Result<Value, AnyError> {
        let first = self.session.access_token().await;
        let Ok(token) = &first else { return Ok(described(&first)) };
        let rejected = &token.record.access_token;
        let status = self.status(rejected).await?;
        if status != 401 {
            return Ok(with_status(described(&first), status));
        }
        let second = self.session.access_token_other_than(rejected).await;
        let Ok(token) = &second else { return Ok(described(&second)) };
        Ok(with_status(described(&second), self.status(&token.record.access_token).await?))
    }

    async fn status(&self, access_token: &Secret) -> Result<u16, Error> {
        Ok(self.session.client().get_resource(&self.resource, access_token).await?.status())
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        SystemClock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        SystemClock.sleep_until(deadline)
    }

    fn unix_time(&self) -> UnixTime {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        UnixTime::from_seconds(text.trim().parse().unwrap_or_default())
    }
}

fn tell(answer: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{answer}")?;
    output.flush()
}

fn described(result: &Result<FreshToken, SessionError>) -> Value {
    match result {
        Ok(token) => json!({
            "outcome": "token",
            "generation": token.record.generation,
            "warning": token.warning.as_ref().map(ToString::to_string),
        }),
        Err(error) => json!({
            "outcome": match error {
                SessionError::LoginNeeded(_) => "login needed",
                SessionError::Refresh(_) => "refresh failed",
                SessionError::Postponed(_) => "postponed",
                SessionError::Store(_) => "store error",
                _ => "interrupted",
            },
            "message": error.to_string(),
        }),
    }
}

fn described_record(record: &TokenRecord) -> Value {
    let mut hash = DefaultHasher::new();
    record.access_token.expose().hash(&mut hash);
    record.refresh_token.as_ref().map(Secret::expose).hash(&mut hash);
    json!({
        "outcome": "record",
        "generation": record.generation,
        "access_token_length": record.access_token.expose().len(),
        "fingerprint": format!("{:016x}", hash.finish()),
    })
}

fn described_store_error(error: &StoreError) -> Value {
    json!({ "outcome": "store error", "message": error.to_string() })
}

fn with_status(mut answer: Value, status: u16) -> Value {
    answer["status"] = status.into();
    answer
}
