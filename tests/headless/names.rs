//! Without a name server, with one that says no, and with one that answers.

use std::fs;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use mock_server::{MockServer, Tls};

use super::machine::{Machine, server};

const HOST: &str = "auth.example.test";

/// A name server on an address of its own, which is this machine's like all of 127.0.0.0/8.
struct NameServer {
    address: String,
}

#[derive(Clone, Copy)]
enum Answers {
    /// That every name is at 127.0.0.1.
    Here,
    /// That there is no such name.
    NoSuchName,
    /// Nothing, ever.
    Nothing,
}

#[test]
#[ignore = "needs unshare, root and the right to mount; run by tests/run"]
fn a_name_server_that_answers_is_enough_and_a_login_lives_on_without_it() {
    let server = tls_server();
    let mut machine = Machine::new();
    let resolver = resolve_by(&mut machine, &NameServer::start(Answers::Here));
    let ca = machine.file("ca.pem", server.ca_certificate_pem().unwrap());
    machine.set("DEVICE_CLI_CA_FILE", ca.display().to_string());
    let issuer = issuer(&server);
    machine.sign_in(&server, &issuer, &[]);
    machine.has_a_login();
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("names (DNS)", "ok", "auth.example.test is found", "");

    // Nobody listens at that address.
    fs::write(&resolver, "nameserver 127.77.254.254\n").unwrap();
    machine.has_a_login();
    let forced = machine.run(&["refresh", "--force"]);
    assert_eq!(forced.code, Some(3), "{forced:?}");
    assert!(forced.stderr.contains("the token that is there serves for"), "{forced:?}");
    assert_eq!(machine.run(&["token"]).code, Some(0), "the token that lives is served");
    let checked = machine.run(&["status", "--check"]);
    assert_eq!(checked.code, Some(3), "{checked:?}");
    let refused = machine.fails_to_sign_in(&issuer, &["--store", "file", "--profile", "other"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("the server's name could not be resolved"), "{refused:?}");
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&["names (DNS)", "metadata"]);
    report.says(
        "names (DNS)",
        "problem",
        "auth.example.test, is not found",
        "name servers in /etc/resolv.conf",
    );
    report.says("metadata", "problem", "name could not be resolved", "names (DNS)");
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare, root and the right to mount; run by tests/run"]
fn a_name_that_is_none_and_a_name_server_that_is_mute_are_told() {
    for (answers, words) in
        [(Answers::NoSuchName, "is not found: "), (Answers::Nothing, "is not found within 5 s")]
    {
        let mut machine = Machine::new();
        resolve_by(&mut machine, &NameServer::start(answers));
        let report = machine.doctor(&["--issuer", "https://auth.example.test"]);
        report.says("names (DNS)", "problem", words, "check the spelling of the name");
        report.says("file", "ok", "works", "");
    }
}

#[test]
#[ignore = "needs unshare and the right to mount; run by tests/run"]
fn without_any_network_it_is_said_once_and_this_machine_is_still_there() {
    let machine = Machine::new().unshared("--net");
    let refused = machine.fails_to_sign_in("https://auth.example.test", &["--store", "file"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let report = machine.doctor(&["--issuer", "https://auth.example.test"]);
    report.says("network", "problem", "no network but itself", "ip link");
    report.says("names (DNS)", "problem", "auth.example.test, is not found", "");

    let mut machine = machine.prepared("ip link set lo up");
    let nothing = machine.file("resolv.conf", "# nothing\n");
    machine.mount(&nothing, "/etc/resolv.conf");
    let report = machine.doctor(&["--issuer", "https://auth.example.test"]);
    report.says("names (DNS)", "problem", "is not found", "names no name server: add a line");
    // A server that is inside needs none of it.
    let inside = crate::built_program::built("mock-server", &["mock-server"]);
    let script = machine.file(
        "inside",
        format!(
            "{} --port 8765 --auto-approve >/dev/null & server=$!\n\
             trap 'kill $server' EXIT\n\
             until {} --port 8765 healthcheck 2>/dev/null; do kill -0 $server; sleep 0.1; done\n\
             device_cli=$1; at='--issuer http://127.0.0.1:8765 --client-id device'\n\
             $device_cli login --store file $at\n\
             $device_cli token >/dev/null\n\
             $device_cli status\n\
             $device_cli doctor\n",
            inside.display(),
            inside.display()
        ),
    );
    let program = crate::device_cli::program().display().to_string();
    let words =
        machine.words(std::path::Path::new("/bin/sh"), &["-eu", &script.display().to_string(), &program]);
    let ended = std::process::Command::new(&words[0])
        .args(&words[1..])
        .env_clear()
        .envs(machine.variables())
        .output();
    let ended = super::machine::Ended::from(ended.unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("none but this machine itself, where the server is"), "{ended:?}");
    assert!(ended.stdout.contains("Nothing is broken."), "{ended:?}");
}

fn tls_server() -> MockServer {
    server().tls(Tls::generated()).allow_host(HOST).start_blocking().unwrap()
}

fn issuer(server: &MockServer) -> String {
    format!("https://{HOST}:{}", server.port())
}

/// Gives the file that says so, to be changed.
fn resolve_by(machine: &mut Machine, names: &NameServer) -> PathBuf {
    let file = machine.file("resolv.conf", format!("nameserver {}\n", names.address));
    machine.mount(&file, "/etc/resolv.conf");
    file
}

impl NameServer {
    fn start(answers: Answers) -> Self {
        static LAST: AtomicU8 = AtomicU8::new(0);
        let address = format!("127.77.0.{}", 1 + LAST.fetch_add(1, Ordering::Relaxed));
        let socket = UdpSocket::bind((address.as_str(), 53)).expect("root may");
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                if let Some(answer) = answer(&buffer[..length], answers) {
                    let _ = socket.send_to(&answer, peer);
                }
            }
        });
        Self { address }
    }
}

/// RFC 1035, section 4.1: the question once more, and what is known of it.
fn answer(query: &[u8], answers: Answers) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let name_length = query.get(HEADER..)?.iter().position(|byte| *byte == 0)? + 1;
    let question = query.get(HEADER..HEADER + name_length + 4)?;
    let asks_for_an_ipv4_address = question.get(name_length..name_length + 2)? == [0, 1];
    let (code, records) = match answers {
        Answers::Nothing => return None,
        Answers::NoSuchName => (3, 0),
        Answers::Here => (0, u8::from(asks_for_an_ipv4_address)),
    };
    // An answer, with recursion desired and available.
    let mut answer = [&query[..2], &[0x81, 0x80 | code, 0, 1, 0, records, 0, 0, 0, 0], question].concat();
    if records == 1 {
        // The name of the question, A, IN, for 60 s, 127.0.0.1.
        answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}
