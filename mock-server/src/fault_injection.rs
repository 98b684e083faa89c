//! What a script or a rule wants to go wrong with a request.

use crate::authorization_server::AuthorizationServer;
use crate::checks::Lenient;
use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::exchange::Exchange;
use crate::http_response::Response;
use crate::login_script::Step;
use crate::misbehaviour::{Fault, SeededChance, TokenDefect, edit_json};
use crate::request_parameters::RequestParameters;

impl AuthorizationServer {
    /// What a script or a rule wants to go wrong with this request.
    pub(crate) fn fault_for(
        &mut self,
        exchange: &mut Exchange<'_>,
        endpoint: Endpoint,
    ) -> Option<(Fault, SeededChance)> {
        if endpoint == Endpoint::Token
            && let Some(fault) = self.next_step_of_script(exchange)
        {
            exchange.note_parameters();
            return Some((fault, SeededChance::new(0)));
        }
        if self.misbehaviour.is_empty() {
            return None;
        }
        let mut asks = exchange.note.clone();
        exchange.note_parameters();
        let note = &exchange.note;
        let struck = self.misbehaviour.take(endpoint, note.grant_type.as_deref(), note.client_id.as_deref());
        if struck.is_none() {
            // The endpoint notes for itself what it reads.
            std::mem::swap(&mut asks, &mut exchange.note);
        }
        struck
    }

    /// What the script of the polled login says; decisions are made at once, and the endpoint answers.
    fn next_step_of_script(&mut self, exchange: &mut Exchange<'_>) -> Option<Fault> {
        if !self.device_codes.have_scripts {
            return None;
        }
        let form = RequestParameters::form_with_repeats(exchange.request, Lenient::default()).ok()?;
        let login = self.device_codes.by_device_code(form.get("device_code")?)?;
        let error = |code: &str| Some(Fault::Error(code.to_owned()));
        let fault = match login.script.next_step()? {
            Step::Pending => error("authorization_pending"),
            Step::SlowDown => {
                login.slow_down();
                error("slow_down")
            }
            Step::Fault(fault) => Some(fault),
            Step::Approve => {
                login.approve(exchange.now, self.people.first());
                None
            }
            Step::Deny => {
                login.deny(exchange.now);
                None
            }
            Step::Expire => {
                login.expire(exchange.now);
                None
            }
        };
        if fault.is_some() {
            exchange.note.gap = login.poll(exchange.now).gap;
        }
        fault
    }

    /// Gives the JWTs of an answer a defect; the server takes the access token only if it is a harmless one.
    pub(crate) fn spoil_tokens(&mut self, now: Timestamp, defect: TokenDefect, response: &mut Response) {
        edit_json(response, |members| {
            for name in ["access_token", "id_token"] {
                let Some(value) = members.get_mut(name) else { continue };
                let Some(spoilt) = value.as_str().and_then(|jwt| defect.apply(now, jwt)) else { continue };
                if let (TokenDefect::Huge | TokenDefect::RotatedKey, Some(sound)) = (defect, value.as_str()) {
                    self.tokens.rename_access_token(sound, &spoilt);
                }
                *value = spoilt.into();
            }
        });
    }
}
