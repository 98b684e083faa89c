//! A device over power cuts, expiries and servers that are away, in virtual time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::{CallError, Device, KeptLogin, Progress, Screen, Storage, View};
use oauth_protocol::{AuthorizationScheme, EndpointPolicy, TransportFailure};
use zeroize::Zeroizing;

use crate::board::{KeptRecord, KeptScreen, Outcome, ScriptedTransport, VirtualClock, client};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const CODES: Outcome = Ok((
    200,
    r#"{"device_code":"hidden-code","user_code":"WDJB-MJHT","verification_uri":"https://auth.example.com/device","expires_in":600,"interval":5}"#,
));
pub(crate) const PENDING: Outcome = Ok((400, r#"{"error":"authorization_pending"}"#));
pub(crate) const SLOW_DOWN: Outcome = Ok((400, r#"{"error":"slow_down"}"#));
pub(crate) const DENIED: Outcome = Ok((400, r#"{"error":"access_denied"}"#));
pub(crate) const INVALID_GRANT: Outcome = Ok((400, r#"{"error":"invalid_grant"}"#));
pub(crate) const FIRST: Outcome = Ok((
    200,
    r#"{"access_token":"access-1","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-1"}"#,
));
pub(crate) const SECOND: Outcome = Ok((
    200,
    r#"{"access_token":"access-2","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-2"}"#,
));
pub(crate) const WITHOUT_REFRESH: Outcome =
    Ok((200, r#"{"access_token":"access-1","token_type":"Bearer","expires_in":3600}"#));

pub(crate) type TestDevice = Device<ScriptedTransport, VirtualClock, KeptScreen, KeptRecord>;

pub(crate) fn device(
    clock: &VirtualClock,
    storage: KeptRecord,
    script: impl IntoIterator<Item = Outcome>,
) -> TestDevice {
    let transport = ScriptedTransport::new(clock, script);
    Device::new(client(ISSUER), transport, clock.clone(), KeptScreen::default(), storage, 1)
}

fn kept(storage: &KeptRecord) -> Option<String> {
    match KeptLogin::from_bytes(storage.record.as_ref()?)? {
        KeptLogin::RefreshToken(token) => Some(token.expose().to_owned()),
        KeptLogin::Pending(login) => Some(login.user_code().to_owned()),
    }
}

pub(crate) fn with(refresh_token: &str) -> KeptRecord {
    let record = KeptLogin::RefreshToken(refresh_token.into()).to_bytes().to_vec();
    KeptRecord { record: Some(record), ..KeptRecord::default() }
}

/// Polls until there is nothing to do before a moment that lies ahead.
pub(crate) fn until_it_waits(device: &mut TestDevice, clock: &VirtualClock) -> Progress {
    use embedded_demo::Clock as _;
    loop {
        match device.poll() {
            Progress::WaitUntil(moment) if moment <= clock.clone().now() => {}
            progress => return progress,
        }
    }
}

#[test]
fn a_new_device_signs_in_and_keeps_the_refresh_token() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), [CODES, PENDING, FIRST]);
    assert_eq!(device.access_token().unwrap().expose(), "access-1");
    let (transport, _, screen, storage) = device.into_parts();
    assert_eq!(transport.sent.len(), 3);
    assert_eq!(kept(&storage).as_deref(), Some("refresh-1"));
    assert_eq!(storage.saves, 2, "the codes, and the refresh token");
    assert_eq!(screen.0.last().unwrap(), "signed in, the token is valid for 3600 s");
}

/// The screen says "signed in" only where a power cut would find the new refresh token.
#[test]
fn the_refresh_token_is_kept_before_anything_is_done_with_the_access_token() {
    struct Witness(Rc<RefCell<Vec<String>>>);
    impl Screen for Witness {
        fn show(&mut self, view: &View<'_>) {
            self.0.borrow_mut().push(view.to_string());
        }
    }
    impl Storage for Witness {
        type Error = &'static str;

        fn load(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, &'static str> {
            Ok(Some(KeptLogin::RefreshToken("refresh-1".into()).to_bytes()))
        }

        fn save(&mut self, record: &[u8]) -> Result<(), &'static str> {
            self.0.borrow_mut().push(format!("kept: {}", String::from_utf8_lossy(record)));
            Ok(())
        }

        fn erase(&mut self) -> Result<(), &'static str> {
            Err("nothing is to be erased")
        }
    }
    // A refresh, and one that is refused and leads to a login.
    for script in [vec![SECOND], vec![INVALID_GRANT, CODES, SECOND]] {
        let (clock, seen) = (VirtualClock::default(), Rc::default());
        let transport = ScriptedTransport::new(&clock, script);
        let (screen, storage) = (Witness(Rc::clone(&seen)), Witness(Rc::clone(&seen)));
        let mut device = Device::new(client(ISSUER), transport, clock, screen, storage, 1);
        device.access_token().unwrap();
        let seen = seen.borrow();
        assert_eq!(seen[0], "getting a new token");
        assert_eq!(seen[seen.len() - 2..], ["kept: Rrefresh-2", "signed in, the token is valid for 3600 s"]);
    }
}

#[test]
fn after_a_reboot_it_refreshes_and_the_new_refresh_token_is_kept() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, with("refresh-1"), [SECOND]);
    assert_eq!(device.access_token().unwrap().expose(), "access-2");
    let (transport, _, screen, storage) = device.into_parts();
    assert!(transport.sent[0].1.contains("refresh_token=refresh-1"), "{:?}", transport.sent);
    assert_eq!(kept(&storage).as_deref(), Some("refresh-2"));
    assert!(screen.0.iter().all(|view| !view.contains("refresh-") && !view.contains("access-")));
}

/// At each of its moments the power may fail: what is kept then signs the device in again, or never did.
#[test]
fn a_reset_in_the_middle_of_polling_goes_on_with_the_same_code() {
    let clock = VirtualClock::default();
    let mut before = device(&clock, KeptRecord::default(), [CODES, PENDING, SLOW_DOWN]);
    for _ in 0..2 {
        let Progress::WaitUntil(moment) = until_it_waits(&mut before, &clock) else { panic!("it waits") };
        clock.pass(Duration::from_millis(moment.as_millis() - clock.millis()));
    }
    assert!(matches!(until_it_waits(&mut before, &clock), Progress::WaitUntil(_)));
    let (.., storage) = before.into_parts();
    assert_eq!(kept(&storage).as_deref(), Some("WDJB-MJHT"));
    assert_eq!(storage.saves, 2, "once more for the slower pace, not at each poll");

    let off = clock.millis();
    let mut after = device(&clock, storage, [FIRST]);
    assert_eq!(after.access_token().unwrap().expose(), "access-1");
    let (transport, _, screen, storage) = after.into_parts();
    assert_eq!(transport.sent.len(), 1, "no new code");
    assert!(transport.sent[0].0 >= off + 10_000, "a whole interval, the slower one: {:?}", transport.sent);
    assert!(transport.sent[0].1.contains("device_code=hidden-code"));
    assert!(
        screen.0.iter().any(|view| view.contains("WDJB-MJHT")),
        "the code is shown again: {:?}",
        screen.0
    );
    assert_eq!(kept(&storage).as_deref(), Some("refresh-1"));
}

#[test]
fn a_refresh_token_that_is_refused_leads_to_a_new_login() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, with("spent"), [INVALID_GRANT, CODES, FIRST]);
    assert_eq!(device.access_token().unwrap().expose(), "access-1");
    assert_eq!(kept(&device.into_parts().3).as_deref(), Some("refresh-1"));
}

#[test]
fn a_server_that_is_away_costs_no_login() {
    let clock = VirtualClock::default();
    let away = [
        Err(TransportFailure::Dns),
        Ok((503, "<html>down</html>")),
        Ok((200, "<html>hotel</html>")),
        Ok((401, r#"{"error":"invalid_client"}"#)),
    ];
    let mut device = device(&clock, with("refresh-1"), away.into_iter().chain([SECOND]));
    assert_eq!(device.access_token().unwrap().expose(), "access-2");
    let (transport, _, screen, storage) = device.into_parts();
    let at: Vec<u64> = transport.sent.iter().map(|(at, _)| at / 1000).collect();
    assert_eq!(at, [0, 5, 15, 35, 335], "longer each time, and long where nothing changes within seconds");
    assert!(transport.sent.iter().all(|(_, body)| body.contains("refresh_token=refresh-1")));
    assert_eq!(screen.0.iter().filter(|view| view.starts_with("trying again: ")).count(), 4);
    assert_eq!(kept(&storage).as_deref(), Some("refresh-2"));
}

#[test]
fn a_token_is_replaced_before_its_end() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, with("refresh-1"), [FIRST, SECOND]);
    let Progress::SignedIn(Some(moment)) = until_it_waits(&mut device, &clock) else { panic!("signed in") };
    assert_eq!(moment.as_millis(), 100 + 3_540_000, "a minute before");
    clock.pass(Duration::from_millis(moment.as_millis() - clock.millis() - 1));
    assert_eq!(device.poll(), Progress::SignedIn(Some(moment)));
    clock.pass(Duration::from_millis(1));
    assert_eq!(device.access_token().unwrap().expose(), "access-2");
}

#[test]
fn without_a_refresh_token_the_end_of_the_token_is_a_new_login() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), [CODES, WITHOUT_REFRESH, CODES, FIRST]);
    assert_eq!(device.access_token().unwrap().expose(), "access-1");
    clock.pass(Duration::from_secs(3600));
    assert_eq!(device.access_token().unwrap().expose(), "access-1");
    let (transport, .., storage) = device.into_parts();
    assert_eq!(transport.sent.len(), 4);
    assert_eq!(kept(&storage).as_deref(), Some("refresh-1"));
}

#[test]
fn a_login_that_was_denied_stays_so_until_somebody_wants_another() {
    let clock = VirtualClock::default();
    let mut device = device(&clock, KeptRecord::default(), [CODES, DENIED, CODES, FIRST]);
    assert!(device.access_token().is_none());
    clock.pass(Duration::from_secs(86_400));
    assert_eq!(device.poll(), Progress::Ended, "RFC 8628 section 3.5: not by itself");
    device.start_again();
    assert_eq!(device.access_token().unwrap().expose(), "access-1");
}

#[test]
fn whatever_the_memory_holds_the_device_signs_in() {
    for record in [&b""[..], b"\x00\xFF\x00", b"P{}", b"R", b"P{\"version\":9}", &[0x52, 0xFF, 0xFE]] {
        let clock = VirtualClock::default();
        let storage = KeptRecord { record: Some(record.to_vec()), ..KeptRecord::default() };
        let mut device = device(&clock, storage, [CODES, FIRST]);
        assert_eq!(device.access_token().unwrap().expose(), "access-1", "{record:?}");
        assert_eq!(kept(&device.into_parts().3).as_deref(), Some("refresh-1"));
    }
}

#[test]
fn a_memory_that_fails_is_told_and_the_device_works_until_its_power_fails() {
    let clock = VirtualClock::default();
    let storage = KeptRecord { is_broken: true, ..KeptRecord::default() };
    let mut device = device(&clock, storage, [CODES, FIRST]);
    assert_eq!(device.access_token().unwrap().expose(), "access-1");
    let (_, _, screen, _) = device.into_parts();
    assert!(screen.0.iter().any(|view| view == "not stored: broken"), "{:?}", screen.0);
}

#[test]
fn calls_carry_the_token_as_the_server_wants_it_and_a_refused_one_is_replaced() {
    let resource = EndpointPolicy::new().endpoint("https://api.example.com/readings").unwrap();
    for (scheme, header) in
        [(AuthorizationScheme::Bearer, "Bearer access-1"), (AuthorizationScheme::Raw, "access-1")]
    {
        let clock = VirtualClock::default();
        let script = [FIRST, Ok((200, "{}")), Ok((401, "")), SECOND, Ok((200, "{}"))];
        let transport = ScriptedTransport::new(&clock, script);
        let client = embedded_demo::Client { authorization_scheme: scheme, ..client(ISSUER) };
        let screen = KeptScreen::default();
        let mut device = Device::new(client, transport, clock.clone(), screen, with("refresh-1"), 1);
        assert_eq!(device.call(&resource).unwrap_err(), CallError::NotSignedIn);
        device.access_token().unwrap();
        assert_eq!(device.call(&resource).unwrap().status(), 200);
        assert_eq!(device.call(&resource).unwrap().status(), 401);
        assert_eq!(device.access_token().unwrap().expose(), "access-2");
        assert_eq!(device.call(&resource).unwrap().status(), 200);
        let sent = device.into_parts().0.authorizations;
        assert_eq!(sent[1].as_deref(), Some(header));
        assert_eq!(sent[4].as_deref(), Some(header.replace('1', "2").as_str()));
    }
}
