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

use std::ffi::OsStr;
use std::io::{Read as _, Seek as _};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::{MockServer, MockServerBuilder};

/// Longer than any run takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the simulator without a terminal; one that does not end is ended.
fn run<Argument: AsRef<OsStr>>(arguments: &[Argument]) -> Output {
    let [mut stdout, mut stderr] = [(); 2].map(|()| tempfile::tempfile().unwrap());
    let mut program = Command::new(env!("CARGO_BIN_EXE_embedded-demo"));
    program.args(arguments).stdin(Stdio::null());
    program.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let mut program = program.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = program.try_wait().unwrap() {
            break Some(status);
        }
        if started.elapsed() > PATIENCE {
            program.kill().unwrap();
            program.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let [stdout, stderr] = [&mut stdout, &mut stderr].map(|file| {
        let mut said = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut said).unwrap();
        said
    });
    let status = status.unwrap_or_else(|| panic!("it does not end:\n{}", text(&stdout)));
    Output { status, stdout, stderr }
}

/// Runs it to its good end, and gives what it said.
fn said<Argument: AsRef<OsStr>>(arguments: &[Argument]) -> String {
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
