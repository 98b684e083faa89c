//! The latest device logins: each poll with its gap and answer, and the buttons of those that wait.

use std::time::Duration;

use maud::{Markup, html};

use super::Here;
use crate::device_codes::{Decision, DeviceLogin};
use crate::login_timeline::{LoginEvent, Moment, TimedPoll};
use crate::qr_code;
use crate::user_picker::UserPicker;

/// So many moments are shown at once, the rest on demand.
const UNFOLDED: usize = 8;

pub(super) fn section(page: &Here<'_>) -> Markup {
    let logins: Vec<&DeviceLogin> = page.server.device_codes.latest().collect();
    html! {
        section aria-labelledby="logins-heading" {
            h2 id="logins-heading" { "Device logins" }
            div id="logins" {
                @if logins.is_empty() {
                    p.card id="no-logins" {
                        "No device has asked for a code yet. Point one here, or take the commands under "
                        a href="#start-heading" { "Start a login" } "."
                    }
                }
                @for login in logins {
                    (article(page, login))
                }
            }
        }
    }
}

/// Where the page shows a login: codes are letters, digits and hyphens.
pub(super) fn anchor(user_code: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    format!("login-{}", user_code.chars().filter(plain).collect::<String>())
}

fn article(page: &Here<'_>, login: &DeviceLogin) -> Markup {
    let now = page.exchange.now;
    let id = anchor(&login.user_code);
    let heading = format!("{id}-heading");
    let (state, in_words) = state(page, login);
    html! {
        article.card id=(id) aria-labelledby=(heading) data-state=(state) {
            header.login {
                h3 id=(heading) tabindex="-1" { (login.user_code) }
                span.badge data-part="badge" data-state=(state) { (in_words) }
            }
            p.facts {
                strong { (login.client.display_name()) } " (" code { (login.client.id) } ") asks for "
                @for (at, token) in login.scope.iter().enumerate() { @if at > 0 { ", " } code { (token) } }
            }
            p.facts data-part="facts" {
                "From " (login.requested_from) ". Polls must be " strong { (seconds(login.required_gap())) } " apart"
                @if login.is_running_out(now) {
                    ", and the code is good for " (time_left(page, login.expires_at.since(now)))
                }
                "."
            }
            @if login.is_pending(now) {
                (waiting(page, login, &id))
            }
            (timeline(login, &heading))
        }
    }
}

/// For the style sheet and for people.
fn state(page: &Here<'_>, login: &DeviceLogin) -> (&'static str, String) {
    let who = || login.person.as_ref().map_or("", |person| &person.subject);
    match login.decision {
        Decision::Redeemed => ("redeemed", format!("tokens for {}", who())),
        Decision::Denied => ("denied", "denied".to_owned()),
        _ if login.is_expired(page.exchange.now) => ("expired", "expired".to_owned()),
        Decision::Pending => ("pending", "waits for a person".to_owned()),
        Decision::Approved => ("approved", format!("approved as {}", who())),
    }
}

/// What can still be decided, and how a person would get there.
fn waiting(page: &Here<'_>, login: &DeviceLogin, id: &str) -> Markup {
    let picker = UserPicker::new(&page.server.people, None);
    let uri = format!("{}{}", page.exchange.issuer, page.server.advertised_path("/device"));
    let uri_complete = format!("{uri}?user_code={}", login.user_code);
    let leads_to = if page.server.rules().sends_verification_uri_complete { uri_complete } else { uri };
    html! {
        div.waiting data-part="waiting" {
            form method="post" action=(page.base) aria-label=(format!("Decide about {}", login.user_code)) {
                input type="hidden" name="csrf_token" value=(page.csrf_token);
                input type="hidden" name="user_code" value=(login.user_code);
                (picker.line(&format!("{id}-user")))
                div.choices {
                    button name="choice" value="approve" { "Approve" }
                    button name="choice" value="deny" formnovalidate { "Deny" }
                    button name="choice" value="slow-down" formnovalidate { "Slow down next" }
                    button name="choice" value="expire" formnovalidate { "Expire now" }
                }
            }
            figure {
                @if let Some(picture) = qr_code::svg(&leads_to, &format!("QR code of {leads_to}")) { (picture) }
                figcaption { a href=(leads_to) { (leads_to) } }
            }
        }
    }
}

fn timeline(login: &DeviceLogin, heading: &str) -> Markup {
    let moments: Vec<&Moment> = login.timeline.newest_first().collect();
    let (latest, earlier) = moments.split_at(moments.len().min(UNFOLDED));
    html! {
        div.timeline data-part="timeline" {
            @if moments.is_empty() {
                p.facts { "No poll yet." }
            } @else {
                (table(login, latest, heading))
            }
            @if !earlier.is_empty() {
                details {
                    summary { (earlier.len()) " earlier" }
                    (table(login, earlier, heading))
                }
            }
            @if login.timeline.forgotten() > 0 {
                p.facts { (login.timeline.forgotten()) " before that are no longer remembered." }
            }
        }
    }
}

fn table(login: &DeviceLogin, moments: &[&Moment], heading: &str) -> Markup {
    html! {
        table aria-labelledby=(heading) {
            thead {
                tr { th scope="col" { "At" } th scope="col" { "Gap" } th scope="col" { "Answer" } }
            }
            tbody {
                @for moment in moments {
                    (row(moment, moment.at.since(login.requested_at)))
                }
            }
        }
    }
}

fn row(moment: &Moment, at: Duration) -> Markup {
    let what = match &moment.event {
        LoginEvent::Poll(poll) => return poll_row(poll, at),
        LoginEvent::Approved { subject } => format!("Approved as {subject}"),
        LoginEvent::Denied => "Denied".to_owned(),
        LoginEvent::Expired => "Expired on demand".to_owned(),
        LoginEvent::SlowDownAsked => "The next poll will hear slow_down".to_owned(),
    };
    html! {
        tr.decision-made { td { (seconds(at)) } td { "–" } td { (what) } }
    }
}

fn poll_row(poll: &TimedPoll, at: Duration) -> Markup {
    let is_short = poll.gap < poll.required;
    html! {
        tr {
            td { (seconds(at)) }
            td {
                @if is_short {
                    span.short { (seconds(poll.gap)) }
                    span.needed { "needs " (seconds(poll.required)) }
                } @else {
                    (seconds(poll.gap))
                }
            }
            td {
                code { (poll.answer) }
                @for remark in &poll.remarks {
                    p.remark { strong { (remark.severity) } " " (remark.text) }
                }
            }
        }
    }
}

/// With a part that the script counts down.
fn time_left(page: &Here<'_>, left: Duration) -> Markup {
    let left = left.as_secs();
    let in_words = format!("{}:{:02}", left / 60, left % 60);
    if page.server.clock_is_frozen() {
        return html! { (in_words) " min by a clock that stands still" };
    }
    html! { span data-seconds=(left) { (in_words) } " min" }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
