//! An authority of one's own, no CA bundle at all, and certificates that are not to be trusted.

use mock_server::{MockServer, Tls, TlsFault};

use super::machine::{Machine, server};

#[test]
#[ignore = "needs unshare; run by tests/run"]
fn an_authority_of_ones_own_is_refused_until_it_is_named() {
    let (server, mut machine) = tls_server();
    let refused = machine.fails_to_sign_in(server.issuer(), &["--store", "file"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.ends_with("as PEM): --ca-file FILE, or DEVICE_CLI_CA_FILE\n"), "{refused:?}");
    let report = machine.doctor(&["--issuer", server.issuer()]);
    report.finds_no_problem_but(&["metadata"]);
    report.says("metadata", "problem", "not trusted here", "export DEVICE_CLI_CA_FILE=FILE");

    // As it says; and the login remembers it.
    let ca = ca(&server, &machine);
    machine.set("DEVICE_CLI_CA_FILE", ca.as_str());
    machine.sign_in(&server, server.issuer(), &[]);
    machine.unset("DEVICE_CLI_CA_FILE");
    machine.has_a_login();
    let refreshed = machine.run(&["refresh", "--force"]);
    assert_eq!(refreshed.code, Some(0), "{refreshed:?}");
    machine.doctor(&[]).finds_no_problem_but(&[]);

    // The system's own way.
    let mut machine = Machine::new();
    machine.set("SSL_CERT_FILE", ca.as_str());
    machine.sign_in(&server, server.issuer(), &[]);
    machine.has_a_login();
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("certificates", "ok", "by SSL_CERT_FILE", "");
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare and the right to mount; run by tests/run"]
fn without_a_ca_bundle_https_says_what_to_do_and_loopback_works() {
    let (server, machine) = tls_server();
    let mut machine = machine.prepared(
        "for hidden in /etc/ssl /usr/share/ca-certificates /usr/local/share/ca-certificates; do\n\
         [ ! -d $hidden ] || mount -t tmpfs tmpfs $hidden; done",
    );
    let refused = machine.fails_to_sign_in(server.issuer(), &["--store", "file"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    for words in ["no root certificates", "ca-certificates", "SSL_CERT_FILE"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    let report = machine.doctor(&["--issuer", server.issuer()]);
    report.finds_no_problem_but(&["certificates", "metadata"]);
    report.says("certificates", "problem", "there is no CA bundle here", "apt-get install ca-certificates");
    // Whoever names no server is told too.
    machine.doctor(&[]).finds_no_problem_but(&["certificates"]);

    let ca = ca(&server, &machine);
    machine.sign_in(&server, server.issuer(), &["--ca-file", &ca]);
    machine.has_a_login();
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("certificates", "ok", "1 authority is trusted, with ", "");

    let without_tls = super::machine::server().start_blocking().unwrap();
    machine.set("DEVICE_CLI_PROFILE", "loopback");
    machine.sign_in(&without_tls, without_tls.issuer(), &[]);
    machine.has_a_login();
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("certificates", "note", "there is no CA bundle here", "apt-get install ca-certificates");
    without_tls.assert_clean();
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare; run by tests/run"]
fn a_certificate_that_does_not_do_is_told_by_what_is_wrong_with_it() {
    let (server, mut machine) = tls_server();
    machine.set("DEVICE_CLI_CA_FILE", ca(&server, &machine));
    for (fault, told, mend) in [
        (
            TlsFault::Expired,
            "has expired or is not valid yet",
            "the server's certificate has expired: tell its operator",
        ),
        (TlsFault::NotYetValid, "has expired or is not valid yet", "timedatectl set-ntp true"),
        (TlsFault::WrongHost, "wrong-host.invalid", "check the host name in the URL"),
        (TlsFault::SelfSigned, "not trusted here", "--ca-file FILE"),
        (TlsFault::CutOff, "tls handshake eof", "check the host and port"),
    ] {
        let _fault = server.tls_fault(fault).unwrap();
        let report = machine.doctor(&["--issuer", server.issuer()]);
        report.says("metadata", "problem", told, mend);
    }
    machine.doctor(&["--issuer", server.issuer()]).finds_no_problem_but(&[]);
}

fn tls_server() -> (MockServer, Machine) {
    (server().tls(Tls::generated()).start_blocking().unwrap(), Machine::new())
}

/// The file with the certificate of the server's authority.
fn ca(server: &MockServer, machine: &Machine) -> String {
    machine.file("ca.pem", server.ca_certificate_pem().unwrap()).display().to_string()
}
