//! Tests of the server as its clients meet it; modules are named as the source files that they test.
//!
//! Most of them drive the pure state with a clock of their own; what needs a socket uses one.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod state;

mod access_token;
mod altering_proxy;
mod any_input;
mod authorization_code;
mod authorize;
mod checks;
mod client_authentication;
mod client_credentials;
mod configuration;
mod control;
mod control_of_faults;
mod control_of_state;
mod device_authorization;
mod device_code;
mod endpoint;
mod fuzz_corpora;
mod home_page;
mod host_allow_list;
mod id_token;
mod introspection;
mod issuer;
mod journal;
mod listener;
mod login_script;
mod main_program;
mod metadata;
mod misbehaviour;
mod mock_server;
mod openapi;
mod pkce;
mod probe;
mod profiles;
mod raw_http;
mod refresh_token;
mod request_smuggling;
mod resource;
mod revocation;
mod state_file;
mod tenant;
mod tls;
mod token;
mod user_picker;
mod userinfo;
mod verdicts;
mod verification_page;
mod written_session;
