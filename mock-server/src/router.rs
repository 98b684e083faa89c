//! Leads each request to its endpoint, through what a test wants to go wrong, into the journal and before the judge.

use std::net::IpAddr;

use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};

use crate::answer::{Answer, is_unrecorded, not_yet};
use crate::authorization_server::AuthorizationServer;
use crate::checks::{Check, Lenient};
use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, moved_permanently};
use crate::journal::{Note, RecordedRequest};
use crate::misbehaviour::{Delivery, Fault, SeededChance};
use crate::printable::printable;
use crate::profiles::{AnswerShape, reshape};
use crate::request_parameters::RequestParameters;
use crate::routes::{self, Route};
use crate::{
    authorize, control, cors, device_authorization, explanation_page, home_page, host_allow_list,
    introspection, issuer, jwks, metadata, resource, revocation, token, userinfo, verdicts,
    verification_page,
};

impl AuthorizationServer {
    /// Answers one request that arrived at `now` from `peer`, and records it.
    pub fn handle(&mut self, now: Timestamp, peer: IpAddr, request: &Request<Bytes>) -> Answer {
        let name = routes::tenant_name(&self.issuer_path, request.uri().path());
        self.answered_last = name.filter(|name| self.tenant_mut(name, now).is_some()).map(str::to_owned);
        match self.answered_last.as_ref().and_then(|name| self.tenants.get_mut(name)) {
            Some(tenant) => tenant.handle_here(now, peer, request),
            None => self.handle_here(now, peer, request),
        }
    }

    fn handle_here(&mut self, now: Timestamp, peer: IpAddr, request: &Request<Bytes>) -> Answer {
        let virtual_now = self.virtual_time(now);
        let host = host_allow_list::check(&self.settings, request);
        let issuer = self.issuer_at(host.as_ref().ok().and_then(Option::as_ref));
        let mut exchange = Exchange {
            now: virtual_now,
            real_now: now,
            peer,
            request,
            issuer,
            fault: None,
            note: Note::default(),
        };
        let route = routes::route(&self.settings, &self.issuer_path, request.uri().path(), self.rules());
        let mut answer = match host {
            Ok(_) => self.answer(&mut exchange, &route),
            Err(refusal) => Answer::Respond(self.refuse(&mut exchange, refusal)),
        };
        if let (Route::To(endpoint), Answer::Respond(response) | Answer::Deliver(response, _)) =
            (&route, &mut answer)
            && self.settings.cors
        {
            cors::reflect_origin(&exchange, *endpoint, response);
        }
        // One that will be asked again, or that changes nothing and is of no client.
        if not_yet(&answer).is_some() || is_unrecorded(&answer) {
            return answer;
        }
        verdicts::judge(self, &exchange, &route, &answer);
        let status = match &answer {
            Answer::ResetConnection | Answer::Deliver(_, Delivery::Never) => 0,
            Answer::Respond(response) | Answer::Deliver(response, _) => response.status().as_u16(),
        };
        let note = exchange.note;
        self.journal.record(RecordedRequest {
            method: printable(request.method().as_str()),
            path: route.journal_path(request.uri().path()),
            at: self.since_start(virtual_now),
            status,
            grant_type: note.grant_type,
            client_id: note.client_id,
            error: note.error,
            gap: note.gap,
            explanation: note.explanation,
        });
        if matches!(route, Route::To(_)) || request.method() != Method::GET {
            self.revision.note_change();
        }
        answer
    }

    fn answer(&mut self, exchange: &mut Exchange<'_>, route: &Route) -> Answer {
        let response = match route {
            Route::To(endpoint) => {
                if let Some(response) = cors::preflight(exchange, *endpoint).filter(|_| self.settings.cors) {
                    return Answer::Respond(response);
                }
                if let Some((fault, chance)) = self.fault_for(exchange, *endpoint) {
                    return self.misbehave(exchange, *endpoint, &fault, chance);
                }
                return Answer::Respond(self.answer_as_provider(exchange, *endpoint));
            }
            Route::Elsewhere => {
                Err(ErrorResponse::new("redirect_followed", "a fault led here, and no client follows it")
                    .with_status(StatusCode::NOT_FOUND))
            }
            Route::Control(control) => control::respond(self, exchange, control),
            Route::Unknown => Err(ErrorResponse::invalid_request("there is no such endpoint here")
                .with_status(StatusCode::NOT_FOUND)
                .because(Check::Path, route.journal_path(exchange.request.uri().path()))),
            Route::Home => home_page::respond(self, exchange),
            Route::Explanation { check, number } => {
                explanation_page::respond(self, exchange, *check, *number)
            }
        };
        Answer::Respond(response.unwrap_or_else(|refusal| self.refuse(exchange, refusal)))
    }

    fn misbehave(
        &mut self,
        exchange: &mut Exchange<'_>,
        endpoint: Endpoint,
        fault: &Fault,
        mut chance: SeededChance,
    ) -> Answer {
        if let Fault::Error(code) = fault {
            exchange.note.error = Some(code.clone());
        }
        exchange.fault = Some(fault.clone());
        let elsewhere = issuer::elsewhere(&self.settings, &exchange.issuer);
        if let Some(answer) = fault.instead_of_answer(endpoint, &elsewhere) {
            return match answer {
                Answer::Respond(error) if matches!(fault, Fault::Error(_)) => {
                    Answer::Respond(self.in_words_of_provider(exchange, endpoint, error))
                }
                answer => answer,
            };
        }
        let mut response = self.answer_as_provider(exchange, endpoint);
        if let Fault::Token(defect) = fault {
            self.spoil_tokens(exchange.now, *defect, &mut response);
        }
        fault.apply(exchange.now, &mut chance, response)
    }

    /// What the endpoint answers, at the paths and in the words of the profile.
    fn answer_as_provider(&mut self, exchange: &mut Exchange<'_>, endpoint: Endpoint) -> Response {
        let path = exchange.request.uri().path();
        let has_slash = matches!(
            endpoint,
            Endpoint::Authorize | Endpoint::DeviceAuthorization | Endpoint::Token | Endpoint::Resource
        );
        if self.rules().trailing_slash && has_slash && !path.ends_with('/') {
            exchange.note_parameters();
            let query = exchange.request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            return moved_permanently(&format!("{path}/{query}"));
        }
        let response = self.respond(exchange, endpoint);
        let response = response.unwrap_or_else(|refusal| self.refuse(exchange, refusal));
        self.in_words_of_provider(exchange, endpoint, response)
    }

    fn in_words_of_provider(
        &mut self,
        exchange: &Exchange<'_>,
        endpoint: Endpoint,
        response: Response,
    ) -> Response {
        let shape = self.rules().answer_shape;
        if shape == AnswerShape::Rfc {
            return response;
        }
        let form = RequestParameters::form_with_repeats(exchange.request, Lenient::default());
        let form = form.unwrap_or_default();
        let device_code = form.get("device_code").unwrap_or_default();
        let interval = self.device_codes.by_device_code(device_code).map(|login| login.required_gap());
        let request_id = || format!("req_{}", self.randomness.text(REQUEST_ID, 24));
        reshape(shape, endpoint, exchange.request, form.get("grant_type"), interval, request_id, response)
    }

    fn respond(
        &mut self,
        exchange: &mut Exchange<'_>,
        endpoint: Endpoint,
    ) -> Result<Response, ErrorResponse> {
        match endpoint {
            Endpoint::Authorize => authorize::respond(self, exchange),
            Endpoint::DeviceAuthorization => device_authorization::respond(self, exchange),
            Endpoint::Token => token::respond(self, exchange),
            Endpoint::VerificationPage => verification_page::respond(self, exchange),
            Endpoint::Resource => resource::respond(self, exchange),
            Endpoint::Userinfo => userinfo::respond(self, exchange),
            Endpoint::Revocation => revocation::respond(self, exchange),
            Endpoint::Introspection => introspection::respond(self, exchange),
            Endpoint::Jwks => jwks::respond(exchange),
            Endpoint::Metadata => metadata::respond(self, exchange),
        }
    }
}

/// What follows `req_` in the answers of a profile that numbers them.
const REQUEST_ID: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
