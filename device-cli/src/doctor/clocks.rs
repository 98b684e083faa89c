//! This machine's clocks: how long it runs, how long it slept, and whether they go equally fast.

use std::time::{Duration, Instant, SystemTime};

use crate::doctor::finding::Finding;

/// So long at least they are watched: a clock that runs 5 % fast is 10 ms ahead then.
const WATCH: Duration = Duration::from_millis(200);
/// What counts as one moment, and how often it is tried to read both clocks in one.
const SAME_MOMENT: Duration = Duration::from_millis(1);
const TRIES: usize = 20;
/// What two clocks may differ by, of the time they were watched. Virtual machines are off by 5 to 30 %.
const TOLERANCE_PERCENT: u128 = 4;

/// Two clocks, read at the same moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    monotonic: Instant,
    wall: SystemTime,
}

impl Clocks {
    pub(super) fn start() -> Self {
        let mut clocks = Self { monotonic: Instant::now(), wall: SystemTime::now() };
        // On a busy machine this process may stand still between the two.
        for _ in 0..TRIES {
            if clocks.monotonic.elapsed() < SAME_MOMENT {
                break;
            }
            clocks = Self { monotonic: Instant::now(), wall: SystemTime::now() };
        }
        clocks
    }

    pub(super) async fn stop(self) -> Vec<Finding> {
        tokio::time::sleep(WATCH.saturating_sub(self.monotonic.elapsed())).await;
        let now = Self::start();
        // Negative where the wall clock was set back.
        let by_wall = now.wall.duration_since(self.wall).ok();
        let mut findings = vec![drift(now.monotonic.duration_since(self.monotonic), by_wall)];
        findings.extend(uptime());
        findings
    }
}

fn drift(by_monotonic: Duration, by_wall: Option<Duration>) -> Finding {
    let (monotonic, wall) = (by_monotonic.as_millis(), by_wall.map(|by_wall| by_wall.as_millis()));
    let difference = wall.map(|wall| wall.abs_diff(monotonic));
    match difference {
        Some(difference) if difference * 100 <= monotonic * TOLERANCE_PERCENT => {
            Finding::ok("drift", format!("the clocks went equally fast for {monotonic} ms"))
        }
        _ => {
            let went = match wall {
                Some(wall) => format!("went on by {wall} ms"),
                None => "went back".to_owned(),
            };
            let told =
                format!("the wall clock {went} while {monotonic} ms passed: it is being set, or runs wrong");
            Finding::note("drift", told).mended_by(SET_THE_CLOCK)
        }
    }
}

/// What sets a clock.
pub(super) const SET_THE_CLOCK: &str =
    "sudo timedatectl set-ntp true (WSL: sudo hwclock --hctosys; a container has the clock of its host)";

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn uptime() -> Option<Finding> {
    use rustix::time::{ClockId, clock_gettime};
    let seconds = |clock| u64::try_from(clock_gettime(clock).tv_sec).unwrap_or(0);
    let (with_sleep, awake) = (seconds(ClockId::Boottime), seconds(ClockId::Monotonic));
    Some(uptime_of(Duration::from_secs(with_sleep), Duration::from_secs(awake)))
}

/// Elsewhere no clock tells.
#[cfg(not(target_os = "linux"))]
const fn uptime() -> Option<Finding> {
    None
}

#[cfg(any(target_os = "linux", test))]
fn uptime_of(with_sleep: Duration, awake: Duration) -> Finding {
    let told = format!("this machine has been up for {}", roughly(with_sleep));
    match with_sleep.saturating_sub(awake) {
        slept if slept < Duration::from_secs(2) => Finding::ok("uptime", format!("{told}, never suspended")),
        slept => Finding::ok(
            "uptime",
            format!("{told}, suspended for {} of it: waits go by a clock that counts this", roughly(slept)),
        ),
    }
}

/// "3 days", "2 hours", "5 minutes", "40 seconds".
pub(super) fn roughly(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (number, unit) = match seconds {
        172_800.. => (seconds / 86_400, "day"),
        7_200.. => (seconds / 3_600, "hour"),
        120.. => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{drift, roughly, uptime_of};
    use crate::doctor::finding::Verdict;

    #[test]
    fn clocks_that_differ_by_more_than_four_percent_are_told() {
        let drift = |wall| drift(Duration::from_secs(1), wall).verdict;
        for (wall, verdict) in [
            (1000, Verdict::Ok),
            (1040, Verdict::Ok),
            (960, Verdict::Ok),
            (1050, Verdict::Note),
            (700, Verdict::Note),
        ] {
            assert_eq!(drift(Some(Duration::from_millis(wall))), verdict, "{wall}");
        }
        assert_eq!(drift(None), Verdict::Note);
    }

    #[test]
    fn time_in_suspend_is_told() {
        let up =
            |with_sleep, awake| uptime_of(Duration::from_secs(with_sleep), Duration::from_secs(awake)).told;
        assert_eq!(up(90_000, 90_000), "this machine has been up for 25 hours, never suspended");
        assert!(
            up(400_000, 100_000).contains("up for 4 days, suspended for 3 days of it"),
            "{}",
            up(400_000, 100_000)
        );
        assert_eq!(roughly(Duration::from_secs(1)), "1 second");
    }
}
