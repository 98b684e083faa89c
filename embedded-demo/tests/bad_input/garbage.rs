//! Garbage from the network at every stage of a device's life.

use std::time::Duration;

use embedded_demo::{CallError, Device, Progress};
use oauth_protocol::{EndpointPolicy, EndpointUrl, TransportFailure};
use proptest::prelude::*;

use super::server::{STAGES, Server, Stage, Wire, answer, good};
use super::{Screens, device, live, noise};
use crate::board::{KeptRecord, VirtualClock};

use TransportFailure::{BodyTooLarge, Closed, NotHttp, Timeout};

const HOUR: Duration = Duration::from_secs(3_600);
const NOT_OAUTH: &str = "another page in the server's place";

type TestDevice = Device<Server, VirtualClock, Screens, KeptRecord>;

/// Something that is no answer, and what a person reads of it.
struct Garbage {
    name: &'static str,
    wire: Wire,
    /// What the transport makes of it; `None` where it is an HTTP message.
    failure: Option<TransportFailure>,
    cause: String,
}

fn broken(name: &'static str, bytes: impl Into<Vec<u8>>, failure: TransportFailure) -> Garbage {
    Garbage { name, wire: Wire::Bytes(bytes.into()), failure: Some(failure), cause: failure.to_string() }
}

fn page(name: &'static str, bytes: impl Into<Vec<u8>>, cause: &str) -> Garbage {
    Garbage { name, wire: Wire::Bytes(bytes.into()), failure: None, cause: cause.to_owned() }
}

/// What a better answer may follow.
fn garbage(stage: Stage) -> Vec<Garbage> {
    let whole = good(stage);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let mebibyte = "x".repeat(1 << 20);
    let body =
        |bytes: &[u8]| [format!("{head}content-length: {}\r\n\r\n", bytes.len()).as_bytes(), bytes].concat();
    let mut all = vec![
        broken("nothing", "", Closed),
        broken("half a head", &whole[..30], Closed),
        broken("half a body", &whole[..whole.len() - 1], Closed),
        broken("a length too long", format!("{head}content-length: 4000\r\n\r\n{{}}"), Closed),
        broken("a length of letters", format!("{head}content-length: many\r\n\r\n{{}}"), NotHttp),
        broken("a TLS alert", "\x15\x03\x01\x00\x02\x02\x46", NotHttp),
        broken("zeros", vec![0; 600], NotHttp),
        broken("a page without a head", "<html><title>Welcome</title>", NotHttp),
        broken(
            "compressed",
            format!("{head}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}"),
            NotHttp,
        ),
        broken("1 MiB", body(mebibyte.as_bytes()), BodyTooLarge),
        broken("1 MiB without a length", format!("{head}\r\n{mebibyte}"), BodyTooLarge),
        broken(
            "1 MiB in chunks",
            format!(
                "{head}transfer-encoding: chunked\r\n\r\n{}",
                format!("1000\r\n{}\r\n", &mebibyte[..0x1000]).repeat(256)
            ),
            BodyTooLarge,
        ),
        broken("a header of 16 KB", format!("{head}x: {}\r\n\r\n{{}}", &mebibyte[..16_384]), BodyTooLarge),
        broken("16 KB of headers", format!("{head}{}\r\n{{}}", "a: b\r\n".repeat(2_730)), BodyTooLarge),
        page("a hotel's page", body(b"<!DOCTYPE html><title>Welcome</title>"), NOT_OAUTH),
        page("an empty body", body(b""), NOT_OAUTH),
        page("zeros as a body", body(&[0; 64]), NOT_OAUTH),
        page("no UTF-8", body(b"{\"device_code\":\"\xFF\xFE\",\"access_token\":\"\xC0\x80\"}"), NOT_OAUTH),
        page(
            "a length too short",
            format!("{head}content-length: 9\r\n\r\n{{\"access_token\":\"a\"}}"),
            NOT_OAUTH,
        ),
        page("a list", body(b"[1,2]"), NOT_OAUTH),
        page("a depth of 4000", body("[".repeat(4_000).as_bytes()), NOT_OAUTH),
        page("an error page", "HTTP/1.1 500 Oops\r\n\r\n<html>", "the server is busy (HTTP 500)"),
        Garbage { name: "silence", wire: Wire::Silence, failure: Some(Timeout), cause: Timeout.to_string() },
        Garbage { name: "a drip", wire: Wire::Drip, failure: Some(Timeout), cause: Timeout.to_string() },
    ];
    for seed in 1..=20 {
        all.push(broken("noise", noise(seed, 1_500), NotHttp));
    }
    all
}

/// JSON of the right shape with the wrong content: the server means it so, and another try would change nothing.
fn wrong_content(stage: Stage) -> Vec<(&'static str, &'static str)> {
    match stage {
        Stage::Codes => vec![
            ("{}", "device_code is missing or of the wrong type"),
            (
                r#"{"device_code":7,"user_code":"A","verification_uri":"https://a.example/d","expires_in":600}"#,
                "device_code is missing or of the wrong type",
            ),
            (
                r#"{"device_code":"hidden","user_code":["A"],"verification_uri":"https://a.example/d","expires_in":600}"#,
                "user_code is missing or of the wrong type",
            ),
            (
                "{\"device_code\":\"hidden\",\"user_code\":\"A\\u0000B\",\"verification_uri\":\"https://a.example/d\",\"expires_in\":600}",
                "its user_code holds the character U+0000",
            ),
            (
                r#"{"device_code":"hidden","user_code":"A","verification_uri":"javascript:alert(1)","expires_in":600}"#,
                "its verification_uri ",
            ),
        ],
        Stage::Token | Stage::Refresh => vec![
            ("{}", "access_token is missing or of the wrong type"),
            (r#"{"access_token":{},"token_type":"Bearer"}"#, "access_token is missing or of the wrong type"),
            (
                r#"{"access_token":"hidden\nx","token_type":"Bearer"}"#,
                "its access_token holds characters that no token has",
            ),
            (r#"{"access_token":"hidden","token_type":"mac"}"#, "its token_type is not one"),
            (r#"{"access_token":"hidden","access_token":"hidden2"}"#, "stands there twice"),
        ],
        Stage::Call => Vec::new(),
    }
}

fn resource() -> EndpointUrl {
    EndpointPolicy::new().endpoint("https://auth.example.com/readings").unwrap()
}

/// A device that is at `stage` next, with a server that goes wrong there so many times.
fn at(stage: Stage, wire: Wire, times: usize) -> (TestDevice, Server, Screens, VirtualClock) {
    let clock = VirtualClock::default();
    let server = Server::new(&clock, stage, wire, times);
    let screens = Screens::default();
    let mut device = device(server.clone(), clock.clone(), &screens, KeptRecord::default());
    if matches!(stage, Stage::Refresh | Stage::Call) {
        let progress = live(&mut device, &mut clock.clone(), HOUR);
        assert!(matches!(progress, Progress::SignedIn(Some(_))));
        if stage == Stage::Refresh {
            clock.pass(Duration::from_secs(3_540));
        }
    }
    (device, server, screens, clock)
}

#[test]
fn garbage_in_place_of_the_codes_is_told_and_asked_again() {
    // Who waited for a silent server has waited as long as first contact may take.
    let quick = garbage(Stage::Codes).into_iter().filter(|garbage| garbage.failure != Some(Timeout));
    for Garbage { name, wire, cause, .. } in quick {
        let (mut device, server, screens, mut clock) = at(Stage::Codes, wire, 1);
        let progress = live(&mut device, &mut clock, HOUR);
        assert!(matches!(progress, Progress::SignedIn(_)), "{name}: {progress:?}");
        screens.assert_shown(&format!("connecting again: {cause}"));
        assert_eq!(server.requests(Stage::Codes), 2, "{name}");
    }
}

#[test]
fn garbage_without_end_in_place_of_the_codes_needs_nobody_when_it_ends() {
    for Garbage { name, wire, cause, .. } in garbage(Stage::Codes) {
        let (mut device, server, screens, mut clock) = at(Stage::Codes, wire, usize::MAX);
        let progress = live(&mut device, &mut clock, 24 * HOUR);
        assert!(matches!(progress, Progress::WaitUntil(_)), "{name}: {progress:?}");
        assert!(screens.last().starts_with("connecting"), "{name}: {}", screens.last());
        screens.assert_shown(&format!("connecting again: {cause}"));
        let tries = server.requests(Stage::Codes);
        assert!((200..1_000).contains(&tries), "{name}: {tries} tries in a day");
        server.recover();
        assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{name}");
    }
}

#[test]
fn a_redirect_elsewhere_is_waited_out_and_one_to_a_slash_is_a_mistake() {
    let redirect = |status: &str, to: &str| {
        let head = format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        Wire::Bytes(head.into_bytes())
    };
    let hotel = redirect("302 Found", "https://login.hotel.example/");
    let (mut device, server, screens, mut clock) = at(Stage::Codes, hotel, usize::MAX);
    assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::WaitUntil(_)));
    screens.assert_shown("connecting again: the network leads elsewhere");
    server.recover();
    assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)));

    let slash = redirect("308 Permanent Redirect", "https://auth.example.com/device-authorization/");
    let (mut device, server, screens, mut clock) = at(Stage::Codes, slash, usize::MAX);
    assert_eq!(live(&mut device, &mut clock, HOUR), Progress::Ended);
    assert!(screens.last().contains("differs by a slash at its end"), "{}", screens.last());
    assert_eq!(server.requests(Stage::Codes), 1);
}

#[test]
fn garbage_in_place_of_the_token_is_told_and_the_code_stays() {
    for Garbage { name, wire, cause, .. } in garbage(Stage::Token) {
        let (mut device, server, screens, mut clock) = at(Stage::Token, wire, 2);
        let progress = live(&mut device, &mut clock, HOUR);
        assert!(matches!(progress, Progress::SignedIn(_)), "{name}: {progress:?}");
        screens.assert_shown(&format!("code  WDJB-MJHT\n{cause}, trying again"));
        assert_eq!([server.requests(Stage::Codes), server.requests(Stage::Token)], [1, 3], "{name}");
    }
}

#[test]
fn garbage_without_end_in_place_of_the_token_ends_with_the_code() {
    for Garbage { name, wire, .. } in garbage(Stage::Token) {
        let (mut device, server, screens, mut clock) = at(Stage::Token, wire, usize::MAX);
        assert_eq!(live(&mut device, &mut clock, HOUR), Progress::Ended, "{name}");
        assert_eq!(screens.last(), "not signed in: the code expired before it was approved", "{name}");
        assert!(clock.millis() <= 640_000, "{name} took {} ms", clock.millis());
        assert!(server.requests(Stage::Token) <= 120, "{name}");
        server.recover();
        device.start_again();
        assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{name}");
    }
}

#[test]
fn garbage_in_place_of_a_new_token_costs_no_login_however_long_it_lasts() {
    let rest_of_the_day = 24 * HOUR;
    for Garbage { name, wire, failure, .. } in garbage(Stage::Refresh) {
        let (mut device, server, screens, mut clock) = at(Stage::Refresh, wire, usize::MAX);
        let progress = live(&mut device, &mut clock, rest_of_the_day);
        assert!(matches!(progress, Progress::WaitUntil(_)), "{name}: {progress:?}");
        let expected = failure.map_or_else(|| "the server".to_owned(), |failure| failure.to_string());
        let last = screens.last();
        assert!(last.starts_with(&format!("trying again: {expected}")), "{name}: {last}");
        let tries = server.requests(Stage::Refresh);
        assert!((200..300).contains(&tries), "{name}: {tries} tries in a day");
        server.recover();
        assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{name}");
        assert_eq!(server.requests(Stage::Codes), 1, "{name}: nobody had to sign in again");
    }
}

#[test]
fn garbage_in_place_of_a_resource_is_the_callers_and_the_token_stays() {
    for Garbage { name, wire, failure, .. } in garbage(Stage::Call) {
        let (mut device, server, screens, mut clock) = at(Stage::Call, wire, 1);
        let result = device.call(&resource());
        match failure {
            Some(failure) => assert_eq!(result.unwrap_err(), CallError::Transport(failure), "{name}"),
            None => assert!([200, 500].contains(&result.unwrap().status()), "{name}"),
        }
        assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{name}");
        assert_eq!(device.call(&resource()).unwrap().status(), 200, "{name}");
        assert!(screens.last().starts_with("signed in"), "{name}");
        assert_eq!(server.requests(Stage::Token), 1, "{name}");
    }
}

#[test]
fn json_with_the_wrong_content_ends_a_login_with_the_reason() {
    for stage in [Stage::Codes, Stage::Token] {
        for (body, reason) in wrong_content(stage) {
            let (mut device, server, screens, mut clock) = at(stage, Wire::Bytes(answer(body)), 1);
            assert_eq!(live(&mut device, &mut clock, HOUR), Progress::Ended, "{body}");
            let last = screens.last();
            assert!(last.starts_with("not signed in: the server's answer is invalid: "), "{body}: {last}");
            assert!(last.contains(reason), "{body}: {last}");
            assert_eq!(server.requests(stage), 1, "{body}");
            device.start_again();
            assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{body}");
        }
    }
}

#[test]
fn json_with_the_wrong_content_costs_nobody_a_login_that_is_there() {
    for (body, reason) in wrong_content(Stage::Refresh) {
        let (mut device, server, screens, mut clock) = at(Stage::Refresh, Wire::Bytes(answer(body)), 3);
        assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)), "{body}");
        screens.assert_shown("trying again: the server's answer is invalid: ");
        screens.assert_shown(reason);
        assert_eq!([server.requests(Stage::Codes), server.requests(Stage::Refresh)], [1, 4], "{body}");
    }
}

/// As some servers make them, with a person's groups inside.
#[test]
fn an_access_token_of_4_kb_works() {
    let token = format!("hidden.{}.x", "a".repeat(4_096));
    let (mut device, server, _, mut clock) = at(Stage::Codes, Wire::Silence, 0);
    server.give_out(&token);
    assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)));
    assert_eq!(device.call(&resource()).unwrap().status(), 200);
    assert_eq!(server.authorization(), format!("Bearer {token}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A few answers in a row of any bytes, with a good head or without: it goes on, or says that it does not.
    #[test]
    fn whatever_comes_the_device_goes_on_or_says_why_not(
        stage in prop::sample::select(STAGES.to_vec()),
        with_head: bool,
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            r#"\{("(error|access_token|device_code|interval|expires_in)":("[a-z_]{0,9}"|-?[0-9]{1,20}|null|\[\]),?){0,4}\}"#
                .prop_map(String::into_bytes),
        ],
        times in 1_usize..4,
    ) {
        let bytes = if with_head { answer_of(&bytes) } else { bytes };
        let (mut device, server, screens, mut clock) = at(stage, Wire::Bytes(bytes), times);
        if stage == Stage::Call {
            let _ = device.call(&resource());
        }
        match live(&mut device, &mut clock, HOUR) {
            Progress::SignedIn(_) => prop_assert!(screens.last().starts_with("signed in")),
            Progress::Ended => {
                let last = screens.last();
                prop_assert!(last.starts_with("not signed in: the ") && last.len() > 25, "{}", last);
                server.recover();
                device.start_again();
                prop_assert!(matches!(live(&mut device, &mut clock, HOUR), Progress::SignedIn(_)));
            }
            Progress::WaitUntil(moment) => prop_assert!(false, "it waits until {:?}", moment),
        }
    }
}

fn answer_of(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}
