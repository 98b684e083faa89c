//! The way to the server: a network, a proxy, names, and whom TLS trusts.

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;

use oauth_client::EndpointUrl;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::doctor::finding::Finding;
use crate::doctor::{PATIENCE, in_time, server};
use crate::environment::variable;
use crate::proxy::{Proxy, proxy_for};
use crate::settings::Settings;

pub(super) async fn findings(settings: &Settings) -> Vec<Finding> {
    let url = settings.url();
    let target = url.as_deref().and_then(|url| EndpointUrl::parse(url).ok());
    let proxy = proxy_for(url.as_deref().unwrap_or_default());
    let is_used =
        |proxy: &&Proxy| !proxy.is_excepted && !target.as_ref().is_some_and(EndpointUrl::is_loopback);
    let used = proxy.as_ref().filter(is_used);
    let for_certificates = settings.clone();
    let (of_names, of_proxy, of_certificates) = tokio::join!(
        names(target.as_ref(), used),
        reachable(proxy.as_ref(), used),
        in_time("certificates", move || vec![certificates(&for_certificates)]),
    );
    let mut findings: Vec<Finding> = network(target.as_ref()).into_iter().collect();
    findings.extend(of_names);
    findings.push(of_proxy);
    findings.extend(of_certificates);
    findings
}

/// A machine with no way anywhere is told so once, in place of everything that follows from it.
#[cfg(target_os = "linux")]
fn network(target: Option<&EndpointUrl>) -> Option<Finding> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    let routes_6 = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let leads_out = routes.lines().skip(1).chain(routes_6.lines()).any(|route| {
        let mut words = route.split_whitespace();
        let (first, last) = (words.next(), words.next_back());
        first != Some("lo") && last.is_some_and(|last| last != "lo")
    });
    let is_here = target.is_some_and(EndpointUrl::is_loopback);
    Some(match (leads_out, is_here) {
        (true, _) => Finding::ok("network", "there is one"),
        (false, true) => Finding::ok("network", "none but this machine itself, where the server is"),
        (false, false) => Finding::problem(
            "network",
            "this machine has no network but itself: no route leads anywhere",
            "ip link; ip route: bring an interface up; a container: start it with a network",
        ),
    })
}

#[cfg(not(target_os = "linux"))]
const fn network(_: Option<&EndpointUrl>) -> Option<Finding> {
    None
}

/// Through a proxy it is the proxy's name that must be found; the proxy finds the server's.
async fn names(target: Option<&EndpointUrl>, proxy: Option<&Proxy>) -> Option<Finding> {
    const CHECK: &str = "names (DNS)";
    let (host, port, whose) = match (proxy.and_then(Proxy::address), target) {
        (Some((host, port)), _) => (host, port, "the proxy's name"),
        (None, Some(url)) => (url.host().to_owned(), url.port(), "the server's name"),
        (None, None) => return None,
    };
    if host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok() {
        return Some(Finding::ok(CHECK, format!("not needed: {host} is an address")));
    }
    let looked_up = timeout(PATIENCE, lookup_host((host.as_str(), port))).await;
    Some(match looked_up {
        Ok(Ok(addresses)) => Finding::ok(CHECK, format!("{host} is found ({} addresses)", addresses.count())),
        Ok(Err(error)) => {
            Finding::problem(CHECK, format!("{whose}, {host}, is not found: {error}"), mend_of_names())
        }
        Err(_) => {
            let told = format!("{whose}, {host}, is not found within {} s", PATIENCE.as_secs());
            Finding::problem(CHECK, told, mend_of_names())
        }
    })
}

fn mend_of_names() -> String {
    if cfg!(not(unix)) {
        return "check the spelling of the name, and the network".to_owned();
    }
    let configured = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers: Vec<&str> = configured
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("nameserver"))
        .map(str::trim)
        .collect();
    if servers.is_empty() {
        "/etc/resolv.conf names no name server: add a line \"nameserver ADDRESS\"".to_owned()
    } else {
        "check the spelling of the name, and whether the name servers in /etc/resolv.conf answer: getent hosts NAME"
            .to_owned()
    }
}

async fn reachable(proxy: Option<&Proxy>, used: Option<&Proxy>) -> Finding {
    const CHECK: &str = "proxy";
    let Some(proxy) = proxy else { return Finding::ok(CHECK, "none is set") };
    let (variable, words) = (&proxy.variable, proxy.in_words());
    if used.is_none() {
        let why = if proxy.is_excepted { "by NO_PROXY" } else { "since it is this machine" };
        return Finding::ok(CHECK, format!("{words}, by {variable}; not used for this server, {why}"));
    }
    let Some((host, port)) = proxy.address().filter(|_| proxy.is_http()) else {
        let told = format!("{variable} names no HTTP proxy, which is the only kind that can be used");
        let mend = format!("export {variable}=http://HOST:PORT, or NO_PROXY=HOST with the server's");
        return Finding::problem(CHECK, told, mend);
    };
    let mend = format!("correct {variable}, or unset it where no proxy is needed");
    match timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::ok(CHECK, format!("{words}, by {variable}; it listens")),
        Ok(Err(error)) => {
            let why = match error.kind() {
                ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
                _ => error.to_string(),
            };
            Finding::problem(CHECK, format!("{words}, by {variable}, cannot be reached: {why}"), mend)
        }
        Err(_) => {
            let told = format!("{words}, by {variable}, does not answer within {} s", PATIENCE.as_secs());
            Finding::problem(CHECK, told, mend)
        }
    }
}

const NOBODY_TRUSTED: &str = "no authority is trusted: there is no CA bundle here";

/// Whom TLS trusts: the system's authorities, or those that the variables name, and the ones of `--ca-file`.
fn certificates(settings: &Settings) -> Finding {
    const CHECK: &str = "certificates";
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let Some(path) = variable(name) else { continue };
        let missing = path.split(':').find(|path| fs::metadata(path).is_err());
        if let Some(missing) = missing {
            let told = format!("{name} names {missing}, which cannot be read");
            return Finding::problem(CHECK, told, format!("unset {name}, or correct it"));
        }
    }
    // Whoever asks after the authorities alone names no server.
    let any_server = Settings { issuer: Some("https://canary.invalid".into()), ..Settings::default() };
    let settings = if settings.names_a_server() {
        settings.clone()
    } else {
        Settings { ca_file: settings.ca_file.clone(), ..any_server }
    };
    let Some(Ok(client)) = server::client(&settings) else {
        return Finding::note(CHECK, "not looked at: the settings do not do, see server");
    };
    let sources: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .filter(|name| variable(name).is_some())
        .map(|name| format!("by {name}"))
        .chain(settings.ca_file.iter().map(|file| format!("with {}", file.display())))
        .collect();
    let sources = if sources.is_empty() { String::new() } else { format!(", {}", sources.join(", ")) };
    match client.count_root_certificates() {
        Ok(1) => Finding::ok(CHECK, format!("1 authority is trusted{sources}")),
        Ok(number) => Finding::ok(CHECK, format!("{number} authorities are trusted{sources}")),
        // Without TLS nobody has to be trusted.
        Err(_) if settings.url().is_some_and(|url| url.starts_with("http://")) => {
            Finding::note(CHECK, NOBODY_TRUSTED).mended_by(server::NO_CA_BUNDLE)
        }
        Err(_) => Finding::problem(CHECK, NOBODY_TRUSTED, server::NO_CA_BUNDLE),
    }
}
