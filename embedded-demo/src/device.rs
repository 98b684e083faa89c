//! The device from power on to a token that works, whatever it kept from before.

mod pause;
mod snapshot;
mod state;

use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::time::Duration;

use oauth_protocol::{
    AccessTokenResponse, DeviceCodeGrant, EndpointUrl, Error, ErrorCode, HttpResponse, Instant, PendingLogin,
    Secret, TransportFailure, WaitCause,
};
use zeroize::Zeroizing;

use crate::device_login::{Step, step};
use crate::{Client, Clock, KeptLogin, Screen, Storage, Transport, View};
use pause::{absence, pause_after};
use snapshot::Snapshot;
use state::{Refreshing, SignedIn, State};

/// A token is replaced so long before its end, or after three quarters of a life that is shorter than four times that.
const BEFORE_THE_END: Duration = Duration::from_secs(60);

/// A device with its four parts.
///
/// [`Device::poll`] does what there is to do now and says when it wants to be called again; a board sleeps until then,
/// as deeply as it likes. [`Device::access_token`] blocks in its place.
#[derive(Debug)]
pub struct Device<T, C, S, M> {
    client: Client,
    transport: T,
    clock: C,
    screen: S,
    storage: M,
    jitter_seed: u64,
    /// Logins in a row that came to no code.
    failed_starts: u32,
    state: State,
}

/// What a device is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// Nothing is to be done before this moment: sleep, then poll again.
    WaitUntil(Instant),
    /// There is an access token; poll again at this moment, where there is one, to have it replaced in time.
    SignedIn(Option<Instant>),
    /// The login has ended without a token, and the screen says why. A new one needs the person's hand
    /// ([`Device::start_again`], RFC 8628 §3.5).
    Ended,
}

/// Why there was no answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody is signed in: poll until somebody is.
    NotSignedIn,
    /// No whole answer came.
    Transport(TransportFailure),
}

impl<T: Transport, C: Clock, S: Screen, M: Storage> Device<T, C, S, M> {
    /// A device that was just switched on. `jitter_seed` is any number that differs from device to device.
    pub const fn new(
        client: Client,
        transport: T,
        clock: C,
        screen: S,
        storage: M,
        jitter_seed: u64,
    ) -> Self {
        Self {
            client,
            transport,
            clock,
            screen,
            storage,
            jitter_seed,
            failed_starts: 0,
            state: State::PowerOn,
        }
    }

    /// What the device is about, with its credentials, for memory that stays powered through a deep sleep and that only
    /// this device reads; `None` where it has nothing yet.
    ///
    /// Unlike the [`Storage`]'s record it has the access token and the moment of the next poll in it, and it costs no
    /// flash: take it before each sleep that the rest of the memory does not outlive, once [`Device::poll`] says wait.
    pub fn snapshot(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let now = self.clock.now();
        Some(self.state.snapshot(now)?.to_bytes())
    }

    /// The device as it was at its [`snapshot`](Device::snapshot), `elapsed` later; what is no snapshot is ignored, and
    /// the flash decides.
    ///
    /// A board that woke by its own timer knows `elapsed`. `None` where nothing counted: one full interval is waited
    /// until the next poll, to be spent awake, and an access token whose life is known counts as over.
    #[must_use]
    pub fn resume(mut self, snapshot: &[u8], elapsed: Option<Duration>) -> Self {
        let now = self.clock.now();
        self.state = match Snapshot::from_bytes(snapshot) {
            Some(Snapshot::Pending(pending)) => self.resumed_login(pending, elapsed, now),
            Some(Snapshot::Refreshing { refresh_token, wait, failures }) => {
                State::Refreshing(Refreshing::resumed(refresh_token, wait, failures, elapsed, now))
            }
            Some(Snapshot::SignedIn { access_token, refresh_token, replaced_in }) => {
                State::SignedIn(SignedIn::resumed(access_token, refresh_token, replaced_in, elapsed, now))
            }
            Some(Snapshot::Ended) => State::Ended,
            None => State::PowerOn,
        };
        self
    }

    /// Does what there is to do now; one exchange with the server at most.
    pub fn poll(&mut self) -> Progress {
        let now = self.clock.now();
        match &mut self.state {
            State::PowerOn => {
                self.power_on(now);
                Progress::WaitUntil(now)
            }
            State::LoggingIn { grant, .. } => {
                match step(grant, &mut self.transport, &mut self.clock, &mut self.screen) {
                    Step::Again => {
                        self.keep_codes();
                        Progress::WaitUntil(self.clock.now())
                    }
                    Step::WaitUntil(moment) => Progress::WaitUntil(moment),
                    Step::Finished(Ok(tokens)) => self.accept(*tokens),
                    Step::Finished(Err(error)) => self.end(&error, now),
                }
            }
            State::Alone { until } if now < *until => Progress::WaitUntil(*until),
            State::Alone { .. } => {
                self.log_in();
                Progress::WaitUntil(now)
            }
            State::Refreshing(refreshing) if now < refreshing.not_before => {
                Progress::WaitUntil(refreshing.not_before)
            }
            State::Refreshing(_) => self.refresh(),
            State::SignedIn(signed_in) => match signed_in.replaced_at {
                Some(moment) if now >= moment => {
                    self.replace(now);
                    Progress::WaitUntil(now)
                }
                moment => Progress::SignedIn(moment),
            },
            State::Ended => Progress::Ended,
        }
    }

    /// Blocks until there is a token. `None`: the login has ended without one.
    pub fn access_token(&mut self) -> Option<&Secret> {
        loop {
            match self.poll() {
                Progress::WaitUntil(moment) if moment > self.clock.now() => self.clock.sleep_until(moment),
                Progress::WaitUntil(_) => {}
                Progress::SignedIn(_) => break,
                Progress::Ended => return None,
            }
        }
        match &self.state {
            State::SignedIn(signed_in) => Some(&signed_in.access_token),
            _ => None,
        }
    }

    /// A `GET` of a resource that the token is meant for. After a 401 (RFC 6750 §3.1) the token is replaced at the next
    /// poll, and the call can be made again then.
    pub fn call(&mut self, resource: &EndpointUrl) -> Result<HttpResponse, CallError> {
        let State::SignedIn(signed_in) = &self.state else { return Err(CallError::NotSignedIn) };
        let request = self.client.authorization_scheme.get(resource, &signed_in.access_token);
        let response = self.transport.exchange(&request).map_err(CallError::Transport)?;
        if response.status() == 401 {
            let now = self.clock.now();
            self.replace(now);
        }
        Ok(response)
    }

    /// Begins anew, at the person's wish: after a login that ended, or to sign somebody else in.
    pub fn start_again(&mut self) {
        self.forget();
        self.failed_starts = 0;
        self.log_in();
    }

    /// The screen, the storage and the rest, for another use.
    pub fn into_parts(self) -> (T, C, S, M) {
        (self.transport, self.clock, self.screen, self.storage)
    }

    /// What the flash holds decides: noise, a record of another release and an empty flash are all a new device.
    #[inline(never)] // As `accept`.
    fn power_on(&mut self, now: Instant) {
        let kept = match self.storage.load() {
            Ok(record) => record.and_then(|record| KeptLogin::from_bytes(&record)),
            Err(error) => {
                self.screen.show(&View::NotStored { cause: &error.to_string() });
                None
            }
        };
        match kept {
            Some(KeptLogin::RefreshToken(refresh_token)) => {
                self.state = State::Refreshing(Refreshing::due(refresh_token, now));
            }
            Some(KeptLogin::Pending(pending)) => {
                // Nobody knows how long the power was off.
                self.state = self.resumed_login(pending, None, now);
            }
            None => self.log_in(),
        }
    }

    fn resumed_login(&self, pending: PendingLogin, elapsed: Option<Duration>, now: Instant) -> State {
        let request = self.client.device_code_request();
        let grant = DeviceCodeGrant::resume(request, self.client.polling_policy, pending, elapsed, now);
        let kept_interval = grant.interval();
        State::LoggingIn { grant: Box::new(grant), kept_interval }
    }

    #[inline(never)] // As `accept`.
    fn log_in(&mut self) {
        // Two logins in a row do not wait alike.
        self.jitter_seed = self.jitter_seed.wrapping_add(1);
        self.screen.show(&View::Connecting { retrying: None });
        let grant = Box::new(self.client.login(self.jitter_seed));
        self.state = State::LoggingIn { grant, kept_interval: None };
    }

    /// A login ends with a decision, the code, or a mistake. Where nobody was there to ask, nobody has to come: after a
    /// power cut the device is often up before its router.
    fn end(&mut self, error: &Error, now: Instant) -> Progress {
        let has_codes = matches!(self.state, State::LoggingIn { kept_interval: Some(_), .. });
        let cause = if has_codes { None } else { absence(error) };
        let Some(cause) = cause else {
            self.screen.show(&View::Failed(error));
            self.forget();
            self.state = State::Ended;
            return Progress::Ended;
        };
        self.screen.show(&View::Connecting { retrying: Some(&cause) });
        let until = now.saturating_add(pause_after(self.failed_starts, error));
        self.failed_starts = self.failed_starts.saturating_add(1);
        self.state = State::Alone { until };
        Progress::WaitUntil(until)
    }

    /// The codes outlive a reset as soon as they are there, and a slower pace does.
    fn keep_codes(&mut self) {
        let now = self.clock.now();
        let State::LoggingIn { grant, kept_interval } = &mut self.state else { return };
        let Some(interval) = grant.interval() else { return };
        let is_waiting = !matches!(grant.wait_cause(), None | Some(WaitCause::Retrying { .. }));
        if *kept_interval != Some(interval)
            && is_waiting
            && let Some(pending) = grant.snapshot(now)
        {
            *kept_interval = Some(interval);
            self.failed_starts = 0;
            self.keep(&KeptLogin::Pending(pending));
        }
    }

    /// The refresh token is stored before the access token is used: it may be the only one that is left.
    #[inline(never)] // The stack of what is rare is not to be everybody's.
    fn accept(&mut self, tokens: AccessTokenResponse) -> Progress {
        let now = self.clock.now();
        match &tokens.refresh_token {
            Some(refresh_token) => self.keep(&KeptLogin::RefreshToken(refresh_token.clone())),
            None => self.forget(),
        }
        let replaced_at = tokens.expires_in.map(|life| {
            let used = life.saturating_sub(BEFORE_THE_END).max(life.saturating_mul(3) / 4);
            now.saturating_add(used)
        });
        self.screen.show(&View::Done { expires_in: tokens.expires_in });
        let AccessTokenResponse { access_token, refresh_token, .. } = tokens;
        self.state = State::SignedIn(SignedIn { access_token, refresh_token, replaced_at });
        Progress::SignedIn(replaced_at)
    }

    /// A refresh where that is possible, else a new login.
    fn replace(&mut self, now: Instant) {
        let State::SignedIn(signed_in) = &self.state else { return };
        match signed_in.refresh_token.clone() {
            Some(refresh_token) => {
                self.state = State::Refreshing(Refreshing::due(refresh_token, now));
            }
            None => self.start_again(),
        }
    }

    /// Only `invalid_grant` says that the login is over (RFC 6749 §5.2); whatever else happens, the token stays.
    #[inline(never)] // As `accept`.
    fn refresh(&mut self) -> Progress {
        let State::Refreshing(refreshing) = &self.state else { return Progress::Ended };
        self.screen.show(&View::Refreshing { problem: None });
        let request = self.client.refresh(refreshing.refresh_token.clone());
        let result = match self.transport.exchange(&request.request()) {
            Ok(response) => request.process_response(&response),
            Err(failure) => Err(Error::Transport(failure)),
        };
        match result {
            Ok(tokens) => self.accept(tokens),
            Err(Error::Refused(refusal)) if refusal.error == ErrorCode::InvalidGrant => {
                self.start_again();
                Progress::WaitUntil(self.clock.now())
            }
            Err(error) => self.pause(&error),
        }
    }

    fn pause(&mut self, error: &Error) -> Progress {
        self.screen.show(&View::Refreshing { problem: Some(error) });
        let now = self.clock.now();
        let State::Refreshing(refreshing) = &mut self.state else { return Progress::Ended };
        refreshing.not_before = now.saturating_add(pause_after(refreshing.failures, error));
        refreshing.failures = refreshing.failures.saturating_add(1);
        Progress::WaitUntil(refreshing.not_before)
    }

    fn keep(&mut self, login: &KeptLogin) {
        if let Err(error) = self.storage.save(&login.to_bytes()) {
            self.screen.show(&View::NotStored { cause: &error.to_string() });
        }
    }

    fn forget(&mut self) {
        if let Err(error) = self.storage.erase() {
            self.screen.show(&View::NotStored { cause: &error.to_string() });
        }
    }
}
