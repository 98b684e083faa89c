//! A million polls by devices whose clocks run fast, over a network without a constant: none is early.

use oauth_protocol::{Action, DeviceCodeGrant, HttpResponse, Instant, PollingPolicy, TransportFailure};

use crate::scripted_login::{json, request};

const POLLS: u32 = 1_000_000;
const POLLS_A_LOGIN: u32 = 200;

/// Numbers without meaning, the same in each run (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The world, in microseconds of true time.
struct Network {
    true_time: u64,
    /// How many permille the device's clock is too fast.
    drift: u64,
    dice: Dice,
}

impl Network {
    fn device_clock(&self) -> Instant {
        let micros = u128::from(self.true_time) * u128::from(1000 + self.drift) / 1000;
        Instant::from_millis(u64::try_from(micros / 1000).unwrap())
    }

    /// The timer fires at the first microsecond at which the device's clock shows `moment`, or a bit later.
    fn sleep_until(&mut self, moment: Instant) {
        let micros = u128::from(moment.as_millis()) * 1_000_000;
        let true_time = micros.div_ceil(u128::from(1000 + self.drift));
        self.true_time = self.true_time.max(u64::try_from(true_time).unwrap())
            + self.dice.below(2) * self.dice.below(50_000);
    }

    /// One way through the network: a millisecond to three seconds, mostly short.
    fn travel(&mut self) {
        let spread = [1_000, 20_000, 300_000, 3_000_000][usize::try_from(self.dice.below(4)).unwrap()];
        self.true_time += 1_000 + self.dice.below(spread);
    }
}

/// A server that is as strict as any: it counts from its own last answer, and the third early poll costs
/// the code at some.
struct Server {
    pending: HttpResponse,
    slow_down: HttpResponse,
    unavailable: HttpResponse,
    interval: u64,
    answered_at: u64,
    polls: u32,
    early: u32,
}

impl Server {
    /// Its answer, or `None` where that gets lost on its way.
    fn take_poll(&mut self, network: &mut Network) -> Option<&HttpResponse> {
        self.polls += 1;
        if network.true_time - self.answered_at < self.interval * 1_000_000 {
            self.early += 1;
        }
        self.answered_at = network.true_time;
        match network.dice.below(200) {
            0 => {
                self.interval += 5;
                Some(&self.slow_down)
            }
            1..=4 => Some(&self.unavailable),
            5..=8 => None,
            _ => Some(&self.pending),
        }
    }

    fn issue_codes(&mut self, network: &mut Network) -> HttpResponse {
        self.interval = 1 + network.dice.below(7);
        self.answered_at = network.true_time;
        let interval = self.interval;
        json(
            200,
            &format!(
                r#"{{"device_code": "d", "user_code": "u", "verification_uri": "https://example.com/",
                    "expires_in": 86400, "interval": {interval}}}"#
            ),
        )
    }
}

#[test]
fn a_million_polls_under_jitter_latency_and_clock_drift_and_none_is_early() {
    let mut network = Network { true_time: 1_000_000_000, drift: 0, dice: Dice(0x2545_F491_4F6C_DD1D) };
    let mut server = Server {
        pending: json(400, r#"{"error":"authorization_pending"}"#),
        slow_down: json(400, r#"{"error":"slow_down"}"#),
        unavailable: json(503, ""),
        interval: 5,
        answered_at: 0,
        polls: 0,
        early: 0,
    };
    let mut shortest_margin = u64::MAX;
    while server.polls < POLLS {
        // Up to the least margin: ten percent.
        network.drift = network.dice.below(101);
        let mut grant = DeviceCodeGrant::new(request(), PollingPolicy::default(), network.dice.0);
        let last_poll = server.polls + POLLS_A_LOGIN;
        while server.polls < last_poll {
            match grant.poll(network.device_clock()) {
                Action::WaitUntil(moment) => network.sleep_until(moment),
                Action::ShowUserCode(_) => {}
                Action::Send(sent) if sent.url().path_and_query() == "/token" => {
                    network.travel();
                    let gap = network.true_time - server.answered_at;
                    shortest_margin = shortest_margin.min(gap.saturating_sub(server.interval * 1_000_000));
                    let answer = server.take_poll(&mut network);
                    network.travel();
                    match answer {
                        Some(answer) => grant.handle_response(network.device_clock(), answer),
                        None => {
                            grant.handle_transport_failure(network.device_clock(), TransportFailure::Closed);
                        }
                    }
                }
                Action::Send(_) => {
                    let codes = server.issue_codes(&mut network);
                    network.travel();
                    grant.handle_response(network.device_clock(), &codes);
                }
                Action::Finished(result) => panic!("{result:?}"),
            }
        }
    }
    assert_eq!((server.polls, server.early), (POLLS, 0));
    // The test is as sharp as it can be: some polls were early by little less than nothing.
    assert!(shortest_margin < 20_000, "{shortest_margin} µs");
}
