//! A clock that jumps where others sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oauth_client::token_store::UnixTime;
use oauth_client::{BoxFuture, Clock, Instant};

/// Begins far from zero, so that nothing passes because of a zero.
#[derive(Clone)]
pub(crate) struct VirtualClock {
    millis: Arc<AtomicU64>,
    /// The time of day in which it began, in seconds since 1970.
    began_at: u64,
}

const BEGINNING: u64 = 1_000_000_000;

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self::at(1_600_000_000)
    }

    /// Begins at this time of day, in seconds since 1970.
    pub(crate) fn at(began_at: u64) -> Self {
        Self { millis: Arc::new(AtomicU64::new(BEGINNING)), began_at }
    }

    pub(crate) fn millis(&self) -> u64 {
        self.millis.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.millis.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.millis())
    }

    fn unix_time(&self) -> UnixTime {
        UnixTime::from_seconds(self.began_at + (self.millis() - BEGINNING) / 1000)
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.advance(deadline.saturating_duration_since(self.now()));
            tokio::task::yield_now().await;
        })
    }
}
