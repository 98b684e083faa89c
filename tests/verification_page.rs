//! The page of RFC 8628 section 3.3 in a real browser, while a device waits.

use std::sync::Arc;
use std::time::Duration;

use mock_server::MockServer;
use oauth_client::{DeviceLogin, Error, ErrorCode};
use serde_json::json;

use crate::browser::Browser;
use crate::virtual_time::VirtualTime;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_person_types_the_code_and_approves() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::start();
    browser.open(login.verification_uri());
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.wait_for("Approve this device?");
    let page = browser.text();
    for expected in [login.user_code(), "device", "read", "in your possession"] {
        assert!(page.contains(expected), "no {expected:?} in {page}");
    }
    assert_eq!(browser.buttons(), ["Approve", "Deny"]);
    assert_eq!(server.pending().len(), 1, "nothing is decided yet");
    browser.press("Approve");
    browser.wait_for("Device approved");
    assert_eq!(browser.complaints(), json!([]));
    login.wait().await.expect("a token");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn the_code_may_be_typed_in_lower_case_without_the_hyphen() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::start();
    browser.open(login.verification_uri());
    browser.fill("Code", &login.user_code().replace('-', "").to_lowercase());
    browser.press_enter("Code");
    browser.wait_for(login.user_code());
    browser.press("Approve");
    browser.wait_for("Device approved");
    login.wait().await.expect("a token");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_person_denies() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::start();
    browser.open(login.verification_uri());
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.press("Deny");
    browser.wait_for("Device denied");
    let error = login.wait().await.expect_err("no token");
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn after_a_wrong_code_the_right_one_still_works() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::start();
    browser.open(login.verification_uri());
    browser.fill("Code", "BBBB-BBBB");
    browser.press("Continue");
    browser.wait_for("That code is wrong");
    assert_eq!(browser.value("Code"), "BBBB-BBBB", "to be compared and corrected");
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.press("Approve");
    browser.wait_for("Device approved");
    login.wait().await.expect("a token");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn an_expired_code_is_called_expired() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::start();
    browser.open(login.verification_uri());
    server.advance(Duration::from_secs(601));
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.wait_for("That code has expired");
    assert_eq!(browser.buttons(), ["Continue"], "another code can be typed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_used_code_is_called_used() {
    let (server, login) = waiting_device().await;
    server.deny(login.user_code()).unwrap();
    let mut browser = Browser::start();
    browser.open(login.verification_uri());
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.wait_for("That code has been used already");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_code_in_the_uri_is_filled_in_and_still_asked_about() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::start();
    browser.open(login.verification_uri_complete().expect("a complete URI"));
    assert_eq!(browser.value("Code"), login.user_code());
    assert_eq!(server.pending().len(), 1, "opening a link decides nothing");
    browser.press("Continue");
    browser.wait_for("Approve this device?");
    assert!(browser.text().contains(login.user_code()));
    assert!(!browser.url().contains(login.user_code()), "the code does not stay in the address");
    browser.press("Approve");
    browser.wait_for("Device approved");
    login.wait().await.expect("a token");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn the_page_works_without_javascript() {
    let (server, login) = waiting_device().await;
    let mut browser = Browser::without_javascript();
    browser.open(login.verification_uri());
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.press("Approve");
    browser.wait_for("Device approved");
    login.wait().await.expect("a token");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn the_page_fits_a_phone() {
    /// The smallest target for a thumb (WCAG 2.2, success criterion 2.5.5).
    const THUMB: f64 = 44.0;
    let (_server, login) = waiting_device().await;
    let mut browser = Browser::on_a_phone();
    browser.open(login.verification_uri());
    let form = browser.layout();
    browser.fill("Code", login.user_code());
    browser.press("Continue");
    browser.wait_for("Approve this device?");
    for layout in [form, browser.layout()] {
        assert_eq!(layout["overflows"], false, "{layout}");
        assert!(layout["smallest_control"].as_f64().unwrap() >= THUMB, "{layout}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn the_first_decision_stands() {
    let (server, login) = waiting_device().await;
    let mut first = Browser::start();
    let mut second = Browser::start();
    for browser in [&mut first, &mut second] {
        browser.open(login.verification_uri());
        browser.fill("Code", login.user_code());
        browser.press("Continue");
        browser.wait_for("Approve this device?");
    }
    first.press("Deny");
    first.wait_for("Device denied");
    second.press("Approve");
    second.wait_for("That code has been used already");
    let error = login.wait().await.expect_err("no token");
    assert!(matches!(&error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied), "{error}");
    server.assert_clean();
}

/// A device that has shown its code and waits, in virtual time.
async fn waiting_device() -> (Arc<MockServer>, DeviceLogin) {
    let server = Arc::new(MockServer::start().await.unwrap());
    let client = VirtualTime::of(&server).client().build().unwrap();
    let login = client.device_login("read").await.unwrap();
    (server, login)
}
