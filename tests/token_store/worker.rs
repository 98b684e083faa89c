//! A process that keeps a login (`token_store_worker`), as the test that started it sees it.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::authorization_server::AuthorizationServer;
use super::place::Place;
use crate::json_lines::{Ended, JsonLines};

/// A running worker. Dropping it kills it.
pub(super) struct Worker {
    process: JsonLines,
    store_thread: u32,
}

/// What a worker says of itself: to be held against the journal.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer(Value);

/// What a worker is started with.
#[derive(Clone, Debug)]
pub(super) struct Arguments(Vec<String>);

impl Arguments {
    pub(super) fn new(store: impl Into<String>, server: &AuthorizationServer, place: &Place) -> Self {
        Self(vec![store.into(), server.issuer().to_owned(), place.clock().display().to_string()])
    }

    /// Refreshes go to this URL.
    pub(super) fn with_token_endpoint(mut self, url: String) -> Self {
        self.0.extend(["--token-endpoint".to_owned(), url]);
        self
    }

    /// Nobody signs in: the client has tokens of its own (RFC 6749 section 4.4).
    pub(super) fn for_the_client_itself(mut self) -> Self {
        self.0.push("--client-credentials".to_owned());
        self
    }

    pub(super) fn as_args(&self) -> &[String] {
        &self.0
    }

    /// The worker itself, to be started.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.args(&self.0);
        command
    }

    /// The worker under another program, which starts what follows its own arguments.
    pub(super) fn command_under<S: AsRef<OsStr>>(&self, wrapper: impl IntoIterator<Item = S>) -> Command {
        let mut wrapper = wrapper.into_iter();
        let mut command = Command::new(wrapper.next().expect("a program"));
        command.args(wrapper).arg(program()).args(&self.0);
        command
    }

    pub(super) fn start(&self) -> Worker {
        Worker::start(&mut self.command())
    }
}

impl Worker {
    /// Starts it and waits until it listens.
    pub(super) fn start(command: &mut Command) -> Self {
        let mut process = JsonLines::start(command);
        let ready = process.receive();
        let store_thread = ready["store_thread"].as_u64().and_then(|id| id.try_into().ok());
        Self { process, store_thread: store_thread.unwrap_or_else(|| panic!("{ready}")) }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The thread that makes all system calls of its store.
    pub(super) fn store_thread(&self) -> u32 {
        self.store_thread
    }

    /// Gives a command, and does not wait.
    pub(super) fn tell(&mut self, command: &str) {
        self.process.send(command);
    }

    /// What it answers next.
    pub(super) fn answer(&mut self) -> Answer {
        Answer(self.process.receive())
    }

    /// What it answers next; `None` if it ends instead.
    pub(super) fn try_answer(&mut self) -> Option<Answer> {
        self.process.receive_unless_ended().map(Answer)
    }

    /// Whether it says nothing for so long.
    pub(super) fn is_silent_for(&mut self, duration: Duration) -> bool {
        self.process.is_silent_for(duration)
    }

    /// Gives a command and waits for the answer.
    pub(super) fn ask(&mut self, command: &str) -> Answer {
        self.tell(command);
        self.answer()
    }

    /// kill -9, and gone when this returns.
    pub(super) fn kill(self) {
        drop(self.process);
    }

    /// Tells it that nothing more comes, and waits for its end.
    pub(super) fn end(self) -> Ended {
        self.process.end()
    }
}

impl Answer {
    pub(super) fn outcome(&self) -> &str {
        self.0["outcome"].as_str().unwrap_or_default()
    }

    pub(super) fn message(&self) -> &str {
        self.0["message"].as_str().unwrap_or_default()
    }

    pub(super) fn warning(&self) -> Option<&str> {
        self.0["warning"].as_str()
    }

    pub(super) fn generation(&self) -> Option<u64> {
        self.0["generation"].as_u64()
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.0[name].as_u64()
    }

    /// Whether it had a token, and the resource server took it.
    pub(super) fn is_served(&self) -> bool {
        self.outcome() == "token" && self.0["status"] == 200
    }

    pub(super) fn is_login_needed(&self) -> bool {
        self.outcome() == "login needed"
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Cargo builds it with the tests.
pub(super) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples/token_store_worker");
    assert!(program.exists(), "{} is missing: cargo test without --test builds it", program.display());
    program
}
