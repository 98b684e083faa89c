//! kill -9 at random moments of a refresh.

use std::thread;
use std::time::{Duration, Instant};

use super::authorization_server::AuthorizationServer;
use super::crash::{Aftermath, Login, Tally};
use super::figures::{note, times};
use super::place::Place;
use super::worker::Arguments;

#[test]
fn a_kill_at_a_random_moment_tears_nothing_and_loses_only_what_the_journal_says() {
    let kills = times(15, 250);
    thread::scope(|scope| {
        for (kind, grace) in [("plain", false), ("plain", true), ("key-file", false), ("key-file", true)] {
            scope.spawn(move || {
                let place = Place::new();
                let tally = kill_again_and_again(&place, &place.store(kind), grace, kills);
                let server = if grace { "with a grace window" } else { "strict" };
                note(&format!("kill -9 at random moments, {kind}, server {server}"), &tally.to_string());
                assert!(!grace || tally.lost == 0, "{tally}");
            });
        }
    });
}

pub(super) fn kill_again_and_again(place: &Place, store: &str, grace: bool, kills: u32) -> Tally {
    let server =
        if grace { AuthorizationServer::with_grace(place) } else { AuthorizationServer::strict(place) };
    let arguments = Arguments::new(store, &server, place);
    let mut login = Login::new(place, &server, &arguments, grace);
    let mut moments =
        Moments::new(u64::from(kills) + u64::from(grace), undisturbed_refresh(&mut login, &arguments));
    let mut tally = Tally::default();
    for number in 0..kills {
        login.expire();
        let mut victim = arguments.start();
        // Every other time the other process wants the token in the same moment.
        let is_race = number % 2 == 1;
        let moment = moments.next();
        if is_race {
            login.witness().tell("call");
        }
        victim.tell("call");
        thread::sleep(moment);
        victim.kill();
        let aftermath = if is_race {
            let answer = login.witness().answer();
            login.judge_race(&answer)
        } else {
            login.judge()
        };
        match aftermath {
            Ok(aftermath) => tally.count(aftermath),
            Err(complaint) => panic!("{store}, kill {number} after {moment:?}: {complaint}"),
        }
    }
    tally
}

/// How long a refresh takes that nobody disturbs, at best.
fn undisturbed_refresh(login: &mut Login<'_>, arguments: &Arguments) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        login.expire();
        let mut worker = arguments.start();
        let started = Instant::now();
        let answer = worker.ask("call");
        shortest = shortest.min(started.elapsed());
        assert!(answer.is_served(), "{answer:?}");
        assert_eq!(login.judge(), Ok(Aftermath::Stored));
    }
    shortest
}

/// Random moments, the same in every run of the tests (`SplitMix64`).
struct Moments {
    state: u64,
    longest: Duration,
}

impl Moments {
    fn new(seed: u64, longest: Duration) -> Self {
        Self { state: seed, longest }
    }

    fn next(&mut self) -> Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let part = u32::try_from(mixed % 1000).unwrap_or(0);
        self.longest * part / 1000
    }
}
