//! Against cross-site request forgery on the pages: RFC 9700 section 4.7 (and RFC 6749 section 10.12).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use hyper::header::{COOKIE, HeaderValue, ORIGIN, SET_COOKIE};
use ring::hmac;

use crate::authorization_server::AuthorizationServer;
use crate::exchange::Exchange;
use crate::host_allow_list;
use crate::http_response::Response;
use crate::page;
use crate::request_parameters::RequestParameters;
use crate::settings::Settings;

const COOKIE_NAME: &str = "mock_server_session";

/// A browser, known by a random cookie; the server keeps nothing about it.
pub(crate) struct Session {
    id: String,
    is_new: bool,
    /// Whether the browser may send it over TLS alone.
    is_secure: bool,
}

impl Session {
    /// The session that the request's cookie names, or a new one.
    pub(crate) fn of(server: &mut AuthorizationServer, exchange: &Exchange<'_>) -> Self {
        let is_secure = server.settings.tls;
        if let Some(id) = cookie(exchange) {
            return Self { id, is_new: false, is_secure };
        }
        Self { id: server.randomness.token(), is_new: true, is_secure }
    }

    /// What a form of this session has to send back as `csrf_token`.
    pub(crate) fn csrf_token(&self, server: &AuthorizationServer) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&server.csrf_key, self.id.as_bytes()))
    }

    /// Sets the cookie if the browser does not have it yet.
    pub(crate) fn remember(&self, mut response: Response) -> Response {
        if self.is_new {
            let secure = if self.is_secure { "; Secure" } else { "" };
            let cookie = format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax{secure}", self.id);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(SET_COOKIE, cookie);
            }
        }
        response
    }
}

/// Whether a form came from a page of this server, shown to this browser.
pub(crate) fn is_same_origin(
    server: &AuthorizationServer,
    exchange: &Exchange<'_>,
    form: &RequestParameters,
) -> bool {
    let token = form.get("csrf_token").and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
    let genuine = cookie(exchange).zip(token).is_some_and(|(session, token)| {
        // Compares in constant time.
        hmac::verify(&server.csrf_key, session.as_bytes(), &token).is_ok()
    });
    genuine && comes_from_here(server, exchange)
}

/// What the person sees when it did not.
pub(crate) fn cross_site_page(settings: &Settings) -> Response {
    page::message(
        settings,
        StatusCode::FORBIDDEN,
        "This form cannot be used",
        "It did not come from a page that this server showed to this browser. \
         Open the page again (cookies must be allowed) and repeat what you did.",
    )
}

fn comes_from_here(server: &AuthorizationServer, exchange: &Exchange<'_>) -> bool {
    let header = |name: &str| exchange.request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    if header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    match header(ORIGIN.as_str()) {
        // Our own pages send "null", because of `Referrer-Policy: no-referrer`; the token speaks for them.
        None | Some("null") => true,
        Some(origin) => host_allow_list::is_own_origin(&server.settings, origin),
    }
}

fn cookie(exchange: &Exchange<'_>) -> Option<String> {
    let headers = exchange.request.headers().get_all(COOKIE).iter();
    let pairs = headers.filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='));
    let well_formed = |id: &&str| URL_SAFE_NO_PAD.decode(id).is_ok_and(|bytes| bytes.len() == 32);
    values.find(well_formed).map(str::to_owned)
}
