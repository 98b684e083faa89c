//! The device program on a host: its screen as text, its network a plain TCP connection.
#![forbid(unsafe_code)]

mod arguments;
mod boot_clock;
mod endpoints;
mod own_server;
mod tcp_transport;
mod text_screen;

use std::error::Error;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use embedded_demo::sign_in;
use oauth_protocol::{
    AccessTokenResponse, ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointPolicy,
    PollingPolicy, Scope,
};

use arguments::Arguments;
use boot_clock::BootClock;
use endpoints::Endpoints;
use own_server::OwnServer;
use tcp_transport::TcpTransport;
use text_screen::TextScreen;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "embedded-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    // It serves until it is dropped.
    let own_server;
    let issuer = if let Some(issuer) = &arguments.issuer {
        issuer.as_str()
    } else {
        own_server = OwnServer::start()?;
        own_server.issuer()
    };
    let policy = arguments
        .dangerously_allow_http
        .as_ref()
        .map_or_else(EndpointPolicy::new, EndpointPolicy::dangerously_allow_http);
    let mut transport = TcpTransport;
    let endpoints = Endpoints::find(issuer, arguments, &policy, &mut transport)?;
    let client = ClientAuthentication::none(&arguments.client_id)?;
    let request = DeviceCodeRequest::new(client, endpoints.device_authorization, endpoints.token)
        .with_scope(&Scope::parse(&arguments.scope))
        .with_endpoint_policy(policy);
    let grant = DeviceCodeGrant::new(request, PollingPolicy::default(), seed());
    let mut screen = TextScreen::new(io::stdout());
    let token = sign_in(grant, &mut transport, &mut BootClock::start(), &mut screen)?;
    writeln!(io::stdout(), "{}", summary(&token))?;
    Ok(())
}

/// What was obtained, without what it is worth.
fn summary(token: &AccessTokenResponse) -> String {
    let mut line = format!("obtained: a {} access token", token.token_type.as_str());
    // Writing to a String does not fail.
    if let Some(life) = token.expires_in {
        let _ = write!(line, " for {} s", life.as_secs());
    }
    if let Some(scope) = &token.scope {
        let _ = write!(line, ", scope \"{scope}\"");
    }
    line.push_str(if token.refresh_token.is_some() { ", a refresh token" } else { ", no refresh token" });
    line
}

/// Differs from run to run: the standard library seeds its hash tables with randomness.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
