//! The system's keyring in a session: real, locked, mute, or not there.

use std::thread;
use std::time::{Duration, Instant};

use super::authorization_server::{AuthorizationServer, LIFE};
use super::figures::note;
use super::place::Place;
use super::session_bus::{Bus, LONGEST_WAIT, NoKeyring};
use super::worker::{Answer, Arguments, Worker};

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn what_one_process_seals_with_the_keyring_others_open_and_refresh() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let bus = Bus::start(&place, Bus::GNOME_KEYRING);
    let start = || start(&place, &server, &bus.address);
    let signed_in = start().ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    assert_eq!(start().ask("load"), signed_in);
    server.expire(&place);
    let mut workers: Vec<Worker> = (0..4).map(|_| start()).collect();
    for worker in &mut workers {
        worker.tell("call");
    }
    for answer in workers.iter_mut().map(Worker::answer) {
        assert!(answer.is_served() && answer.generation() == Some(2), "{answer:?}");
    }
    assert_eq!((server.journal().refreshes, server.broken_rules()), (1, Vec::new()));

    let large = start().ask(&format!("sign-in {}", super::large_token::response()));
    assert_eq!(large.number("access_token_length"), Some(super::large_token::LENGTH), "{large:?}");
    assert_eq!(start().ask("load"), large);
    note("a GNOME Keyring", "5 processes share one login and one refresh; a token of 20 kB is kept");
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session, dbus-test-tool and gdbus; run by tests/run"]
fn no_command_waits_for_a_keyring_longer_than_three_seconds() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let bus = Bus::start(&place, Bus::GNOME_KEYRING);
    let signed_in = start(&place, &server, &bus.address).ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    server.expire(&place);
    bus.lock_the_collection();
    let no_keyring = NoKeyring::new(&place, &bus);

    thread::scope(|scope| {
        for (name, address) in no_keyring.addresses() {
            let (place, server) = (&place, &server);
            scope.spawn(move || {
                let longest = try_all_commands(place, server, address, name);
                assert!(longest < LONGEST_WAIT, "{name}: {longest:?}");
                let told = format!(
                    "load, call, sign-in: refused with the reason after {:.1} s at most",
                    longest.as_secs_f64()
                );
                note(&format!("a session, {name}"), &told);
            });
        }
    });
    assert_eq!(server.journal().refreshes, 0);
    drop(no_keyring);

    // Another day, unlocked again: nothing of the login was touched.
    drop(bus);
    let bus = Bus::start(&place, Bus::GNOME_KEYRING);
    let answer = start(&place, &server, &bus.address).ask("call");
    assert!(answer.is_served() && answer.generation() == Some(2), "{answer:?}");
}

/// Each has to ask the keyring before it writes. Who asks under the lock lets all others wait.
#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn nobody_waits_in_line_for_a_keyring_that_does_not_answer() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let bus = Bus::start(&place, Bus::GNOME_KEYRING);
    let mut workers: Vec<Worker> = (0..6).map(|_| start(&place, &server, &bus.address)).collect();
    let signed_in = workers[0].ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    for worker in &mut workers {
        assert!(worker.ask("call").is_served(), "it has the key in memory");
    }

    bus.signal("STOP");
    server.advance(&place, LIFE * 19 / 20);
    let (answers, longest) = all_ask(&mut workers, "call");
    assert!(answers.iter().all(|answer| answer.is_served() && answer.warning().is_some()), "{answers:?}");
    assert!(longest < LONGEST_WAIT, "{longest:?}");

    let mut newcomers: Vec<Worker> = (0..6).map(|_| start(&place, &server, &bus.address)).collect();
    let (answers, longest) = all_ask(&mut newcomers, &format!("sign-in {}", server.sign_in()));
    assert!(answers.iter().all(|answer| answer.outcome() == "store error"), "{answers:?}");
    assert!(longest < LONGEST_WAIT, "{longest:?}");
    assert_eq!(server.journal().refreshes, 0);
    note(
        "6 processes at a keyring that stops",
        &format!("the slowest has its answer after {:.1} s", longest.as_secs_f64()),
    );

    bus.signal("CONT");
    server.expire(&place);
    // The calls that were left behind have to come back first.
    let deadline = Instant::now() + Duration::from_secs(30);
    while !workers[0].ask("call").is_served() {
        assert!(Instant::now() < deadline, "the keyring is back, and nobody sees it");
    }
    let (answers, _) = all_ask(&mut workers, "call");
    assert!(answers.iter().all(|answer| answer.generation() == Some(2)), "{answers:?}");
    assert_eq!((server.journal().refreshes, server.broken_rules()), (1, Vec::new()));
}

fn all_ask(workers: &mut [Worker], command: &str) -> (Vec<Answer>, Duration) {
    let started = Instant::now();
    for worker in workers.iter_mut() {
        worker.tell(command);
    }
    (workers.iter_mut().map(Worker::answer).collect(), started.elapsed())
}

/// How long the slowest took.
fn try_all_commands(place: &Place, server: &AuthorizationServer, address: &str, name: &str) -> Duration {
    let reason = match name {
        "a bus that never answers" | "a service that never answers" => "has not answered within 3 s",
        "a locked collection" => "the keyring is locked",
        _ => "no D-Bus session can be reached",
    };
    let mut longest = Duration::ZERO;
    for command in ["load".to_owned(), "call".to_owned(), format!("sign-in {}", server.sign_in())] {
        let mut worker = start(place, server, address);
        let started = Instant::now();
        let answer = worker.ask(&command);
        longest = longest.max(started.elapsed());
        assert_eq!(answer.outcome(), "store error", "{name}: {answer:?}");
        assert_says_what_to_do(&answer, reason, name);
    }
    longest
}

fn assert_says_what_to_do(answer: &Answer, reason: &str, name: &str) {
    let message = answer.message();
    let is_told = message.contains("sealed file (system keyring) store") && message.contains(reason);
    assert!(is_told && message.contains("choose another store"), "{name}: {answer:?}");
}

fn start(place: &Place, server: &AuthorizationServer, address: &str) -> Worker {
    let mut command = Arguments::new(place.store("keyring"), server, place).command();
    command.env_clear().env("HOME", place.path("home")).env("XDG_RUNTIME_DIR", place.path("runtime"));
    if !address.is_empty() {
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
    }
    Worker::start(&mut command)
}
