//! The login loop against a script, in virtual time.

use std::collections::BTreeSet;

use embedded_demo::sign_in;
use oauth_protocol::{AccessTokenResponse, Error, ErrorCode, TransportFailure};

use crate::board::{KeptScreen, Outcome, ScriptedTransport, VirtualClock, grant};

const CODES: Outcome = Ok((
    200,
    r#"{"device_code":"hidden-code","user_code":"WDJB-MJHT","verification_uri":"https://auth.example.com/device","verification_uri_complete":"https://auth.example.com/device?user_code=WDJB-MJHT","expires_in":600,"interval":5}"#,
));
const PENDING: Outcome = Ok((400, r#"{"error":"authorization_pending"}"#));
const SLOW_DOWN: Outcome = Ok((400, r#"{"error":"slow_down"}"#));
const TOKEN: Outcome =
    Ok((200, r#"{"access_token":"hidden-token","token_type":"Bearer","expires_in":3600}"#));

struct Login {
    result: Result<Box<AccessTokenResponse>, Error>,
    /// Milliseconds since the start.
    sent_at: Vec<u64>,
    screen: Vec<String>,
}

fn login(script: impl IntoIterator<Item = Outcome>) -> Login {
    let mut clock = VirtualClock::default();
    let mut transport = ScriptedTransport::new(&clock, script);
    let mut screen = KeptScreen::default();
    let result = sign_in(grant("https://auth.example.com"), &mut transport, &mut clock, &mut screen);
    let sent_at = transport.sent.iter().map(|(at, _)| *at).collect();
    assert!(screen.0.iter().all(|view| !view.contains("hidden")), "{:?}", screen.0);
    Login { result, sent_at, screen: screen.0 }
}

#[test]
fn shows_the_code_waits_for_the_person_and_ends_with_the_token() {
    let login = login([CODES, PENDING, TOKEN]);
    assert_eq!(login.result.unwrap().access_token.expose(), "hidden-token");
    // Each wait counts from the answer, which takes 100 ms.
    assert_eq!(login.sent_at, [0, 5_100, 10_200]);
    let code = |status| {
        format!(
            "visit https://auth.example.com/device\n   \
             or https://auth.example.com/device?user_code=WDJB-MJHT\ncode  WDJB-MJHT\n{status}"
        )
    };
    assert_eq!(
        login.screen,
        [
            "connecting".to_owned(),
            code("waiting, 9:59 left"),
            code("waiting, 9:54 left"),
            "signed in, the token is valid for 3600 s".to_owned()
        ]
    );
}

#[test]
fn sends_what_rfc_8628_wants() {
    let mut clock = VirtualClock::default();
    let mut transport = ScriptedTransport::new(&clock, [CODES, TOKEN]);
    let screen = &mut KeptScreen::default();
    sign_in(grant("https://auth.example.com"), &mut transport, &mut clock, screen).unwrap();
    // In any order (RFC 6749 Appendix B names none).
    let sent = |at: usize| transport.sent[at].1.split('&').collect::<BTreeSet<_>>();
    assert_eq!(sent(0), BTreeSet::from(["client_id=device", "scope=read"]));
    let grant_type = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
    assert_eq!(sent(1), BTreeSet::from([grant_type, "device_code=hidden-code", "client_id=device"]));
}

#[test]
fn denied_by_the_person_ends_at_once() {
    let login = login([CODES, PENDING, Ok((400, r#"{"error":"access_denied"}"#))]);
    assert!(
        matches!(&login.result, Err(Error::Refused(refusal)) if refusal.error == ErrorCode::AccessDenied),
        "{:?}",
        login.result
    );
    assert_eq!(login.sent_at.len(), 3);
    let last = login.screen.last().unwrap();
    assert!(last.starts_with("not signed in: the server refused: "), "{last}");
}

#[test]
fn expires_on_its_own_clock_without_another_request() {
    let polls = (600_000 - 100) / 5_100;
    let login = login([CODES].into_iter().chain(std::iter::repeat_n(PENDING, polls)));
    assert_eq!(login.result.unwrap_err(), Error::Expired);
    assert_eq!(login.sent_at.len(), polls + 1);
    assert!(login.sent_at.iter().all(|&at| at < 600_000));
    assert_eq!(login.screen.last().unwrap(), "not signed in: the code expired before it was approved");
}

#[test]
fn asks_less_often_once_the_server_wants_it_so() {
    let login = login([CODES, SLOW_DOWN, PENDING, SLOW_DOWN, TOKEN]);
    assert!(login.result.is_ok());
    assert_eq!(login.sent_at, [0, 5_100, 15_200, 25_300, 40_400]);
    let statuses: Vec<_> = login.screen.iter().filter_map(|view| view.lines().nth(3)).collect();
    assert_eq!(
        statuses,
        [
            "waiting, 9:59 left",
            "waiting, asking every 10 s, 9:54 left",
            "waiting, 9:44 left",
            "waiting, asking every 15 s, 9:34 left"
        ]
    );
}

#[test]
fn goes_on_after_failures_in_the_middle_and_keeps_the_code_on_the_screen() {
    let failures = [
        Err(TransportFailure::Closed),
        Ok((503, "<html>down</html>")),
        Ok((200, "<html>hotel wifi</html>")),
        Err(TransportFailure::Timeout),
    ];
    let login = login([CODES, PENDING].into_iter().chain(failures).chain([TOKEN]));
    assert!(login.result.is_ok());
    let statuses: Vec<_> =
        login.screen.iter().filter_map(|view| view.lines().nth(3)?.split(", ").next()).collect();
    assert_eq!(
        statuses,
        [
            "waiting",
            "waiting",
            "the connection was lost before the answer was complete",
            "the server is busy (HTTP 503)",
            "another page in the server's place",
            "the server did not answer in time"
        ]
    );
    assert!(login.screen.iter().skip(1).take(6).all(|view| view.contains("code  WDJB-MJHT")));
    let gaps: Vec<u64> = login.sent_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|&gap| gap >= 5_000), "{gaps:?}");
    assert!(gaps[3] > gaps[2] && gaps[4] > gaps[3], "each failure in a row waits longer: {gaps:?}");
}

#[test]
fn a_page_in_the_servers_place_again_and_again_is_called_by_its_name() {
    let page = Ok((200, "<html>hotel wifi</html>"));
    let login = login([CODES, page, page, page, TOKEN]);
    assert!(login.result.is_ok());
    let hints: Vec<bool> =
        login.screen.iter().map(|view| view.contains("does this network want a login of its own?")).collect();
    assert_eq!(hints, [false, false, false, false, true, false]);
}

#[test]
fn an_unreachable_server_is_tried_three_times_for_the_code() {
    let login = login([Err(TransportFailure::Connect); 3]);
    assert_eq!(login.result.unwrap_err(), Error::Transport(TransportFailure::Connect));
    assert_eq!(
        login.screen,
        [
            "connecting",
            "connecting again: no connection to the server",
            "connecting again: no connection to the server",
            "not signed in: no connection to the server"
        ]
    );
}
