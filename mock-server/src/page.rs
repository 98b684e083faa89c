//! The frame of every page: no script, nothing from outside, not to be framed (RFC 9700 sections 4.2.4 and 4.16).

use std::sync::LazyLock;

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

/// A page whose forms lead to this server only.
pub(crate) fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    page_leading_to(status, title, body, "")
}

/// A page with a form whose answer redirects to `csp_source`, beside this server.
pub(crate) fn page_leading_to(status: StatusCode, title: &str, body: &Markup, csp_source: &str) -> Response {
    static STYLE_HASH: LazyLock<String> =
        LazyLock::new(|| STANDARD.encode(digest(&SHA256, STYLE.as_bytes())));
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · mock-server" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                footer { "mock-server: an authorization server for tests. Nothing here is a real account." }
            }
        }
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; form-action 'self' {csp_source}; \
         frame-ancestors 'none'; base-uri 'none'",
        *STYLE_HASH
    );
    let mut response = no_store(with_body(status, "text/html; charset=utf-8", markup.into_string()));
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A page that says one thing.
pub(crate) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(
        status,
        title,
        &html! {
            h1 { (title) }
            p { (text) }
        },
    )
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

/// Two buttons of equal weight: the page does not push.
pub(crate) fn decision_buttons() -> Markup {
    html! {
        div.decision {
            button type="submit" name="decision" value="approve" { "Approve" }
            button type="submit" name="decision" value="deny" { "Deny" }
        }
    }
}

const STYLE: &str = include_str!("page.css");
