//! New tokens that the store's directory does not take: they wait where other processes find them.

use std::time::Duration;

use mock_server::{Endpoint, Fault, FaultRule};

use super::authorization_server::AuthorizationServer;
use super::figures::note;
use super::nobody::{AsNobody, set_mode};

const DELAY: Duration = Duration::from_secs(5);
const KIND: &str = "with-recovery";

#[test]
#[ignore = "needs root, to act as another user; run by tests/run"]
fn tokens_that_the_directory_takes_no_more_are_found_by_every_process() {
    let nobody = AsNobody::new();
    let place = &nobody.place;
    let server = AuthorizationServer::strict(place);
    nobody.sign_in(KIND, &server, "077");
    let records = place.path("home/tokens");
    server.expire(place);

    let slow = Fault::Delay { at_least: DELAY, jitter: Duration::ZERO };
    let slow = server.fault(FaultRule::new(slow).endpoint(Endpoint::Token));
    let mut refreshing = nobody.start(KIND, &server, "077");
    refreshing.tell("call");
    server.wait_for_refreshes(1);
    drop(slow);
    set_mode(&records, 0o500);
    server.advance(place, DELAY);
    let answer = refreshing.answer();
    let recovery = place.path("home/recovery").display().to_string();
    let is_told = answer.warning().is_some_and(|warning| warning.contains(&recovery));
    assert!(answer.is_served() && is_told, "{answer:?}");

    for round in 0..3 {
        let answer = nobody.start(KIND, &server, "077").ask("call");
        assert!(answer.is_served() && answer.generation() == Some(2), "{round}: {answer:?}");
    }
    assert_eq!(server.journal().refreshes, 1);

    set_mode(&records, 0o700);
    server.expire(place);
    let answer = nobody.start(KIND, &server, "077").ask("call");
    assert!(answer.is_served() && answer.generation() == Some(3), "{answer:?}");
    assert!(answer.warning().is_none(), "the store takes it again: {answer:?}");
    assert_eq!(nobody.start(KIND, &server, "077").ask("load").generation(), Some(3));
    assert_eq!((server.journal().refreshes, server.broken_rules()), (2, Vec::new()));
    note(
        "a directory that is closed during the refresh",
        "1 refresh, found by all in the recovery directory; 0 tokens lost",
    );
}
