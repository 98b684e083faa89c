//! What a crash in the middle of a refresh did to a login: judged by the server's journal and by what the store holds.

use super::authorization_server::{AuthorizationServer, Journal};
use super::place::Place;
use super::worker::{Answer, Arguments, Worker};

/// A login that a process refreshes until it crashes, and another that looks what is left.
pub(super) struct Login<'a> {
    place: &'a Place,
    server: &'a AuthorizationServer,
    /// Whether the server repeats its answer for a client that lost it.
    grace: bool,
    witness: Worker,
    generation: u64,
    before: Journal,
}

/// What a crash came to, where it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Aftermath {
    /// The server had exchanged nothing.
    NothingSent,
    /// The new tokens were in place.
    Stored,
    /// There was one refresh in all, the crashed process's or the other's.
    RefreshedOnce,
    /// The server had exchanged the refresh token, our rename never came, and it repeated its answer.
    Recovered,
    /// The same at a server that repeats nothing: one clean "login needed".
    Lost,
}

/// How many crashes came to what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) nothing_sent: u32,
    pub(super) stored: u32,
    pub(super) refreshed_once: u32,
    pub(super) recovered: u32,
    pub(super) lost: u32,
}

impl<'a> Login<'a> {
    pub(super) fn new(
        place: &'a Place,
        server: &'a AuthorizationServer,
        arguments: &Arguments,
        grace: bool,
    ) -> Self {
        let mut login = Self {
            place,
            server,
            grace,
            witness: arguments.start(),
            generation: 0,
            before: server.journal(),
        };
        login.sign_in();
        login
    }

    /// The other process, to take part in the race.
    pub(super) fn witness(&mut self) -> &mut Worker {
        &mut self.witness
    }

    /// Lets the access token expire and remembers how things stand.
    pub(super) fn expire(&mut self) {
        self.server.expire(self.place);
        self.before = self.server.journal();
    }

    /// Judges a crash while nobody else was at it.
    pub(super) fn judge(&mut self) -> Result<Aftermath, String> {
        self.server.wait_until_idle();
        let crashed = self.server.journal() - self.before;
        let left = self.witness.ask("load");
        let Some(generation) = left.generation() else {
            return Err(format!("the record is not there or not whole: {left:?}"));
        };
        let first = self.witness.ask("call");
        let aftermath = match (crashed.refreshes, generation.checked_sub(self.generation)) {
            (0, Some(0)) => self.expect_token(&first, 1, 1, Aftermath::NothingSent),
            (1, Some(1)) => self.expect_token(&first, 1, 1, Aftermath::Stored),
            (1, Some(0)) if self.grace => self.expect_token(&first, 1, 2, Aftermath::Recovered),
            (1, Some(0)) => self.expect_loss(&first),
            (refreshes, _) => Err(format!(
                "{refreshes} refreshes at the server, and generation {} became {generation}",
                self.generation
            )),
        };
        self.finish(aftermath)
    }

    /// Judges a crash while the other process was at it too, whose answer this is.
    pub(super) fn judge_race(&mut self, answer: &Answer) -> Result<Aftermath, String> {
        self.server.wait_until_idle();
        let total = self.server.journal() - self.before;
        let aftermath = match (total.refreshes, total.invalid_grants) {
            (1, 0) => self.expect_token(answer, 1, 1, Aftermath::RefreshedOnce),
            (2, 0) if self.grace => self.expect_token(answer, 1, 2, Aftermath::Recovered),
            (1, 1) if !self.grace => self.expect_loss(answer),
            _ => Err(format!("the server saw {total:?}, the other process said {answer:?}")),
        };
        self.finish(aftermath)
    }

    /// The token that follows is so many generations on, after so many refreshes in all since the crash began.
    fn expect_token(
        &self,
        answer: &Answer,
        generations: u64,
        refreshes: u64,
        aftermath: Aftermath,
    ) -> Result<Aftermath, String> {
        let seen = self.server.journal() - self.before;
        let as_expected = answer.is_served()
            && answer.generation() == Some(self.generation + generations)
            && answer.warning().is_none()
            && (seen.refreshes, seen.invalid_grants, seen.failed_refreshes) == (refreshes, 0, 0);
        if as_expected {
            Ok(aftermath)
        } else {
            Err(format!("{aftermath:?}, but then {answer:?} with {seen:?}"))
        }
    }

    /// One process hears it from the server, all others from the record, and that is still the old one.
    fn expect_loss(&mut self, answer: &Answer) -> Result<Aftermath, String> {
        let again = self.witness.ask("call");
        let left = self.witness.ask("load");
        let seen = self.server.journal() - self.before;
        let is_clean = answer.is_login_needed()
            && again.is_login_needed()
            && left.generation() == Some(self.generation)
            && (seen.refreshes, seen.invalid_grants, seen.failed_refreshes) == (1, 1, 0);
        if is_clean {
            Ok(Aftermath::Lost)
        } else {
            Err(format!("no clean \"login needed\": {answer:?}, {again:?}, {left:?} with {seen:?}"))
        }
    }

    /// Nothing may lie about that is not the record and its lock; after a loss the person signs in again.
    fn finish(&mut self, aftermath: Result<Aftermath, String>) -> Result<Aftermath, String> {
        let aftermath = aftermath?;
        if aftermath == Aftermath::Lost {
            self.sign_in();
        } else {
            self.generation += 1;
        }
        let names = self.place.names();
        if names.iter().any(|name| is_left_behind(name)) {
            Err(format!("left behind: {names:?}"))
        } else {
            Ok(aftermath)
        }
    }

    fn sign_in(&mut self) {
        let record = self.witness.ask(&format!("sign-in {}", self.server.sign_in()));
        self.generation = record.generation().unwrap_or_else(|| panic!("{record:?}"));
    }
}

/// Whether a file of this name is neither a record nor its lock.
pub(super) fn is_left_behind(name: &str) -> bool {
    name.starts_with("tmp.") || name.contains(".corrupt-") || name.contains(".no-key-")
}

impl Tally {
    pub(super) fn count(&mut self, aftermath: Aftermath) {
        *match aftermath {
            Aftermath::NothingSent => &mut self.nothing_sent,
            Aftermath::Stored => &mut self.stored,
            Aftermath::RefreshedOnce => &mut self.refreshed_once,
            Aftermath::Recovered => &mut self.recovered,
            Aftermath::Lost => &mut self.lost,
        } += 1;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { nothing_sent, stored, refreshed_once, recovered, lost } = self;
        let all = nothing_sent + stored + refreshed_once + recovered + lost;
        write!(formatter, "{all} crashes: {nothing_sent} before the server, {stored} stored, ")?;
        if *refreshed_once > 0 {
            write!(formatter, "{refreshed_once} in a race with one refresh, ")?;
        }
        write!(
            formatter,
            "{recovered} between and recovered, {lost} between and \"login needed\"; 0 torn or unreadable files"
        )
    }
}
