//! `/_control/faults` and `/_control/scripts`: misbehaviour for tests in any language.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::body::Members;
use crate::authorization_server::AuthorizationServer;
use crate::endpoint::Endpoint;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty, json_no_store, no_store};
use crate::login_script::{LoginScript, LoginScriptError, WaitingScript};
use crate::misbehaviour::{Fault, FaultNotationError, FaultRule, RuleId};
use crate::routes::Control;

/// POST adds, GET lists, DELETE takes away.
pub(crate) fn respond(
    server: &mut AuthorizationServer,
    exchange: &Exchange<'_>,
    control: &Control,
) -> Result<Response, ErrorResponse> {
    let method = exchange.request.method();
    match control {
        Control::Fault { id } => {
            exchange.allow("DELETE")?;
            let hits = server.misbehaviour.remove(RuleId(*id)).ok_or_else(|| {
                ErrorResponse::new("unknown_fault", "no fault has this id: see the list")
                    .with_status(StatusCode::NOT_FOUND)
            })?;
            Ok(json_no_store(StatusCode::OK, &json!({ "id": id, "hits": hits })))
        }
        Control::Scripts => {
            exchange.allow("POST")?;
            server.scripts.add(script(exchange)?);
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        _ if method == Method::DELETE => {
            server.misbehaviour.clear();
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        _ if method == Method::POST => {
            let RuleId(id) = server.misbehaviour.add(rule(exchange)?);
            Ok(json_no_store(StatusCode::CREATED, &json!({ "id": id })))
        }
        _ => {
            exchange.allow("GET, POST, DELETE")?;
            let rules = server.misbehaviour.iter();
            let faults: Vec<Value> = rules
                .map(|(RuleId(id), rule)| json!({ "id": id, "fault": format!("{:?}", rule.fault()), "hits": rule.hits() }))
                .collect();
            Ok(json_no_store(StatusCode::OK, &json!({ "faults": faults })))
        }
    }
}

fn rule(exchange: &Exchange<'_>) -> Result<FaultRule, ErrorResponse> {
    let members = Members::of(
        exchange,
        &["fault", "endpoint", "grant_type", "client_id", "nth", "times", "probability", "seed"],
    )?;
    let fault = members.require("fault")?.parse::<Fault>();
    let fault =
        fault.map_err(|error: FaultNotationError| ErrorResponse::invalid_request(error.to_string()))?;
    let mut rule = FaultRule::new(fault);
    if let Some(name) = members.text("endpoint")? {
        let known = || Endpoint::ALL.map(Endpoint::name).join(", ");
        let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name);
        rule = rule.endpoint(endpoint.ok_or_else(|| {
            ErrorResponse::invalid_request(format!("endpoint must be one of {}, not {name}", known()))
        })?);
    }
    if let Some(grant_type) = members.text("grant_type")? {
        rule = rule.grant_type(grant_type);
    }
    if let Some(client_id) = members.text("client_id")? {
        rule = rule.client_id(client_id);
    }
    if let Some(nth) = members.whole("nth")? {
        rule = rule.nth(nth);
    }
    if let Some(times) = members.whole("times")? {
        rule = rule.times(times);
    }
    let probability = members.number("probability")?;
    if probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return Err(ErrorResponse::invalid_request("probability must be from 0 to 1"));
    }
    if let Some(probability) = probability {
        rule = rule.probability(probability, members.whole("seed")?.unwrap_or_default());
    }
    Ok(rule)
}

/// Without a selector a script is for the next login, with one for every login that it selects, unless `times` is given.
fn script(exchange: &Exchange<'_>) -> Result<WaitingScript, ErrorResponse> {
    let members = Members::of(exchange, &["script", "client_id", "scope", "times"])?;
    let script = members.require("script")?.parse::<LoginScript>();
    let script =
        script.map_err(|error: LoginScriptError| ErrorResponse::invalid_request(error.to_string()))?;
    let client_id = members.text("client_id")?.map(str::to_owned);
    let scope = members.text("scope")?.map(str::to_owned);
    let is_for_the_next = client_id.is_none() && scope.is_none();
    let times = members.whole("times")?.or(is_for_the_next.then_some(1));
    Ok(WaitingScript { script, client_id, scope, times })
}
