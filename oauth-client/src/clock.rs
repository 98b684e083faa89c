//! The clock that decides when to poll and when to refresh.

use std::pin::Pin;
use std::time::Duration;

use oauth_protocol::Instant;
use oauth_token_store::UnixTime;

/// A future that can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reads the time and sleeps. Replace it to test with virtual time.
pub trait Clock: Send + Sync {
    /// The time now. It should go on while the machine is suspended, and never back.
    fn now(&self) -> Instant;

    /// Ends at `deadline` or earlier: the caller reads the clock again.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()>;

    /// The time of day, which says when a token expires; it may be set and go back.
    fn unix_time(&self) -> UnixTime {
        UnixTime::now()
    }
}

/// The machine's own clock: `CLOCK_BOOTTIME` on Linux, which counts through suspend.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Timers stand still while the machine is suspended; a short nap notices the clock's jump soon after.
const LONGEST_NAP: Duration = Duration::from_secs(5);

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_millis(system_millis())
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        let left = deadline.saturating_duration_since(self.now());
        Box::pin(tokio::time::sleep(left.min(LONGEST_NAP)))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn system_millis() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(millis)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn system_millis() -> u64 {
    use std::sync::LazyLock;
    static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}
