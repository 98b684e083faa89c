//! `/_control/faults` and `/_control/scripts`: misbehaviour for tests in any language.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::endpoint::{Control, Endpoint};
use crate::error_response::ErrorResponse;
use crate::http_response::{Response, empty, json_no_store, no_store};
use crate::login_script::{LoginScript, LoginScriptError, WaitingScript};
use crate::misbehaviour::{Fault, FaultNotationError, FaultRule, RuleId};

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
            server.scripts.add(script(&Members::of(exchange)?)?);
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        _ if method == Method::DELETE => {
            server.misbehaviour.clear();
            Ok(no_store(empty(StatusCode::NO_CONTENT)))
        }
        _ if method == Method::POST => {
            let RuleId(id) = server.misbehaviour.add(rule(&Members::of(exchange)?)?);
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

fn rule(members: &Members) -> Result<FaultRule, ErrorResponse> {
    members.only(&["fault", "endpoint", "grant_type", "client_id", "nth", "times", "probability", "seed"])?;
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
fn script(members: &Members) -> Result<WaitingScript, ErrorResponse> {
    members.only(&["script", "client_id", "scope", "times"])?;
    let script = members.require("script")?.parse::<LoginScript>();
    let script =
        script.map_err(|error: LoginScriptError| ErrorResponse::invalid_request(error.to_string()))?;
    let client_id = members.text("client_id")?.map(str::to_owned);
    let scope = members.text("scope")?.map(str::to_owned);
    let is_for_the_next = client_id.is_none() && scope.is_none();
    let times = members.whole("times")?.or(is_for_the_next.then_some(1));
    Ok(WaitingScript { script, client_id, scope, times })
}

/// The members of a JSON object in a request body.
struct Members(Map<String, Value>);

impl Members {
    fn of(exchange: &Exchange<'_>) -> Result<Self, ErrorResponse> {
        match serde_json::from_slice(exchange.request.body()) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(ErrorResponse::invalid_request("the request body must be a JSON object")),
        }
    }

    /// A misspelt member must not go unnoticed.
    fn only(&self, known: &[&str]) -> Result<(), ErrorResponse> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ErrorResponse::invalid_request(format!(
                "unknown member '{name}': expected {}",
                known.join(", ")
            ))),
        }
    }

    fn require(&self, name: &str) -> Result<&str, ErrorResponse> {
        self.text(name)?
            .ok_or_else(|| ErrorResponse::invalid_request(format!("the member {name} is missing")))
    }

    fn text(&self, name: &str) -> Result<Option<&str>, ErrorResponse> {
        self.read(name, "a string", Value::as_str)
    }

    fn whole(&self, name: &str) -> Result<Option<u64>, ErrorResponse> {
        self.read(name, "a whole number, 0 or more", Value::as_u64)
    }

    fn number(&self, name: &str) -> Result<Option<f64>, ErrorResponse> {
        self.read(name, "a number", Value::as_f64)
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ErrorResponse> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| {
                ErrorResponse::invalid_request(format!("the member {name} must be {expected}"))
            }),
        }
    }
}
