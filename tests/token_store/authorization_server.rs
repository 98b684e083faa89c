//! The authorization server of a trial, and what its journal says became of the login.

use std::fs;
use std::ops::Sub;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::{
    FaultGuard, FaultRule, FrozenClock, Mint, MockServer, RecordedRequest, Rotation, Timestamp,
};

use super::place::Place;

/// The life of an access token: to the next expiry the clock is moved by a little more.
pub(super) const LIFE: Duration = Duration::from_secs(3600);

/// A server whose clock stands still until it is moved, together with that of the workers of one place.
pub(super) struct AuthorizationServer {
    mock: MockServer,
    journal: Arc<Mutex<Vec<RecordedRequest>>>,
    _frozen: FrozenClock,
}

/// Requests in the journal, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    /// Refreshes that were answered with tokens, of a client's own tokens too.
    pub(super) refreshes: u64,
    /// Refreshes that were answered with `invalid_grant`.
    pub(super) invalid_grants: u64,
    /// Refreshes that were answered otherwise.
    pub(super) failed_refreshes: u64,
    /// Revocations.
    pub(super) revocations: u64,
    /// Uses of an access token that were answered with 200.
    pub(super) uses: u64,
}

impl AuthorizationServer {
    /// Revokes the login at the second use of a refresh token (RFC 9700 section 4.14.2).
    pub(super) fn strict(place: &Place) -> Self {
        Self::with_rotation(Rotation::On { grace: Duration::ZERO }, place)
    }

    /// Repeats its answer for a client that lost it.
    pub(super) fn with_grace(place: &Place) -> Self {
        Self::with_rotation(Rotation::On { grace: Duration::from_secs(60) }, place)
    }

    fn with_rotation(rotation: Rotation, place: &Place) -> Self {
        let journal = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&journal);
        let start = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
        let mock = MockServer::builder()
            .refresh_token_rotation(rotation)
            .start_time(start)
            .on_request(move |request| writer.lock().expect("the journal").push(request.clone()))
            .start_blocking()
            .expect("a port");
        let frozen = mock.freeze_clock();
        // Started in the middle of a second, it is set to a whole one.
        mock.set_clock(Timestamp::from_unix(Duration::from_secs(1_800_000_000)));
        place.set_clock(mock.now().unix_seconds());
        Self { mock, journal, _frozen: frozen }
    }

    pub(super) fn issuer(&self) -> &str {
        self.mock.issuer()
    }

    /// The members of an access token response, as after a login.
    pub(super) fn sign_in(&self) -> String {
        let mint = Mint::for_client("device").user("alice").scope("read offline_access").with_refresh_token();
        self.mock.mint(&mint).expect("a client and a user of its own").to_string()
    }

    /// Moves the server's clock, then the workers'.
    pub(super) fn advance(&self, place: &Place, duration: Duration) {
        self.mock.advance(duration);
        place.set_clock(self.mock.now().unix_seconds());
    }

    /// Lets the access token expire.
    pub(super) fn expire(&self, place: &Place) {
        self.advance(place, LIFE + Duration::from_secs(1));
    }

    pub(super) fn fault(&self, rule: FaultRule) -> FaultGuard {
        self.mock.fault(rule)
    }

    /// What clients did wrong by the rules of the RFCs, in words.
    pub(super) fn broken_rules(&self) -> Vec<String> {
        self.mock.verdicts().iter().map(ToString::to_string).collect()
    }

    pub(super) fn journal(&self) -> Journal {
        let mut counted = Journal::default();
        for request in self.journal.lock().expect("the journal").iter() {
            let is_refresh =
                matches!(request.grant_type.as_deref(), Some("refresh_token" | "client_credentials"));
            let count = match (request.path.as_str(), request.status, request.error.as_deref()) {
                ("/token", 200, _) if is_refresh => &mut counted.refreshes,
                ("/token", _, Some("invalid_grant")) if is_refresh => &mut counted.invalid_grants,
                ("/token", ..) if is_refresh => &mut counted.failed_refreshes,
                ("/revoke", ..) => &mut counted.revocations,
                ("/resource", 200, _) => &mut counted.uses,
                _ => continue,
            };
            *count += 1;
        }
        counted
    }

    /// Waits until the journal shows so many refreshes.
    pub(super) fn wait_for_refreshes(&self, refreshes: u64) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.journal().refreshes < refreshes {
            assert!(Instant::now() < deadline, "no refresh comes: {:?}", self.journal());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the server has done with every client that is gone: none of its connections is left whose other
    /// end is.
    pub(super) fn wait_until_idle(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while has_orphans(self.mock.port()) {
            assert!(Instant::now() < deadline, "the server keeps a connection to a client that is gone");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Sub for Journal {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            refreshes: self.refreshes - earlier.refreshes,
            invalid_grants: self.invalid_grants - earlier.invalid_grants,
            failed_refreshes: self.failed_refreshes - earlier.failed_refreshes,
            revocations: self.revocations - earlier.revocations,
            uses: self.uses - earlier.uses,
        }
    }
}

/// Whether a connection of the server on this port is open at its end alone.
fn has_orphans(port: u16) -> bool {
    const ESTABLISHED: &str = "01";
    const CLOSE_WAIT: &str = "08";
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux lists connections");
    let rows = || {
        table.lines().skip(1).filter_map(|line| {
            let mut columns = line.split_whitespace().skip(1);
            Some((columns.next()?, columns.next()?, columns.next()?))
        })
    };
    let own = format!("0100007F:{port:04X}");
    let clients: Vec<_> = rows()
        .filter(|(_, remote, state)| *remote == own && *state == ESTABLISHED)
        .map(|(local, ..)| local)
        .collect();
    rows().any(|(local, remote, state)| {
        local == own && [ESTABLISHED, CLOSE_WAIT].contains(&state) && !clients.contains(&remote)
    })
}
