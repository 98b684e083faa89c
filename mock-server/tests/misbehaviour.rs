//! Faults on demand.

use std::time::Duration;

use mock_server::{Endpoint, Fault};

use crate::state::State;

#[test]
fn faults_come_in_the_order_asked_and_then_end() {
    let mut state = State::new();
    let login = state.start_device_login();
    let busy = Fault::ServiceUnavailable { retry_after: None };
    let limited = Fault::TooManyRequests { retry_after: Some(Duration::from_secs(9)) };
    state.server.fail_next(Endpoint::Token, &busy, 2);
    state.server.fail_next(Endpoint::Token, &limited, 1);
    state.server.fail_next(Endpoint::Token, &Fault::HtmlPage, 1);
    let answers: Vec<_> = (0..4).map(|_| state.poll(&login)).collect();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [503, 503, 429, 200]);
    assert!(answers.iter().all(|answer| answer.header("content-type") == Some("text/html; charset=utf-8")));
    assert_eq!(answers[0].header("retry-after"), None);
    assert_eq!(answers[2].header("retry-after"), Some("9"));
    assert_eq!(state.poll_error(&login), "authorization_pending");
}

#[test]
fn a_fault_hits_its_endpoint_only() {
    let mut state = State::new();
    state.server.fail_next(Endpoint::Token, &Fault::HtmlPage, 1);
    assert_eq!(state.get("/resource").status, 401);
    state.start_device_login();
}

#[test]
fn a_failed_poll_leaves_no_trace_in_the_state_but_one_in_the_journal() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.poll(&login);
    state.wait_seconds(4);
    state.server.fail_next(Endpoint::Token, &Fault::HtmlPage, 1);
    state.poll(&login);
    let recorded = state.server.requests().last().unwrap();
    assert_eq!((recorded.status, recorded.client_id.as_deref()), (200, Some("device")));
    state.wait_seconds(1);
    assert_eq!(state.poll_error(&login), "authorization_pending", "five seconds since the last real poll");
}

#[test]
fn an_oauth_error_has_the_shape_of_the_endpoint() {
    let mut state = State::new();
    let login = state.start_device_login();
    state.server.fail_next(Endpoint::Token, &Fault::Error("invalid_client_state".to_owned()), 1);
    state.poll(&login).assert_error(400, "invalid_client_state");
}
