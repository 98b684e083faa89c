//! The authorization endpoint: RFC 6749 sections 3.1 and 4.1.1-4.1.2, RFC 7636 section 4.3, RFC 9207.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use maud::html;

use crate::authorization_codes::{AuthorizationCode, Usage};
use crate::authorization_server::AuthorizationServer;
use crate::checks::Check;
use crate::clients::{Client, grant_type};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, redirect, with_query};
use crate::misbehaviour::Fault;
use crate::page::{Page, decision_buttons, scope_list};
use crate::pkce::CodeChallenge;
use crate::redirect_uri;
use crate::request_parameters::{RequestParameters, repeated};
use crate::scope::Scope;
use crate::sessions::{Session, cross_site_page, is_same_origin};
use crate::user_picker::{UserPicker, chosen_user};

/// GET or POST asks for authorization; a POST with `decision` is what the person answered on the consent page.
pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
) -> Result<Response, ErrorResponse> {
    exchange.allow("GET, POST")?;
    let is_post = exchange.request.method() == Method::POST;
    let parameters = if is_post {
        RequestParameters::form_with_repeats(exchange.request, server.settings.lenient)
    } else {
        RequestParameters::with_repeats(exchange.request.uri().query().unwrap_or_default())
    };
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(refusal) => return Ok(refuse_on_page(server, exchange, refusal)),
    };

    // "the authorization server [...] MUST NOT automatically redirect the user agent to the invalid redirection URI"
    let (client, redirect_uri) = match client_and_redirect_uri(server, &parameters) {
        Ok(known) => known,
        Err(refusal) => return Ok(refuse_on_page(server, exchange, refusal)),
    };
    exchange.note.client_id = Some(client.id.clone());
    let back = AuthorizationResponse {
        redirect_uri: &redirect_uri,
        state: parameters.get("state").filter(|_| !parameters.is_repeated("state")),
    };

    let request = match AuthorizationRequest::check(server, &client, &parameters) {
        Ok(request) => request,
        Err(refusal) => return Ok(back.refuse(server, exchange, refusal)),
    };
    if let Some(Fault::Error(code)) = &exchange.fault {
        let refusal = ErrorResponse::new(code.clone(), "asked for by the test");
        return Ok(back.refuse(server, exchange, refusal));
    }

    let decision = parameters.get("decision").filter(|_| is_post);
    if decision.is_none() && server.settings.consent_page && !server.settings.auto_approve {
        if parameters.get("prompt") == Some("none") {
            let refusal =
                ErrorResponse::new("consent_required", "the person has to be asked, but prompt is none")
                    .because(Check::Prompt, "prompt=none");
            return Ok(back.refuse(server, exchange, refusal));
        }
        return Ok(consent_page(server, exchange, &client, &request, &redirect_uri, &parameters));
    }
    let login_hint = parameters.get("login_hint");
    // Where nobody is asked, the hint says who it is.
    let mut person = login_hint.and_then(|hint| server.people.hinted(hint)).map(Arc::clone);
    if let Some(decision) = decision {
        if !is_same_origin(server, exchange, &parameters) {
            return Ok(cross_site_page(&server.settings));
        }
        if decision != "approve" {
            let refusal = ErrorResponse::new("access_denied", "the person refused");
            return Ok(back.refuse(server, exchange, refusal));
        }
        match chosen_user(&server.people, parameters.get("user")) {
            Ok(chosen) => person = Some(chosen),
            Err(nobody) => return Ok(nobody.page(&server.settings)),
        }
    }
    if server.authorization_codes.is_full(exchange.now) {
        let refusal = ErrorResponse::full_table(
            "too many authorization codes are good: let some expire, or reset the server",
        );
        return Ok(back.refuse(server, exchange, refusal));
    }
    let code = AuthorizationCode {
        client,
        person: person.unwrap_or_else(|| server.people.first()),
        redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
        scope: request.scope,
        challenge: request.challenge,
        nonce: parameters.get("nonce").map(str::to_owned),
        authorized_at: exchange.now,
        expires_at: exchange.now + server.settings.lifetimes.authorization_code,
        usage: Usage::Fresh,
    };
    let code = server.authorization_codes.issue(exchange.now, &mut server.randomness, code);
    Ok(back.send(exchange, &[("code", &code)]))
}

/// The two parameters that decide whether an answer may be sent to the client at all.
fn client_and_redirect_uri(
    server: &AuthorizationServer,
    parameters: &RequestParameters,
) -> Result<(Arc<Client>, String), ErrorResponse> {
    for name in ["client_id", "redirect_uri"] {
        if parameters.is_repeated(name) {
            return Err(repeated(name));
        }
    }
    let client_id = parameters.require("client_id")?;
    let client = server.client(client_id).ok_or_else(|| {
        ErrorResponse::invalid_request("no client is registered with this client_id")
            .because(Check::ClientId, client_id)
    })?;
    let redirect_uri =
        redirect_uri::choose(&client, parameters.get("redirect_uri"), server.settings.lenient)?.to_owned();
    Ok((client, redirect_uri))
}

/// What the client asks for, in order.
struct AuthorizationRequest {
    scope: Scope,
    challenge: Option<CodeChallenge>,
}

impl AuthorizationRequest {
    fn check(
        server: &AuthorizationServer,
        client: &Client,
        parameters: &RequestParameters,
    ) -> Result<Self, ErrorResponse> {
        let repeats_count = !server.relaxes(Check::RepeatedParameter);
        if let Some(name) = parameters.first_repeated().filter(|_| repeats_count) {
            return Err(repeated(name));
        }
        let response_type = parameters.require("response_type")?;
        if response_type != "code" {
            return Err(ErrorResponse::new("unsupported_response_type", "response_type must be code")
                .because(Check::ResponseType, response_type));
        }
        server.may_use(client, grant_type::AUTHORIZATION_CODE)?;
        // OpenID Connect Core section 3.1.2.6 has errors of its own for what metadata says is not supported.
        if parameters.get("request").is_some() {
            return Err(ErrorResponse::new("request_not_supported", "send plain parameters")
                .because(Check::RequestObject, "request"));
        }
        if parameters.get("request_uri").is_some() {
            return Err(ErrorResponse::new("request_uri_not_supported", "send plain parameters")
                .because(Check::RequestObject, "request_uri"));
        }
        if let Some(mode) = parameters.get("response_mode").filter(|mode| *mode != "query") {
            return Err(ErrorResponse::invalid_request("response_mode must be query")
                .because(Check::ResponseMode, mode));
        }
        let scope = Scope::requested(parameters.get("scope"), &server.supported_scopes())?;
        let challenge = CodeChallenge::from_parameters(parameters, server.rules().requires_challenge_method)?;
        if challenge.is_none() && client.require_pkce && !server.relaxes(Check::PkceRequired) {
            return Err(ErrorResponse::invalid_request("code challenge required (RFC 7636 section 4.4.1)")
                .because(Check::PkceRequired, "none"));
        }
        Ok(Self { scope, challenge })
    }
}

/// Where the answer goes: RFC 6749 sections 4.1.2 and 4.1.2.1.
struct AuthorizationResponse<'a> {
    redirect_uri: &'a str,
    state: Option<&'a str>,
}

impl AuthorizationResponse<'_> {
    fn refuse(
        &self,
        server: &mut AuthorizationServer,
        exchange: &mut Exchange<'_>,
        refusal: ErrorResponse,
    ) -> Response {
        let refusal = server.explain(exchange, refusal);
        let mut parameters = vec![("error", &*refusal.code), ("error_description", &refusal.description)];
        parameters.extend(refusal.uri().map(|uri| ("error_uri", uri)));
        self.send(exchange, &parameters)
    }

    fn send(&self, exchange: &Exchange<'_>, parameters: &[(&str, &str)]) -> Response {
        let mut parameters = parameters.to_vec();
        if let Some(state) = self.state {
            parameters.push(("state", state));
        }
        // RFC 9207 section 2: in success and error responses alike.
        match exchange.fault {
            Some(Fault::IssuerMissing) => {}
            Some(Fault::IssuerWrong) => parameters.push(("iss", "https://attacker.example")),
            _ => parameters.push(("iss", &exchange.issuer)),
        }
        redirect(exchange.request.method(), &with_query(self.redirect_uri, &parameters))
    }
}

fn consent_page(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    client: &Client,
    request: &AuthorizationRequest,
    redirect_uri: &str,
    parameters: &RequestParameters,
) -> Response {
    let session = Session::of(server, exchange);
    let picker = UserPicker::new(&server.people, parameters.get("login_hint"));
    let body = html! {
        h1 { "Approve this app?" }
        p {
            strong { (client.display_name()) } " wants to sign in"
            @if let Some(person) = picker.only() { " as " strong { (person.subject) } }
            "."
        }
        dl {
            dt { "It may then" }
            dd { (scope_list(&request.scope)) }
            dt { "The request" }
            dd { "by client " code { (client.id) } }
            dt { "Afterwards you are sent to" }
            dd { code { (redirect_uri) } }
        }
        form method="post" action=(exchange.request.uri().path()) {
            // The whole request goes round through the browser and is checked again.
            @for (name, value) in parameters.iter().filter(|(name, _)| !matches!(*name, "csrf_token" | "decision" | "user")) {
                input type="hidden" name=(name) value=(value);
            }
            input type="hidden" name="csrf_token" value=(session.csrf_token(server));
            (picker.fields())
            (decision_buttons())
        }
    };
    let page = Page::new(&server.settings, StatusCode::OK, "Approve this app?");
    session.remember(page.leading_to(redirect_uri::csp_source(redirect_uri)).show(&body))
}

/// 400 as a page: the person is told, the client is not (RFC 6749 section 4.1.2.1).
fn refuse_on_page(
    server: &mut AuthorizationServer,
    exchange: &mut Exchange<'_>,
    refusal: ErrorResponse,
) -> Response {
    let refusal = server.explain(exchange, refusal);
    let body = html! {
        h1 { "This link cannot be used" }
        p { "The app that sent you here made a mistake: " (refusal.description) "." }
        @if let Some(uri) = refusal.uri() {
            p { a href=(uri) rel="noreferrer" { "Why it was refused" } }
        }
    };
    Page::new(&server.settings, StatusCode::BAD_REQUEST, "This link cannot be used").show(&body)
}
