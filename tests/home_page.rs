//! The page at the root of the mock server, open in a browser while a device signs in.

use std::sync::Arc;
use std::time::Duration;

use mock_server::{FrozenClock, MockServer, Person};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::terminal::scan_qr_code;

/// A device that sends what a test tells it to.
struct Device {
    server: Arc<MockServer>,
    browser: Browser,
    codes: Value,
    /// Time passes when a test says so.
    clock: FrozenClock,
}

impl Device {
    /// A browser at the page, and a device that then asks for its codes.
    async fn starts(browser: Browser) -> Self {
        Self::starts_at(browser, MockServer::start().await.unwrap(), "").await
    }

    #[expect(clippy::unused_async, reason = "as the other")]
    async fn starts_at(mut browser: Browser, server: MockServer, tenant: &str) -> Self {
        let issuer = format!("{}{tenant}", server.issuer());
        let clock = server.freeze_clock();
        browser.open(&format!("{issuer}/"));
        browser.wait_for("No device has asked");
        let asked = browser.send(&format!("{issuer}/device-authorization"), "client_id=device&scope=read");
        let codes = serde_json::from_str(asked["body"].as_str().unwrap()).unwrap();
        Self { server: Arc::new(server), browser, codes, clock }
    }

    fn user_code(&self) -> &str {
        self.codes["user_code"].as_str().unwrap()
    }

    fn sees_its_code(&mut self) {
        self.browser.wait_for(self.codes["user_code"].as_str().unwrap());
    }

    /// Polls after `seconds`; the error, empty for tokens.
    fn polls_after(&mut self, seconds: u64) -> String {
        self.server.advance(Duration::from_secs(seconds));
        let issuer = self.codes["verification_uri"].as_str().unwrap().strip_suffix("/device").unwrap();
        let form = format!(
            "client_id=device&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={}",
            self.codes["device_code"].as_str().unwrap()
        );
        let answer = self.browser.send(&format!("{issuer}/token"), &form);
        let answer: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        answer["error"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn it_follows_a_device_from_its_code_to_its_tokens() {
    let mut device = Device::starts(Browser::start()).await;
    device.sees_its_code();
    device.browser.wait_for("waits for a person");
    assert_eq!(device.polls_after(7), "authorization_pending");
    device.browser.wait_for("7.0 s");
    assert_eq!(device.polls_after(2), "slow_down");
    device.browser.wait_for("poll-interval: expected at least 5.0 s since the last request, got 2.0 s");
    device.browser.press("Approve");
    device.browser.wait_for("approved as alice");
    assert!(device.browser.url().ends_with(&format!("/#login-{}", device.user_code())));
    assert_eq!(device.polls_after(10), "");
    device.browser.wait_for("tokens for alice");
    assert_eq!(device.browser.buttons(), Vec::<String>::new(), "nothing is left to decide");
    assert_eq!(device.browser.complaints(), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn its_other_buttons_reach_the_device() {
    for (button, answer, shown) in [
        ("Deny", "access_denied", "Denied"),
        ("Slow down next", "slow_down", "The next poll will hear slow_down"),
        ("Expire now", "expired_token", "Expired on demand"),
    ] {
        let mut device = Device::starts(Browser::start()).await;
        device.sees_its_code();
        device.browser.press(button);
        device.browser.wait_for(shown);
        assert_eq!(device.polls_after(5), answer);
        assert_eq!(device.browser.complaints(), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn it_works_without_javascript() {
    let server = MockServer::builder().users([Person::alice(), Person::new("bob")]).start().await.unwrap();
    let mut device = Device::starts_at(Browser::without_javascript(), server, "").await;
    let home = format!("{}/", device.server.issuer());
    assert!(device.browser.text().contains("reload it to see what is new"));
    device.browser.open(&home);
    device.browser.press("Slow down next");
    device.browser.wait_for("The next poll will hear slow_down");
    assert_eq!(device.polls_after(5), "slow_down");
    device.browser.choose("Sign in as", "bob");
    device.browser.press("Approve");
    device.browser.wait_for("approved as bob");
    assert_eq!(device.polls_after(10), "");
    device.browser.open(&home);
    device.browser.wait_for("tokens for bob");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn that_of_a_tenant_follows_the_tenant() {
    let mut device = Device::starts_at(Browser::start(), MockServer::start().await.unwrap(), "/t/a").await;
    device.sees_its_code();
    device.browser.press("Deny");
    device.browser.wait_for("Denied");
    assert_eq!(device.polls_after(5), "access_denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_decision_of_a_test_and_an_expiry_are_seen_at_once() {
    let mut device = Device::starts(Browser::start()).await;
    device.sees_its_code();
    device.server.approve(device.user_code()).unwrap();
    device.browser.wait_for("approved as alice");
    device.server.advance(Duration::from_secs(599));
    drop(device.clock);
    // The last second passes in real time, and no request tells of it.
    device.browser.wait_for("expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn what_is_new_takes_neither_the_focus_nor_a_choice() {
    let server = MockServer::builder().users([Person::alice(), Person::new("bob")]).start().await.unwrap();
    let mut device = Device::starts_at(Browser::start(), server, "").await;
    device.sees_its_code();
    device.browser.choose("Sign in as", "bob");
    for _ in 0..10 {
        device.polls_after(5);
    }
    device.browser.wait_for("2 earlier");
    device.browser.unfold("2 earlier");
    device.browser.focus_button("Deny");
    device.polls_after(5);
    device.browser.wait_for("3 earlier");
    assert_eq!(device.browser.focused(), "Deny");
    assert_eq!(device.browser.value("Sign in as"), "bob");
    assert!(device.browser.is_unfolded("3 earlier"));
    device.server.approve(device.user_code()).unwrap();
    device.browser.wait_for("approved as alice");
    assert_eq!(device.browser.focused(), device.user_code(), "the buttons are gone, the login is not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_screen_reader_hears_of_logins_and_not_of_polls() {
    let mut device = Device::starts(Browser::start()).await;
    device.sees_its_code();
    let new = format!("Device login {}: waits for a person.", device.user_code());
    assert_eq!(device.browser.announced(), new);
    for _ in 0..3 {
        device.polls_after(11);
    }
    device.browser.wait_for("33.0 s");
    assert_eq!(device.browser.announced(), new, "not a word about polls");
    device.server.deny(device.user_code()).unwrap();
    device.browser.wait_for("Denied");
    assert_eq!(device.browser.announced(), format!("Device login {}: denied.", device.user_code()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, zbarimg, node and npm packages: run by tests/run"]
async fn a_phone_can_scan_its_qr_code() {
    let mut device = Device::starts(Browser::with(&json!({"scheme": "dark"}))).await;
    device.sees_its_code();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("qr.png");
    device.browser.photograph("svg.qr-code", &picture);
    assert_eq!(scan_qr_code(&picture), device.codes["verification_uri_complete"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn it_fits_a_phone() {
    let mut device = Device::starts(Browser::on_a_phone()).await;
    device.sees_its_code();
    device.polls_after(1);
    device.polls_after(1);
    device.browser.wait_for("poll-interval");
    let layout = device.browser.layout();
    assert_eq!(layout["overflows"], false, "{layout}");
    assert!(layout["smallest_control"].as_f64().unwrap() >= 44.0, "{layout}");
}
