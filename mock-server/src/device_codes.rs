//! Device codes and user codes: RFC 8628 sections 3.2, 3.5, 5.2 and 6.1.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clients::Client;
use crate::clock::Timestamp;
use crate::login_script::LoginScript;
use crate::login_timeline::{LoginEvent, LoginTimeline};
use crate::person::Person;
use crate::profiles::UserCodeFormat;
use crate::randomness::Randomness;
use crate::scope::Scope;
use crate::verdicts::PollingConduct;

/// How long an expired code is still answered with `expired_token`, before it is forgotten.
const REMEMBERED_AFTER_EXPIRY: Duration = Duration::from_secs(60 * 60);

/// More waiting logins than any test has; past it the endpoint says `temporarily_unavailable`.
const CAPACITY: usize = 20_000;

/// So many of the latest logins tell what happened to them.
const TIMELINES: usize = 50;

/// "the interval MUST be increased by 5 seconds for this and all subsequent requests" (section 3.5).
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// One device login from its request to its end.
#[derive(Deserialize, Serialize)]
pub(crate) struct DeviceLogin {
    pub(crate) user_code: String,
    pub(crate) client: Arc<Client>,
    pub(crate) scope: Scope,
    pub(crate) requested_at: Timestamp,
    pub(crate) requested_from: IpAddr,
    pub(crate) expires_at: Timestamp,
    pub(crate) decision: Decision,
    /// Who approved it.
    pub(crate) person: Option<Arc<Person>>,
    required_gap: Duration,
    last_poll: Option<Timestamp>,
    pub(crate) pending_answers: u32,
    /// What its next polls meet; as long as the server runs.
    #[serde(skip, default = "LoginScript::empty")]
    pub(crate) script: LoginScript,
    /// How the device polls, for the verdicts; as long as the server runs.
    #[serde(skip, default = "nothing_known")]
    pub(crate) conduct: PollingConduct,
    /// What happened to it, for the page that shows it; as long as the server runs.
    #[serde(skip, default = "nothing_happened")]
    pub(crate) timeline: LoginTimeline,
}

/// What the person at the verification page said, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Decision {
    Pending,
    Approved,
    Denied,
    /// The device has its tokens; the code is spent.
    Redeemed,
}

/// Whether a poll came too soon, and after how long.
pub(crate) struct Poll {
    pub(crate) gap: Option<Duration>,
    pub(crate) too_fast: bool,
    /// What the device has to wait from now on.
    pub(crate) required_gap: Duration,
}

impl DeviceLogin {
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Whether a person can still decide.
    pub(crate) fn is_pending(&self, now: Timestamp) -> bool {
        self.decision == Decision::Pending && !self.is_expired(now)
    }

    /// Lets the device in, as `person`.
    pub(crate) fn approve(&mut self, now: Timestamp, person: Arc<Person>) {
        self.decision = Decision::Approved;
        self.timeline.note(now, LoginEvent::Approved { subject: person.subject.clone() });
        self.person = Some(person);
    }

    /// Keeps the device out.
    pub(crate) fn deny(&mut self, now: Timestamp) {
        self.decision = Decision::Denied;
        self.timeline.note(now, LoginEvent::Denied);
    }

    /// Lets the codes expire, if they have not.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        if !self.is_expired(now) {
            self.expires_at = now;
            self.timeline.note(now, LoginEvent::Expired);
        }
    }

    /// Whether time alone will still change what becomes of it.
    pub(crate) fn is_running_out(&self, now: Timestamp) -> bool {
        matches!(self.decision, Decision::Pending | Decision::Approved) && !self.is_expired(now)
    }

    /// How long ago the device asked, for a person.
    pub(crate) fn age_in_words(&self, now: Timestamp) -> String {
        match now.since(self.requested_at).as_secs() {
            0..10 => "just now".to_owned(),
            seconds @ 10..120 => format!("{seconds} seconds ago"),
            seconds => format!("{} minutes ago", seconds / 60),
        }
    }

    /// Notes a poll. Only a poll that comes too soon makes the required gap grow.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Poll {
        let gap = self.last_poll.replace(now).map(|last| now.since(last));
        let too_fast = gap.is_some_and(|gap| gap < self.required_gap);
        Poll { gap, too_fast, required_gap: self.required_gap }
    }

    /// What the device has to wait between two polls.
    pub(crate) fn required_gap(&self) -> Duration {
        self.required_gap
    }

    /// What `slow_down` does to this and all subsequent requests.
    pub(crate) fn slow_down(&mut self) {
        self.required_gap = self.required_gap.saturating_add(SLOW_DOWN_STEP);
    }
}

const EPOCH: Timestamp = Timestamp::from_unix(Duration::ZERO);

fn nothing_known() -> PollingConduct {
    PollingConduct::new(EPOCH, Duration::ZERO, Duration::ZERO)
}

fn nothing_happened() -> LoginTimeline {
    LoginTimeline::new(EPOCH)
}

/// All device logins, found by either code.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct DeviceCodes {
    by_device_code: HashMap<String, DeviceLogin>,
    /// Keys are user codes as [`normalise`] leaves them.
    by_user_code: HashMap<String, String>,
    oldest_first: VecDeque<String>,
    /// Whether any login came with a script: without one no poll looks for it.
    #[serde(skip)]
    pub(crate) have_scripts: bool,
}

/// The table of waiting logins is full.
pub(crate) struct Full;

impl DeviceCodes {
    /// Makes a fresh pair of codes and returns the `device_code` with the login.
    pub(crate) fn issue(
        &mut self,
        now: Timestamp,
        randomness: &mut Randomness,
        format: UserCodeFormat,
        request: NewDeviceLogin,
    ) -> Result<(String, &DeviceLogin), Full> {
        self.forget_long_expired(now);
        if self.by_device_code.len() >= CAPACITY {
            return Err(Full);
        }
        let user_code = loop {
            let candidate = format.generate(randomness);
            if !self.by_user_code.contains_key(&normalise(&candidate)) {
                break candidate;
            }
        };
        let device_code = randomness.token();
        self.by_user_code.insert(normalise(&user_code), device_code.clone());
        self.oldest_first.push_back(device_code.clone());
        self.have_scripts |= !request.script.is_empty();
        let shown_no_more = self.oldest_first.len().checked_sub(TIMELINES + 1);
        if let Some(code) = shown_no_more.and_then(|at| self.oldest_first.get(at))
            && let Some(login) = self.by_device_code.get_mut(code)
        {
            login.timeline.forget();
        }
        let login = DeviceLogin {
            user_code,
            client: request.client,
            scope: request.scope,
            requested_at: now,
            requested_from: request.requested_from,
            expires_at: now + request.lifetime,
            decision: Decision::Pending,
            person: None,
            required_gap: request.interval,
            last_poll: None,
            pending_answers: 0,
            script: request.script,
            conduct: PollingConduct::new(now, request.interval, request.lifetime),
            timeline: LoginTimeline::new(now),
        };
        Ok((device_code.clone(), self.by_device_code.entry(device_code).or_insert(login)))
    }

    /// After a restart: what was not kept begins anew.
    pub(crate) fn go_on(&mut self) {
        for login in self.by_device_code.values_mut() {
            let lifetime = login.expires_at.since(login.requested_at);
            login.conduct = PollingConduct::new(login.requested_at, login.required_gap, lifetime);
            login.timeline = LoginTimeline::new(login.requested_at);
        }
    }

    pub(crate) fn by_device_code(&mut self, device_code: &str) -> Option<&mut DeviceLogin> {
        self.by_device_code.get_mut(device_code)
    }

    /// Finds the login that a person means by what they typed.
    pub(crate) fn by_typed_code(&mut self, typed: &str) -> Option<&mut DeviceLogin> {
        self.by_device_code.get_mut(self.by_user_code.get(&normalise(typed))?)
    }

    /// Logins that wait for a person, oldest first.
    pub(crate) fn pending(&self, now: Timestamp) -> impl Iterator<Item = &DeviceLogin> {
        let logins = self.oldest_first.iter().filter_map(|code| self.by_device_code.get(code));
        logins.filter(move |login| login.is_pending(now))
    }

    /// The latest logins, newest first, with whatever became of them.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &DeviceLogin> {
        let logins = self.oldest_first.iter().rev().filter_map(|code| self.by_device_code.get(code));
        logins.take(TIMELINES)
    }

    /// When the next code expires that still could be used.
    pub(crate) fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        let running_out = self.by_device_code.values().filter(|login| login.is_running_out(now));
        running_out.map(|login| login.expires_at).min()
    }

    /// The oldest login that waits for a person.
    pub(crate) fn next_pending(&mut self, now: Timestamp) -> Option<&mut DeviceLogin> {
        let waits =
            |code: &&String| self.by_device_code.get(*code).is_some_and(|login| login.is_pending(now));
        let code = self.oldest_first.iter().find(waits)?;
        self.by_device_code.get_mut(code)
    }

    fn forget_long_expired(&mut self, now: Timestamp) {
        while let Some(oldest) = self.oldest_first.front() {
            if let Some(login) = self.by_device_code.get(oldest) {
                if now < login.expires_at + REMEMBERED_AFTER_EXPIRY {
                    return;
                }
                self.by_user_code.remove(&normalise(&login.user_code));
                self.by_device_code.remove(oldest);
            }
            self.oldest_first.pop_front();
        }
    }
}

/// What a device authorization request asks for.
pub(crate) struct NewDeviceLogin {
    pub(crate) client: Arc<Client>,
    pub(crate) scope: Scope,
    pub(crate) requested_from: IpAddr,
    pub(crate) lifetime: Duration,
    pub(crate) interval: Duration,
    pub(crate) script: LoginScript,
}

/// "stripping [...] characters such as punctuation" and case from what was typed (section 6.1).
fn normalise(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}
