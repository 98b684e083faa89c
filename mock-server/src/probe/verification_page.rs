//! The page where a person types the code: RFC 8628 sections 3.3, 5.1, 5.4 and 6.1.

use std::time::Duration;

use super::browser::{Arrival, Browser, Page};
use super::check::{Check, Met, Miss, checks, expect};
use super::form::with_query;
use super::html::{has_viewport, shows};
use super::http_client::Answer;
use super::logins::{DeviceLogin, Probe};
use super::page::{expect_no_outside_resources, expect_no_referrer, expect_not_framed};
use super::person::Decision;

checks! {
    "RFC 8628: verification page"
    FORM: Must "page-form", "RFC 8628 section 3.3", "200 with text/html, and a form for the code that needs no script";
    PHONE: Should "page-on-a-phone", "RFC 8628 section 3.3", "a viewport of the device's width";
    NOT_FRAMED: Must "page-not-framed", "RFC 9700 section 4.16", "X-Frame-Options or frame-ancestors";
    REFERRER: Should "page-referrer", "RFC 9700 section 4.2.4", "Referrer-Policy: no-referrer";
    RESOURCES: Should "page-resources", "RFC 9700 section 4.2.4", "nothing loaded from elsewhere";
    ESCAPED: Must "page-escaped", "RFC 6749 section 10.14", "a user_code from the URL is escaped";
    SHOWN: Should "page-shows-code", "RFC 8628 section 3.3.1", "verification_uri_complete leads to a page that shows the code";
    NO_GET: Must "page-get-decides-nothing", "RFC 8628 sections 3.3.1 and 5.4", "no GET approves";
    TYPED: Should "page-code-as-typed", "RFC 8628 section 6.1", "the code in lower case and without its dash";
    CONFIRM: Must "page-asks-to-confirm", "RFC 8628 sections 3.3 and 5.4", "a typed code alone approves nothing";
    NAMES: Should "page-names-client", "RFC 8628 section 5.4", "what asks is named";
    WRONG: Must "page-wrong-code", "RFC 8628 section 3.3", "no way on with a wrong code, and no 5xx";
    USED: Must "page-used-code", "RFC 8628 section 3.3", "no way on with a code that was decided about";
    EXPIRED: Must "page-expired-code", "RFC 8628 section 3.3", "no way on with an expired code";
    CROSS_SITE: Must "page-cross-site", "RFC 9700 section 4.7", "a form of another site decides nothing";
    FINAL: Must "page-decision-final", "RFC 8628 section 3.3", "the other button after a decision changes nothing";
    HIDDEN: Must "page-hides-device-code", "RFC 8628 section 5.2", "the device_code on no page";
    GUESSES: Should "page-guesses-limited", "RFC 8628 section 5.1",
        "429 with Retry-After after at most 10 wrong codes, even with a right one among them";
}

/// What needs no time.
pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[FORM, PHONE, NOT_FRAMED, REFERRER, RESOURCES], first_page(probe)),
        probe.scenario(&[ESCAPED], escaped(probe)),
        probe.scenario(&[SHOWN, NO_GET], shown(probe)),
        probe.scenario(&[TYPED, CONFIRM, NAMES, HIDDEN], typed(probe)),
        probe.scenario(&[WRONG], async {
            let login = probe.start_device_login().await?;
            let page = type_code(&mut Browser::new(&probe.http, None), &login, "BCDF-GHJK").await?;
            expect(!confirms(&page) && page.answer.status < 500, || page.answer.in_words())
        }),
        probe.scenario(&[USED], used(probe)),
        probe.scenario(&[CROSS_SITE], cross_site(probe)),
        probe.scenario(&[FINAL], decision_final(probe)),
    );
}

/// What waits.
pub(super) async fn run_in_time(probe: &Probe) {
    probe.slow_scenario(&[EXPIRED], expired(probe)).await;
}

/// After all else, as nobody may get in for a while.
pub(super) async fn run_last(probe: &Probe) {
    probe.slow_scenario(&[GUESSES], guesses(probe)).await;
}

/// Opens the page, types a code and presses the first button.
async fn type_code(browser: &mut Browser<'_>, login: &DeviceLogin, code: &str) -> Result<Page, Miss> {
    let page = browser.open_page(&login.verification_uri).await?;
    let Some((form, field)) = code_form(&page) else {
        return Err(Miss::Unknown(format!("no form for the code on the page: {}", page.answer.in_words())));
    };
    let button = form.buttons.first().map(|(name, value)| (name.as_str(), value.as_str()));
    match browser.submit(&page, &form, &[(&field, code)], button).await? {
        Arrival::Page(page) => Ok(page),
        Arrival::Destination(..) => Err(Miss::Unknown("the form left the server".to_owned())),
    }
}

/// A form with a field that a person can fill in.
fn code_form(page: &Page) -> Option<(super::html::Form, String)> {
    let form = page.form()?;
    let field = form.fields.iter().find(|field| field.is_typed)?.name.clone();
    Some((form, field))
}

/// Whether the page leads on from a code, and does not ask for one again.
fn confirms(page: &Page) -> bool {
    page.answer.status == 200 && page.form().is_some() && code_form(page).is_none()
}

/// Whether the person still has to decide.
fn is_undecided(poll: &Answer) -> bool {
    matches!(poll.text("error").as_deref(), Some("authorization_pending" | "slow_down"))
}

async fn expect_undecided(probe: &Probe, login: &DeviceLogin) -> Met {
    let poll = probe.poll(login).await?;
    expect(is_undecided(&poll), || format!("{} for the next poll", poll.in_words()))
}

async fn first_page(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let page = Browser::new(&probe.http, None).open_page(&login.verification_uri).await?;
    let judge = |check: &'static Check, met| probe.ledger.judge(check, met);
    let is_html = page.answer.status == 200 && page.answer.media_type() == "text/html";
    judge(FORM, expect(is_html && code_form(&page).is_some(), || page.answer.in_words()));
    if !is_html {
        return Err(Miss::Unknown("there is no page to look at".to_owned()));
    }
    judge(PHONE, expect(has_viewport(&page.answer.body), || "none".to_owned()));
    judge(NOT_FRAMED, expect_not_framed(&page.answer));
    judge(REFERRER, expect_no_referrer(&page.answer));
    judge(RESOURCES, expect_no_outside_resources(&page));
    Ok(())
}

async fn escaped(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    for attack in
        ["\"><script>probe()</script>", "'><img src=x onerror=probe()>", "</form><script>probe()</script>"]
    {
        let url = with_query(&login.verification_uri, &[("user_code", attack)]);
        let page = Browser::new(&probe.http, None).open_page(&url).await?;
        let broke_out = ["<script>probe", "<img src=x"].iter().any(|code| page.answer.body.contains(code));
        expect(!broke_out, || "the page holds it as it came".to_owned())?;
    }
    Ok(())
}

async fn shown(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let Some(complete) = &login.verification_uri_complete else {
        return Err(Miss::Unknown("the server sent no verification_uri_complete".to_owned()));
    };
    let mut browser = Browser::new(&probe.http, None);
    let mut page = browser.open_page(complete).await?;
    let is_shown = |page: &Page| shows(&page.answer.body, &login.user_code);
    // A page may send itself on by script: to see what it leads to, its form is sent.
    if !is_shown(&page)
        && let Some(form) = page.form()
        && let Arrival::Page(next) = browser.submit(&page, &form, &[], None).await?
    {
        page = next;
    }
    probe.ledger.judge(SHOWN, expect(is_shown(&page), || "a page without it".to_owned()));
    probe.ledger.judge(NO_GET, expect_undecided(probe, &login).await);
    Ok(())
}

async fn typed(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let plain: String = login.user_code.chars().filter(char::is_ascii_alphanumeric).collect();
    let typed = plain.to_ascii_lowercase();
    let page = type_code(&mut Browser::new(&probe.http, None), &login, &typed).await?;
    probe
        .ledger
        .judge(TYPED, expect(confirms(&page), || format!("{} and the form again", page.answer.in_words())));
    let page = type_code(&mut Browser::new(&probe.http, None), &login, &login.user_code).await?;
    let asked = async {
        expect(page.answer.status == 200, || page.answer.in_words())?;
        expect_undecided(probe, &login).await
    };
    probe.ledger.judge(CONFIRM, asked.await);
    let hides = !page.answer.body.contains(&login.device_code);
    probe.ledger.judge(HIDDEN, expect(hides, || "it is on the page to confirm the code".to_owned()));
    let id = &probe.device_client()?.id;
    let named = match &probe.clients.device_name {
        Some(name) => page.answer.body.contains(name),
        // A server that knows no better name may show the client_id.
        None if page.answer.body.contains(id) => true,
        None => return Err(Miss::Unknown("what the client is called is not known here".to_owned())),
    };
    probe.ledger.judge(NAMES, expect(named, || "a page without it".to_owned()));
    Ok(())
}

async fn used(probe: &Probe) -> Met {
    probe.person.can(Decision::Approve)?;
    let login = probe.start_device_login().await?;
    probe.decide(&login, Decision::Approve).await?;
    let page = type_code(&mut Browser::new(&probe.http, None), &login, &login.user_code).await?;
    expect(!confirms(&page) && page.answer.status < 500, || "the page to confirm it".to_owned())
}

async fn expired(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    probe.wait_for_expiry(&login).await?;
    let page = type_code(&mut Browser::new(&probe.http, None), &login, &login.user_code).await?;
    let goes_on = confirms(&page) || page.answer.status >= 500;
    probe.ledger.judge(EXPIRED, expect(!goes_on, || "the page to confirm it".to_owned()));
    Ok(())
}

/// What another site can make a browser send: the form without this browser's cookies and hidden fields, and at last
/// the whole form of somebody else's session.
async fn cross_site(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let mut attacker = Browser::new(&probe.http, None);
    let page = type_code(&mut attacker, &login, &login.user_code).await?;
    let mut victim = Browser::new(&probe.http, None);
    if let Some(form) = page.form() {
        let approve = form.buttons.first().map(|(name, value)| (name.as_str(), value.as_str()));
        victim.submit(&page, &form, &[], approve).await?;
        let mut bare = form.clone();
        bare.fields.retain(|field| field.value == login.user_code);
        victim.submit(&page, &bare, &[], approve).await?;
    }
    expect_undecided(probe, &login).await
}

async fn decision_final(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let mut browser = Browser::new(&probe.http, None);
    let page = type_code(&mut browser, &login, &login.user_code).await?;
    let form = page.form().filter(|form| form.buttons.iter().any(|(name, _)| name == "decision"));
    let Some(form) = form else {
        return Err(Miss::Unknown("which buttons decide is not known here".to_owned()));
    };
    browser.submit(&page, &form, &[], Some(("decision", "approve"))).await?;
    browser.submit(&page, &form, &[], Some(("decision", "deny"))).await?;
    let poll = probe.poll(&login).await?;
    expect(poll.status == 200, || poll.in_words())
}

async fn guesses(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let mut browser = Browser::new(&probe.http, None);
    let mut met = Err(Miss::Broken("10 wrong codes, and no end".to_owned()));
    for (letter, number) in "BCDFGHJKLM".chars().zip(0..) {
        let wrong: String =
            login.user_code.chars().map(|c| if c.is_ascii_alphanumeric() { letter } else { c }).collect();
        let page = type_code(&mut browser, &login, &wrong).await?;
        if page.answer.status == 429 {
            let retry_after = page.answer.header("retry-after");
            met = expect(retry_after.is_some(), || "429 without Retry-After".to_owned());
            break;
        }
        if number == 2 {
            type_code(&mut browser, &login, &login.user_code).await?;
        }
    }
    probe.ledger.judge(GUESSES, met);
    if probe.target.is_mock_server {
        // So that the next run is let in.
        probe.wait(Duration::from_secs(login.expires_in + 1)).await?;
    }
    Ok(())
}
