//! Who signs in, chosen on the pages: OpenID Connect Core section 3.1.2.1 for `login_hint`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_server::Person;
use serde_json::{Value, json};

use crate::state::{CHALLENGE, Received, State, VERIFIER};

fn two_people() -> Vec<Person> {
    vec![
        Person::alice(),
        Person::new("u-42")
            .with_claim("name", "Bob Builder")
            .with_claim("email", "bob@example.com")
            .with_claim("preferred_username", "bob"),
    ]
}

fn state() -> State {
    State::with(|settings| settings.users = two_people())
}

const BOB_IS_CHOSEN: &str = "value=\"u-42\" required checked";
const ALICE_IS_CHOSEN: &str = "value=\"alice\" required checked";

/// The page that asks to approve the device, opened with this query and the form's answer.
fn confirm_page(state: &mut State, query: &str) -> (Received, String) {
    let login = state.start_device_login_with("client_id=device&scope=openid+profile+email");
    let (page, csrf_token) = state.open_page(&format!("/device{query}"));
    let hint = if page.body.contains("name=\"login_hint\"") {
        format!("&login_hint={}", page.hidden_field("login_hint"))
    } else {
        String::new()
    };
    let form = format!("csrf_token={csrf_token}&user_code={}", login.user_code);
    let page = state.post("/device", &format!("{form}{hint}"));
    (page, format!("{form}{hint}&decision="))
}

#[test]
fn one_user_is_not_asked_who_they_are() {
    let mut state = State::new();
    let (page, form) = confirm_page(&mut state, "");
    assert!(!page.body.contains("name=\"user\""), "{}", page.body);
    state.post("/device", &format!("{form}approve")).assert_page(200, "Device approved");
}

#[test]
fn of_several_users_one_is_chosen_and_reaches_every_token() {
    let mut state = state();
    let login = state.start_device_login_with("client_id=device&scope=openid+profile+email");
    let (_, csrf_token) = state.open_page("/device");
    let form = format!("csrf_token={csrf_token}&user_code={}", login.user_code);
    let page = state.post("/device", &form);
    page.assert_page(200, ALICE_IS_CHOSEN);
    for text in ["<legend>Sign in as</legend>", "Bob Builder", "u-42 · bob@example.com"] {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
    state.post("/device", &format!("{form}&user=u-42&decision=approve")).assert_page(200, "Device approved");
    let answer = state.poll(&login);
    assert_is_bob(&mut state, &answer);
}

#[track_caller]
fn assert_is_bob(state: &mut State, answer: &Received) {
    assert_eq!(claims(&answer.text("id_token"))["sub"], "u-42");
    let access_token = answer.text("access_token");
    assert_eq!(claims(&access_token)["sub"], "u-42");
    let seen = state.introspect(&access_token);
    assert_eq!((&seen["sub"], &seen["username"]), (&json!("u-42"), &json!("u-42")));
    let bearer = format!("Bearer {access_token}");
    let userinfo = state.send("GET", "/userinfo", &[("authorization", &bearer)], "").json();
    assert_eq!((&userinfo["sub"], &userinfo["email"]), (&json!("u-42"), &json!("bob@example.com")));
}

fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_hint_chooses_beforehand_on_the_verification_page() {
    for hint in ["u-42", "bob@example.com", "Bob@Example.COM", "bob", "Bob+Builder"] {
        let (page, _) = confirm_page(&mut state(), &format!("?login_hint={hint}"));
        page.assert_page(200, BOB_IS_CHOSEN);
        assert!(!page.body.contains(ALICE_IS_CHOSEN), "{hint}");
    }
}

#[test]
fn an_unknown_hint_chooses_nobody_and_does_no_harm() {
    let mut state = state();
    let (page, form) = confirm_page(&mut state, "?login_hint=mallory");
    assert_eq!(page.status, 200);
    assert!(!page.body.contains(" checked"), "{}", page.body);
    state.post("/device", &format!("{form}approve")).assert_page(400, "Who signs in?");
    state.post("/device", &format!("{form}approve&user=alice")).assert_page(200, "Device approved");
}

#[test]
fn a_hint_that_fits_two_people_chooses_nobody() {
    let mut people = two_people();
    people.push(Person::new("u-43").with_claim("name", "Bob Builder"));
    let mut state = State::with(|settings| settings.users = people);
    let (page, _) = confirm_page(&mut state, "?login_hint=Bob+Builder");
    assert!(!page.body.contains(" checked"), "{}", page.body);
}

#[test]
fn a_posted_user_who_is_unknown_is_refused() {
    for mut state in [State::new(), state()] {
        let login = state.start_device_login();
        let (_, csrf_token) = state.open_page("/device");
        let form =
            format!("csrf_token={csrf_token}&user_code={}&decision=approve&user=mallory", login.user_code);
        state.post("/device", &form).assert_page(400, "Nobody of that name");
        assert_eq!(state.poll_error(&login), "authorization_pending", "nothing was decided");
    }
}

#[test]
fn who_denies_need_not_say_who_they_are() {
    let mut state = state();
    let (page, form) = confirm_page(&mut state, "?login_hint=mallory");
    assert!(page.body.contains("value=\"deny\" formnovalidate"), "{}", page.body);
    state.post("/device", &format!("{form}deny")).assert_page(200, "Device denied");
}

#[test]
fn many_users_are_a_list() {
    let mut state =
        State::with(|settings| settings.users = (0..30).map(|n| Person::new(format!("u{n}"))).collect());
    let (page, form) = confirm_page(&mut state, "?login_hint=u7");
    page.assert_page(200, "<select id=\"user\" name=\"user\" required>");
    assert!(page.body.contains("<option value=\"u7\" selected>"), "{}", page.body);
    state.post("/device", &format!("{form}approve&user=u9")).assert_page(200, "Device approved");
}

const REQUEST: &str =
    "response_type=code&client_id=web&state=xyz&scope=openid+email&code_challenge_method=S256";

#[test]
fn the_consent_page_asks_who_signs_in() {
    let mut state = state();
    let request = format!("{REQUEST}&code_challenge={CHALLENGE}");
    let (page, csrf_token) = state.open_page(&format!("/authorize?{request}&login_hint=bob@example.com"));
    page.assert_page(200, BOB_IS_CHOSEN);
    let form = format!("{request}&csrf_token={csrf_token}&decision=approve");
    state.post("/authorize", &form).assert_page(400, "Who signs in?");
    state.post("/authorize", &format!("{form}&user=mallory")).assert_page(400, "Nobody of that name");
    let code =
        state.post("/authorize", &format!("{form}&user=u-42")).location_parameter("code").expect("a code");
    let answer = state.redeem(&code, &format!("&code_verifier={VERIFIER}"));
    assert_is_bob(&mut state, &answer);
}

#[test]
fn a_user_in_the_request_itself_is_not_the_persons_choice() {
    let mut state = state();
    let (page, _) = state.open_page(&format!("/authorize?{REQUEST}&code_challenge={CHALLENGE}&user=u-42"));
    page.assert_page(200, ALICE_IS_CHOSEN);
    assert!(!page.body.contains("type=\"hidden\" name=\"user\""), "{}", page.body);
}

#[test]
fn without_a_page_the_hint_says_who_signs_in() {
    for (hint, subject) in [("bob", "u-42"), ("mallory", "alice")] {
        let mut state = State::with(|settings| {
            settings.users = two_people();
            settings.consent_page = false;
        });
        let code = state.code(&format!("&scope=openid&login_hint={hint}"));
        let answer = state.redeem(&code, "");
        assert_eq!(claims(&answer.text("id_token"))["sub"], subject);
    }
}

#[test]
fn pages_say_when_other_machines_can_reach_the_server() {
    let text = "Other machines can reach and steer this server";
    let mut open = State::with(|settings| settings.allow_remote = true);
    for path in ["/device", "/authorize?client_id=no", "/explain/scope"] {
        assert!(open.get(path).body.contains(text), "{path}");
        assert!(!State::new().get(path).body.contains(text), "{path}");
    }
}
