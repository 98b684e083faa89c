//! A process that is killed at, or hears an error from, any of the system calls of its store, one after the other.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use super::authorization_server::{AuthorizationServer, Journal};
use super::crash::{Aftermath, Login, Tally, is_left_behind};
use super::figures::{is_long, note};
use super::place::{Place, names_in};
use super::strace::{Call, Injection, calls_of, run};
use super::worker::{Answer, Arguments};

#[test]
#[ignore = "needs strace; run by tests/run"]
fn a_kill_at_any_system_call_tears_nothing_and_loses_only_what_the_journal_says() {
    thread::scope(|scope| {
        for (kind, grace) in [("plain", false), ("plain", true), ("key-file", false), ("key-file", true)] {
            if kind != "plain" && !is_long() {
                continue;
            }
            scope.spawn(move || {
                let tally =
                    kill_at_each_call(kind, grace).unwrap_or_else(|complaint| panic!("{kind}: {complaint}"));
                let server = if grace { "with a grace window" } else { "strict" };
                note(&format!("kill -9 at every system call, {kind}, server {server}"), &tally.to_string());
                let between = if grace { tally.recovered } else { tally.lost };
                assert!(
                    tally.nothing_sent > 10 && between > 3 && tally.stored > 0,
                    "it covers them all: {tally}"
                );
                assert!(!grace || tally.lost == 0, "{tally}");
            });
        }
    });
}

#[test]
#[ignore = "needs strace; run by tests/run"]
fn a_login_or_logout_killed_at_any_system_call_is_done_or_not_and_can_be_done_again() {
    for kind in ["plain", "key-file", "passphrase"] {
        let place = Place::new();
        let server = AuthorizationServer::strict(&place);
        let sign_in = format!("sign-in {}", server.sign_in());
        let places = Cell::new(0);
        // Each in a directory of its own, with a key of its own.
        let another = || {
            places.set(places.get() + 1);
            let records = place.path(&format!("{}/tokens", places.get()));
            (Arguments::new(format!("{kind}:{}", records.display()), &server, &place), records)
        };
        let login_calls = calls_of(&sign_in, &place, &another().0);
        for call in &login_calls {
            let (arguments, records) = another();
            let answer = run(&sign_in, Injection::Kill, call, &place, &arguments);
            assert_eq!(answer, None, "{kind}, {call:?}");
            let mut next = arguments.start();
            let left = next.ask("load");
            let earlier = u64::from(left.outcome() == "record");
            assert!(earlier == 1 || left.outcome() == "no record", "{kind}, {call:?}: {left:?}");
            let again = next.ask(&sign_in);
            assert_eq!(again.generation(), Some(earlier + 1), "{kind}, {call:?}: {again:?}");
            assert_eq!(arguments.start().ask("load"), again, "{kind}, {call:?}");
            assert_nothing_left_behind(&records, call);
        }

        let signed_in = another().0;
        assert_eq!(signed_in.start().ask(&sign_in).outcome(), "record");
        let logout_calls = calls_of("log-out", &place, &signed_in);
        for call in &logout_calls {
            let (arguments, records) = another();
            let login = arguments.start().ask(&sign_in);
            assert_eq!(login.generation(), Some(1), "{kind}: {login:?}");
            let answer = run("log-out", Injection::Kill, call, &place, &arguments);
            // The last calls are the unlocking, and may come after the answer.
            assert!(answer.is_none_or(|answer| answer.outcome() == "done"), "{kind}, {call:?}");
            let mut next = arguments.start();
            let left = next.ask("load");
            assert!(left == login || left.outcome() == "no record", "{kind}, {call:?}: {left:?}");
            assert_eq!(next.ask("log-out").outcome(), "done", "{kind}, {call:?}");
            assert_eq!(next.ask("load").outcome(), "no record", "{kind}, {call:?}");
            assert_nothing_left_behind(&records, call);
        }
        let told = format!(
            "{} crashes of a login, {} of a logout: done or not done, and done again",
            login_calls.len(),
            logout_calls.len()
        );
        note(&format!("kill -9 at every system call, {kind}"), &told);
    }
}

#[test]
#[ignore = "needs strace; run by tests/run"]
fn a_login_on_its_way_to_another_store_is_in_one_of_the_two_whenever_it_is_killed() {
    for (from_kind, to_kind) in [("plain", "key-file"), ("key-file", "plain")] {
        if from_kind != "plain" && !is_long() {
            continue;
        }
        let place = Place::new();
        let server = AuthorizationServer::strict(&place);
        let sign_in = format!("sign-in {}", server.sign_in());
        let places = Cell::new(0);
        // Two stores, with a login in the first.
        let another = || {
            places.set(places.get() + 1);
            let stores = [("from", from_kind), ("to", to_kind)].map(|(name, kind)| {
                let records = place.path(&format!("{}/{name}/tokens", places.get()));
                let store = format!("{kind}:{}", records.display());
                (Arguments::new(&store, &server, &place), format!("move {store}"), records)
            });
            let login = stores[0].0.start().ask(&sign_in);
            assert_eq!(login.outcome(), "record", "{login:?}");
            (stores, login)
        };
        let ([(from, ..), (_, move_there, _)], _) = another();
        let calls = calls_of(&move_there, &place, &from);
        for call in &calls {
            let ([(from, _, from_records), (to, move_there, to_records)], login) = another();
            let answer = run(&move_there, Injection::Kill, call, &place, &from);
            // The last calls are the unlocking, and may come after the answer.
            assert!(answer.is_none_or(|answer| answer.outcome() == "done"), "{from_kind}, {call:?}");
            let (mut old, mut new) = (from.start(), to.start());
            let left = [old.ask("load"), new.ask("load")];
            assert!(left.contains(&login), "{from_kind}, {call:?}: {left:?}");
            let is_whole_or_none = |answer: &Answer| *answer == login || answer.outcome() == "no record";
            assert!(left.iter().all(is_whole_or_none), "{from_kind}, {call:?}: {left:?}");

            assert_eq!(old.ask(&move_there).outcome(), "done", "{from_kind}, {call:?}");
            assert_eq!(old.ask("load").outcome(), "no record", "{from_kind}, {call:?}");
            assert_eq!(new.ask("load"), login, "{from_kind}, {call:?}");
            assert_nothing_left_behind(&from_records, call);
            // What a crash left there goes with the next lock.
            assert_eq!(new.ask("log-out").outcome(), "done", "{from_kind}, {call:?}");
            assert_nothing_left_behind(&to_records, call);
        }
        let told = format!("{} crashes: always in one of the two, and moved again", calls.len());
        note(&format!("kill -9 at every system call of a move, {from_kind} to {to_kind}"), &told);
    }
}

fn assert_nothing_left_behind(records: &Path, call: &Call) {
    let names = names_in(records);
    assert!(!names.iter().any(|name| is_left_behind(name)), "{call:?}: {names:?}");
}

#[test]
#[ignore = "needs strace; run by tests/run"]
fn a_store_that_writes_in_place_is_caught() {
    let complaint = kill_at_each_call("in-place", true).expect_err("a crash tears its file");
    note("a store that writes in place", "caught: a record that is not whole");
    assert!(complaint.contains("not whole") && complaint.contains("damaged"), "{complaint}");
}

#[test]
#[ignore = "needs strace; run by tests/run"]
fn an_error_at_any_system_call_costs_no_token_and_is_told() {
    let mut injections = vec![Injection::Error("EIO"), Injection::Error("ENOSPC"), Injection::Error("EROFS")];
    if is_long() {
        injections.extend(["EIO", "ENOSPC", "EROFS"].map(Injection::ErrorFromHereOn));
    }
    let halves = injections.len().div_ceil(2);
    thread::scope(|scope| {
        for injections in injections.chunks(halves) {
            scope.spawn(move || {
                for injection in injections {
                    fail_each_call(*injection);
                }
            });
        }
    });
}

fn kill_at_each_call(kind: &str, grace: bool) -> Result<Tally, String> {
    let place = Place::new();
    let server =
        if grace { AuthorizationServer::with_grace(&place) } else { AuthorizationServer::strict(&place) };
    let arguments = Arguments::new(place.store(kind), &server, &place);
    let mut login = Login::new(&place, &server, &arguments, grace);
    login.expire();
    let calls = calls_of("call", &place, &arguments);
    assert_eq!(login.judge(), Ok(Aftermath::Stored));
    let mut tally = Tally::default();
    for call in &calls {
        login.expire();
        let answer = run("call", Injection::Kill, call, &place, &arguments);
        if let Some(answer) = answer {
            return Err(format!("{call:?} did not kill it: {answer:?}"));
        }
        let aftermath = login.judge().map_err(|complaint| format!("killed at {call:?}: {complaint}"))?;
        tally.count(aftermath);
    }
    Ok(tally)
}

/// An error that passes costs nothing at a strict server. One that stays leaves new tokens in the hands of the process that
/// got them: there a grace window stands in for what it does with them.
fn fail_each_call(injection: Injection) {
    let place = Place::new();
    let (server, kind) = match injection {
        Injection::Error(_) => (AuthorizationServer::strict(&place), "strict"),
        _ => (AuthorizationServer::with_grace(&place), "with a grace window"),
    };
    let arguments = Arguments::new(place.store("plain"), &server, &place);
    let mut other = arguments.start();
    let signed_in = other.ask(&format!("sign-in {}", server.sign_in()));
    let mut generation = signed_in.generation().expect("a record");
    server.expire(&place);
    let calls = calls_of("call", &place, &arguments);
    generation += 1;
    let mut told = BTreeMap::new();
    for call in &calls {
        server.expire(&place);
        let before = server.journal();
        let answer = run("call", injection, call, &place, &arguments)
            .unwrap_or_else(|| panic!("{injection} at {call:?} ended it"));
        let sent = server.journal() - before;
        let complaint = complaint_about(&answer, sent, &place);
        assert_eq!(complaint, None, "{injection} at {call:?}: {answer:?} with {sent:?}");
        *told
            .entry((sent.refreshes, answer.outcome().to_owned(), answer.warning().is_some()))
            .or_insert(0) += 1;
        let after = other.ask("call");
        let total = server.journal() - before;
        assert!(after.is_served(), "{injection} at {call:?}: then {after:?} with {total:?}");
        assert_eq!(total.invalid_grants + total.failed_refreshes, 0, "{injection} at {call:?}: {total:?}");
        generation += 1;
        assert_eq!(after.generation(), Some(generation), "{injection} at {call:?}: {total:?}");
    }
    let told: Vec<_> = told
        .into_iter()
        .map(|((refreshes, outcome, warned), times)| {
            let warning = if warned { " with a warning" } else { "" };
            format!("{times} x {refreshes} refreshes sent, {outcome}{warning}")
        })
        .collect();
    note(
        &format!("{injection} at each of {} calls, server {kind}", calls.len()),
        &format!("{}; 0 tokens lost", told.join(", ")),
    );
}

/// Either nothing was sent, and the message says which store, where, and what to do; or there is a token that works.
fn complaint_about(answer: &Answer, sent: Journal, place: &Place) -> Option<String> {
    let told = match (sent.refreshes, answer.outcome()) {
        (0, "store error") => answer.message(),
        // Without a warning it hit what does not matter: a close, or the sweeping of what is not there.
        (1, "token") if answer.is_served() => answer.warning()?,
        _ => return Some("neither refused before it was sent, nor served".to_owned()),
    };
    let names_the_place =
        told.contains("plain file store") && told.contains(&place.records().display().to_string());
    let says_what_to_do =
        ["check the disk", "free some space", "choose a directory"].iter().any(|step| told.contains(step));
    (!names_the_place || !says_what_to_do).then(|| format!("no store, path or next step in: {told}"))
}
