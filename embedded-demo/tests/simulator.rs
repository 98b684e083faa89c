//! The device program against the mock server, over real sockets, and the program that simulates it.

mod connections;
mod errors;
mod hostile_server;
mod life;
#[path = "../src/simulator/network.rs"]
mod network;
mod outputs;
mod scenarios;
mod sign_in;
mod tls;

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use mock_server::{MockServer, MockServerBuilder};

/// Runs the simulator without a terminal.
fn run<Argument: AsRef<std::ffi::OsStr>>(arguments: &[Argument]) -> Output {
    let program = env!("CARGO_BIN_EXE_embedded-demo");
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Runs it to its good end, and gives what it said.
fn said<Argument: AsRef<std::ffi::OsStr>>(arguments: &[Argument]) -> String {
    let output = run(arguments);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{:?}\n{said}\n{}", output.status, text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    said.to_owned()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A server that wants to be asked each second, and approves at the first time.
fn quick(builder: MockServerBuilder) -> MockServer {
    let server = builder.interval(Duration::from_secs(1)).start_blocking().unwrap();
    for client in ["device", "device-secret"] {
        server.script_logins_of(client, "approve".parse().unwrap());
    }
    server
}

/// The code on the panel.
fn user_code(said: &str) -> &str {
    let line = said.lines().map(str::trim_start).find_map(|line| line.split_once("code  "));
    line.unwrap_or_else(|| panic!("no code: {said}")).1
}

/// Bound and closed again: nobody listens there.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
