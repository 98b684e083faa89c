//! Every page of the mock server before axe, in both themes; and by keyboard alone.

use mock_server::{MockServer, Person};
use serde_json::{Value, json};

use crate::browser::Browser;

/// Opens each page in turn and hands it to `look` under its name.
async fn each_page(browser: &mut Browser, mut look: impl FnMut(&mut Browser, &str)) {
    let people = [
        Person::alice(),
        Person::new("u-42").with_claim("name", "Bob Builder").with_claim("email", "b@example.com"),
    ];
    let server = MockServer::builder().users(people).consent_page(true).start().await.unwrap();
    let home = format!("{}/", server.issuer());
    let url = |path: &str| format!("{home}{path}");
    browser.open(&home);
    look(browser, "home without logins");

    let ask = |browser: &mut Browser| {
        let asked = browser.send(&url("device-authorization"), "client_id=device&scope=openid+profile+read");
        serde_json::from_str::<Value>(asked["body"].as_str().unwrap()).unwrap()
    };
    let polled = ask(browser);
    let poll = format!(
        "client_id=device&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={}",
        polled["device_code"].as_str().unwrap()
    );
    for _ in 0..12 {
        browser.send(&url("token"), &poll);
    }
    server.slow_down(polled["user_code"].as_str().unwrap()).unwrap();
    for decide in ["approve", "deny", "expire"] {
        let login = ask(browser);
        let path = format!("_control/devices/{}/{decide}", login["user_code"].as_str().unwrap());
        browser.send(&url(&path), "");
    }
    browser.send(&url("token"), "grant_type=password&client_id=device");
    browser.open(&home);
    browser.wait_for("5 earlier");
    look(browser, "home with logins");

    browser.open(polled["verification_uri_complete"].as_str().unwrap());
    look(browser, "form for the code");
    browser.fill("Code", "BBBB-BBBB");
    browser.press("Continue");
    look(browser, "wrong code");
    browser.fill("Code", polled["user_code"].as_str().unwrap());
    browser.press("Continue");
    look(browser, "who signs in at the device");
    for n in 0..8 {
        server.put_user(Person::new(format!("u{n}")));
    }
    let other = ask(browser);
    browser.open(other["verification_uri_complete"].as_str().unwrap());
    browser.press("Continue");
    look(browser, "a list of users");
    browser.press("Approve");
    look(browser, "approved");
    browser.open(&home);
    look(browser, "home with a list of users");
    browser.open(&url("authorize?response_type=code&client_id=web&scope=openid&state=x&login_hint=nobody"));
    look(browser, "consent");
    browser.open(&url("authorize?response_type=code&client_id=nobody"));
    look(browser, "refused");
    browser.follow("Why it was refused");
    look(browser, "explained");
}

async fn assert_accessible(mut browser: Browser) {
    let mut found = Vec::new();
    let mut pages = 0;
    each_page(&mut browser, |browser, page| {
        pages += 1;
        let layout = browser.layout();
        if layout["overflows"] == true {
            found.push(format!("{page}: wider than the screen"));
        }
        for violation in browser.axe().as_array().unwrap() {
            found.push(format!("{page}: {violation}"));
        }
    })
    .await;
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(pages, 11);
    assert_eq!(browser.complaints(), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn axe_finds_nothing_in_light() {
    assert_accessible(Browser::with(&json!({"scheme": "light"}))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn axe_finds_nothing_in_dark_on_a_phone() {
    assert_accessible(Browser::with(&json!({"scheme": "dark", "phone": true}))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium, node and npm packages: run by tests/run"]
async fn a_person_signs_in_by_keyboard_alone() {
    let server = MockServer::builder()
        .users([Person::alice(), Person::new("bob")])
        .consent_page(true)
        .start()
        .await
        .unwrap();
    let mut browser = Browser::start();
    let asked = browser.send(&format!("{}/device-authorization", server.issuer()), "client_id=device");
    let asked: Value = serde_json::from_str(asked["body"].as_str().unwrap()).unwrap();
    browser.open(asked["verification_uri"].as_str().unwrap());
    assert_eq!(browser.focused(), "Code", "the field waits for the code");
    browser.type_text(asked["user_code"].as_str().unwrap());
    browser.key("Enter");
    browser.wait_for("Approve this device?");
    browser.key("Tab");
    assert_eq!(browser.focused(), "Alice Example alice · alice@example.com");
    browser.key("ArrowDown");
    assert_eq!(browser.focused(), "bob bob");
    browser.key("Tab");
    assert_eq!(browser.focused(), "Approve");
    assert!(browser.focus_is_visible());
    browser.key("Tab");
    assert_eq!(browser.focused(), "Deny");
    browser.key("Shift+Tab");
    browser.key("Enter");
    browser.wait_for("Device approved");
    browser.open(&format!("{}/", server.issuer()));
    browser.wait_for("approved as bob");
}
