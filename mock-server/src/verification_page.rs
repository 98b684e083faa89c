//! The verification page, where a person types the code: RFC 8628 sections 3.3, 5.1, 5.4 and 6.1.

use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};
use maud::{Markup, html};

use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::clock::Timestamp;
use crate::device_codes::{Decision, DeviceLogin};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::Response;
use crate::page::{Page, decision_buttons, message, scope_list};
use crate::profiles::UserCodeFormat;
use crate::request_parameters::RequestParameters;
use crate::sessions::{Session, cross_site_page, is_same_origin};
use crate::settings::Settings;
use crate::user_picker::{UserPicker, chosen_user};

/// GET shows the form; POST takes the code, and with `decision` what the person decided. No GET changes anything.
pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST")?;
    let session = Session::of(server, exchange);
    let csrf_token = session.csrf_token(server);
    let form = CodeForm {
        format: server.rules().user_code,
        action: exchange.request.uri().path(),
        csrf_token: &csrf_token,
        login_hint: None,
    };
    if exchange.request.method() != Method::POST {
        let query = exchange.request.uri().query().unwrap_or_default();
        // A query that cannot be read prefills nothing.
        let parameters = RequestParameters::with_repeats(query).unwrap_or_default();
        let form = CodeForm { login_hint: parameters.get("login_hint"), ..form };
        let user_code = parameters.get("user_code").unwrap_or_default();
        return Ok(session.remember(form.prefilled(&server.settings, user_code)));
    }

    let parameters = RequestParameters::form_with_repeats(exchange.request, server.settings.lenient)?;
    if !is_same_origin(server, exchange, &parameters) {
        return Ok(session.remember(cross_site_page(&server.settings)));
    }
    let form = CodeForm { login_hint: parameters.get("login_hint"), ..form };
    let now = exchange.now;
    let limit = server.settings.wrong_code_limit.filter(|_| !server.relaxes(Check::UserCodeGuesses));
    if let Some(wait) = server.wrong_codes.must_wait(now, exchange.peer, limit) {
        let mut response = message(
            &server.settings,
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong codes",
            &format!("For safety no code is taken from here for the next {} seconds.", wait.as_secs()),
        );
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        return Ok(response);
    }
    let typed = parameters.get("user_code").unwrap_or_default();
    if typed.is_empty() {
        return Ok(form.again(
            &server.settings,
            StatusCode::BAD_REQUEST,
            typed,
            "Type the code that your device shows.",
        ));
    }
    let picker = UserPicker::new(&server.people, parameters.get("login_hint"));
    let Some(login) = server.device_codes.by_typed_code(typed) else {
        if limit.is_some() {
            server.wrong_codes.note(now, exchange.peer, server.device_code_lifetime());
        }
        return Ok(form.again(
            &server.settings,
            StatusCode::BAD_REQUEST,
            typed,
            "That code is wrong. Compare it with your device.",
        ));
    };
    if login.decision != Decision::Pending {
        let text = "That code has been used already. A code is good for one decision.";
        return Ok(form.again(&server.settings, StatusCode::CONFLICT, "", text));
    }
    if login.is_expired(now) {
        let text = "That code has expired. Ask your device for a new one.";
        return Ok(form.again(&server.settings, StatusCode::GONE, "", text));
    }
    Ok(match parameters.get("decision") {
        None => confirm(&server.settings, login, &picker, now, &csrf_token),
        Some("approve") => {
            match chosen_user(&server.people, parameters.get("user")) {
                Ok(person) => login.approve(now, person),
                Err(nobody) => return Ok(nobody.page(&server.settings)),
            }
            message(
                &server.settings,
                StatusCode::OK,
                "Device approved",
                "Your device will go on by itself in a few seconds. You can close this page.",
            )
        }
        Some("deny") => {
            login.deny(now);
            let text = "Your device gets no access. You can close this page.";
            message(&server.settings, StatusCode::OK, "Device denied", text)
        }
        Some(_) => return Err(ErrorResponse::invalid_request("decision must be approve or deny")),
    })
}

/// The page that asks for the code.
struct CodeForm<'a> {
    format: UserCodeFormat,
    /// The page's own path: without the query, so that the code of `verification_uri_complete` is not sent on.
    action: &'a str,
    csrf_token: &'a str,
    /// Who is to be chosen beforehand on the next page.
    login_hint: Option<&'a str>,
}

impl CodeForm<'_> {
    /// With a code from `verification_uri_complete`, still to be compared and confirmed (section 3.3.1).
    fn prefilled(&self, settings: &Settings, user_code: &str) -> Response {
        let hint = if user_code.is_empty() {
            "Type the code that your device shows."
        } else {
            "Is this the code that your device shows? If not, correct it."
        };
        self.show(settings, StatusCode::OK, user_code, &html! { p.hint id="hint" { (hint) } })
    }

    fn again(&self, settings: &Settings, status: StatusCode, user_code: &str, text: &str) -> Response {
        self.show(settings, status, user_code, &html! { p.alert id="hint" role="alert" { (text) } })
    }

    fn show(&self, settings: &Settings, status: StatusCode, user_code: &str, hint: &Markup) -> Response {
        Page::new(settings, status, "Sign in a device").show(&html! {
            h1 { "Sign in a device" }
            (hint)
            form method="post" action=(self.action) {
                input type="hidden" name="csrf_token" value=(self.csrf_token);
                @if let Some(login_hint) = self.login_hint {
                    input type="hidden" name="login_hint" value=(login_hint);
                }
                label for="user_code" { "Code" }
                input type="text" id="user_code" name="user_code" value=(user_code) required autofocus
                    placeholder=(self.format.placeholder()) maxlength="40" autocomplete="off"
                    autocapitalize="characters" spellcheck="false" aria-describedby="hint";
                button type="submit" { "Continue" }
            }
        })
    }
}

fn confirm(
    settings: &Settings,
    login: &DeviceLogin,
    picker: &UserPicker<'_>,
    now: Timestamp,
    csrf_token: &str,
) -> Response {
    Page::new(settings, StatusCode::OK, "Approve this device?").show(&html! {
        h1 { "Approve this device?" }
        p {
            strong { (login.client.display_name()) } " wants to sign in"
            @if let Some(person) = picker.only() { " as " strong { (person.subject) } }
            ", with this code:"
        }
        strong.user-code { (login.user_code) }
        p {
            "Is the device in your possession, and does it show this very code? "
            "If someone sent you the code or a link, deny."
        }
        dl {
            dt { "It may then" }
            dd { (scope_list(&login.scope)) }
            dt { "The request" }
            dd {
                "by client " code { (login.client.id) } " from " (login.requested_from) ", "
                (login.age_in_words(now))
            }
        }
        form method="post" {
            input type="hidden" name="csrf_token" value=(csrf_token);
            input type="hidden" name="user_code" value=(login.user_code);
            (picker.fields())
            (decision_buttons())
        }
    })
}
