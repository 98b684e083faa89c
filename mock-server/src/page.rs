//! The frame of every page: no script, nothing from outside, not to be framed (RFC 9700 sections 4.2.4 and 4.16).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use crate::http_response::{Response, no_store, with_body};
use crate::scope::Scope;
use crate::settings::Settings;

/// A page under way.
pub(crate) struct Page<'a> {
    settings: &'a Settings,
    status: StatusCode,
    title: &'a str,
    leads_to: &'a str,
    live: Option<Live>,
}

/// What a page has that follows the server while it is open: a style sheet beside that of all pages, and a script.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
}

impl<'a> Page<'a> {
    /// A page whose forms lead to this server only.
    pub(crate) fn new(settings: &'a Settings, status: StatusCode, title: &'a str) -> Self {
        Self { settings, status, title, leads_to: "", live: None }
    }

    /// The same with a form whose answer redirects to `csp_source`, beside this server.
    pub(crate) fn leading_to(self, csp_source: &'a str) -> Self {
        Self { leads_to: csp_source, ..self }
    }

    /// The same with a script, which may ask this server and nobody else.
    pub(crate) fn live(self, live: Live) -> Self {
        Self { live: Some(live), ..self }
    }

    /// The answer with `body` in its frame.
    pub(crate) fn show(&self, body: &Markup) -> Response {
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · mock-server" }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                    @if let Some(live) = self.live {
                        style { (PreEscaped(live.style)) }
                    }
                }
                body {
                    main { (body) }
                    (self.footer())
                    @if let Some(live) = self.live {
                        script { (PreEscaped(live.script)) }
                    }
                }
            }
        };
        let mut policy = format!(
            "default-src 'none'; style-src {}{}; img-src data:; form-action 'self' {}; frame-ancestors 'none'; \
             base-uri 'none'",
            hash_source(STYLE),
            self.live.map(|live| format!(" {}", hash_source(live.style))).unwrap_or_default(),
            self.leads_to
        );
        if let Some(live) = self.live {
            policy += "; connect-src 'self'; script-src ";
            policy += &hash_source(live.script);
        }
        let mut response = no_store(with_body(self.status, "text/html; charset=utf-8", markup.into_string()));
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                p { "mock-server: an authorization server for tests. Nothing here is a real account." }
                @if self.settings.allow_remote {
                    p { strong { "Other machines can reach and steer this server" } " (" code { "--allow-remote" } ")." }
                }
            }
        }
    }
}

/// Lets a text of ours stand inline (CSP Level 3 section 2.3.1).
fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

/// A page that says one thing.
pub(crate) fn message(settings: &Settings, status: StatusCode, title: &str, text: &str) -> Response {
    Page::new(settings, status, title).show(&html! {
        h1 { (title) }
        p { (text) }
    })
}

/// What the person is about to allow, in words.
pub(crate) fn scope_list(scope: &Scope) -> Markup {
    html! {
        ul.scopes {
            @for token in scope.iter() {
                li {
                    span { (meaning(token)) }
                    code { (token) }
                }
            }
        }
    }
}

fn meaning(scope_token: &str) -> &str {
    match scope_token {
        "openid" => "Know who you are",
        "profile" => "See your name",
        "email" => "See your e-mail address",
        "offline_access" => "Stay signed in",
        "read" => "Read your data",
        "write" => "Change your data",
        other => other,
    }
}

/// Two buttons of equal weight: the page does not push. Who denies need not say who they are.
pub(crate) fn decision_buttons() -> Markup {
    html! {
        div.decision {
            button type="submit" name="decision" value="approve" { "Approve" }
            button type="submit" name="decision" value="deny" formnovalidate { "Deny" }
        }
    }
}

const STYLE: &str = include_str!("page.css");
