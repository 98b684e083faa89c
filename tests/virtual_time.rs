//! A clock that does not sleep: it moves the server's clock and its own together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mock_server::{FrozenClock, MockServer, RecordedRequest};
use oauth_client::token_store::UnixTime;
use oauth_client::{BoxFuture, Client, ClientBuilder, Clock, Instant, PollingPolicy};

/// One server and the time that it shares with its clients.
#[derive(Clone)]
pub(crate) struct VirtualTime {
    server: Arc<MockServer>,
    client_millis: Arc<AtomicU64>,
    fast_by_percent: u32,
    /// However long a busy machine takes, no time passes but what a test lets pass.
    _server_clock_stands_still: Arc<FrozenClock>,
}

impl VirtualTime {
    pub(crate) fn of(server: &Arc<MockServer>) -> Self {
        // Far from zero: no moment is special.
        Self {
            server: Arc::clone(server),
            client_millis: Arc::new(AtomicU64::new(86_400_000)),
            fast_by_percent: 0,
            _server_clock_stands_still: Arc::new(server.freeze_clock()),
        }
    }

    /// The client believes that more time has passed than has, as on many a virtual machine.
    pub(crate) fn with_client_clock_fast_by_percent(self, fast_by_percent: u32) -> Self {
        Self { fast_by_percent, ..self }
    }

    /// The public client `device`, which keeps exactly to the interval: the server sees any wait that is too short.
    pub(crate) fn client(&self) -> ClientBuilder {
        let issuer = self.server.issuer();
        Client::builder("device")
            .issuer(issuer)
            .resource_origin(issuer)
            .clock(self.clone())
            .polling_policy(PollingPolicy::with_margin(0, 0))
    }

    /// Lets time pass for the server and its clients, `duration` long by the clients' clock.
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).expect("a test of less than ages");
        self.server.advance(duration * 100 / (100 + self.fast_by_percent));
        self.client_millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for VirtualTime {
    fn now(&self) -> Instant {
        Instant::from_millis(self.client_millis.load(Ordering::SeqCst))
    }

    fn unix_time(&self) -> UnixTime {
        UnixTime::from_seconds(1_700_000_000 + self.client_millis.load(Ordering::SeqCst) / 1000)
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.advance(deadline.saturating_duration_since(self.now()));
            tokio::task::yield_now().await;
        })
    }
}

/// What came to the token endpoint, oldest first.
pub(crate) fn polls(server: &MockServer) -> Vec<RecordedRequest> {
    server.requests().into_iter().filter(|request| request.path == "/token").collect()
}

/// The times from the device authorization request to the first poll, and from each poll to the next, as the server
/// saw them; requests that it answered with a fault count.
pub(crate) fn gaps(server: &MockServer) -> Vec<Duration> {
    let requests = server.requests();
    let of_the_login = ["/device-authorization", "/token"];
    let times: Vec<Duration> = requests
        .iter()
        .filter(|request| of_the_login.contains(&request.path.as_str()))
        .map(|request| request.at)
        .collect();
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
}
