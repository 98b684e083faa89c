//! The server itself: its metadata, its endpoints, and its clock beside ours.

use std::time::Duration;

use oauth_client::token_store::UnixTime;
use oauth_client::{
    Client, Contact, Endpoint, EndpointUrl, Error, Obstacle, TransportError, TransportFailure,
};
use tokio::time::{Instant, timeout};

use crate::doctor::PATIENCE;
use crate::doctor::clocks::{SET_THE_CLOCK, roughly};
use crate::doctor::finding::Finding;
use crate::failure::Failure;
use crate::proxy::{Proxy, proxy_for};
use crate::settings::Settings;

/// Where nothing is trusted.
pub(super) const NO_CA_BUNDLE: &str = "sudo apt-get install ca-certificates (or your system's package of it); or export SSL_CERT_FILE=FILE; or --ca-file FILE";

/// A clock that is off by more is told; a token of five minutes is of no use with it.
const WORTH_A_NOTE: Duration = Duration::from_secs(60);
const WRONG: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct OfServer {
    pub(super) findings: Vec<Finding>,
    pub(super) clock: Vec<Finding>,
}

/// A client at the server that the settings name, if they name one. Nobody signs in, so that no secret is needed.
pub(super) fn client(settings: &Settings) -> Option<Result<Client, Failure>> {
    let settings = Settings {
        client_id: Some(settings.client_id.clone().unwrap_or_else(|| "doctor".into())),
        client_secret_file: None,
        ..settings.clone()
    };
    settings.names_a_server().then(|| settings.client())
}

pub(super) async fn findings(settings: &Settings) -> OfServer {
    let mut found = OfServer::default();
    let client = match client(settings) {
        None => {
            let told = "none is named, so the way to it is not tried";
            found.findings.push(Finding::note("server", told).mended_by("device-cli doctor --issuer URL"));
            return found;
        }
        Some(Err(failure)) => {
            let mend = "correct the flag, the variable or the profile that it is about";
            found.findings.push(Finding::problem("server", failure.message, mend));
            return found;
        }
        Some(Ok(client)) => client,
    };
    let server = settings.server().split('?').next().unwrap_or_default();
    found.findings.push(Finding::ok("server", server));
    if !metadata(&client, settings, &mut found).await {
        return found;
    }
    let (device, token) =
        tokio::join!(contact(&client, Endpoint::DeviceAuthorization), contact(&client, Endpoint::Token));
    let mut offset = None;
    for (endpoint, contact) in [(Endpoint::DeviceAuthorization, device), (Endpoint::Token, token)] {
        match contact {
            Ok(contact) => {
                offset = offset.or_else(|| Some((contact.date?, contact.received_at)));
                found.findings.push(answered(endpoint, &contact));
            }
            Err(why) => found.fail(name_of(endpoint), &why, settings),
        }
    }
    found.clock.extend(offset.map(|(there, here)| of_offset(there, here)));
    found
}

/// Why a request brought nothing; `None`: it took too long.
type NoAnswer = Option<Error>;

/// Whether it makes sense to go on.
async fn metadata(client: &Client, settings: &Settings, found: &mut OfServer) -> bool {
    const CHECK: &str = "metadata";
    // What is known without is tried all the same.
    let is_needed = settings.device_endpoint.is_none()
        && settings.token_endpoint.is_none()
        && settings.provider.is_none();
    if client.issuer().is_none() {
        return true;
    }
    let started = Instant::now();
    match timeout(PATIENCE, client.metadata()).await {
        Ok(Ok(Some(_))) => {
            let told =
                format!("published ({} ms); device-cli discover shows it", started.elapsed().as_millis());
            found.findings.push(Finding::ok(CHECK, told));
            true
        }
        Ok(Ok(None)) if is_needed => {
            let mend = "check the path and the slash at the issuer's end; or give --device-endpoint and --token-endpoint";
            found.findings.push(Finding::problem(CHECK, "none is published at this issuer", mend));
            false
        }
        Ok(Ok(None)) => {
            found.findings.push(Finding::ok(CHECK, "none is published; the endpoints are known without"));
            true
        }
        Ok(Err(error)) => {
            found.fail(CHECK, &Some(error), settings);
            !is_needed
        }
        Err(_) => {
            found.fail(CHECK, &None, settings);
            !is_needed
        }
    }
}

async fn contact(client: &Client, endpoint: Endpoint) -> Result<Contact, NoAnswer> {
    match timeout(PATIENCE, client.contact(endpoint)).await {
        Ok(contact) => contact.map_err(Some),
        Err(_) => Err(None),
    }
}

const fn name_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::DeviceAuthorization => "device endpoint",
        _ => "token endpoint",
    }
}

fn answered(endpoint: Endpoint, contact: &Contact) -> Finding {
    let Contact { url, status, elapsed, .. } = contact;
    let told = format!("{url} answers ({} ms)", elapsed.as_millis());
    match status {
        500.. => Finding::problem(
            name_of(endpoint),
            format!("{url} answers with HTTP {status}"),
            "the server is in trouble: try again later, or tell its operator",
        ),
        _ => Finding::ok(name_of(endpoint), told),
    }
}

impl OfServer {
    fn fail(&mut self, check: &'static str, why: &NoAnswer, settings: &Settings) {
        let (told, mend) = match why {
            None => (format!("no answer within {} s", PATIENCE.as_secs()), NO_WAY.to_owned()),
            Some(Error::Transport(error)) => {
                (in_words(error), mend_of(error.failure(), error.obstacle(), settings))
            }
            Some(error @ Error::NoEndpoint { endpoint: "device_authorization_endpoint", .. }) => (
                first_half(error),
                "give --device-endpoint URL, where the server has a device login".to_owned(),
            ),
            Some(error @ Error::NoEndpoint { .. }) => {
                (first_half(error), "give --token-endpoint URL".to_owned())
            }
            Some(error) => (error.to_string(), "check the URL: device-cli discover URL".to_owned()),
        };
        if let Some(Error::Transport(error)) = why
            && error.obstacle() == Some(Obstacle::CertificateNotValidNow)
            && self.clock.is_empty()
        {
            self.clock.push(Finding::problem("offset", by_this_clock(UnixTime::now()), SET_THE_CLOCK));
        }
        self.findings.push(Finding::problem(check, told, mend));
    }
}

/// What the TLS library says is for programmers.
fn in_words(error: &TransportError) -> String {
    match error.obstacle() {
        Some(Obstacle::NoRootCertificates) => {
            "no authority is trusted here: there is no CA bundle".to_owned()
        }
        Some(Obstacle::UnknownAuthority) => {
            "the server's certificate is signed by an authority that is not trusted here".to_owned()
        }
        Some(Obstacle::CertificateNotValidNow) => {
            "the server's certificate has expired or is not valid yet, by this machine's clock".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The SDK's own next step is for programmers.
fn first_half(error: &Error) -> String {
    let words = error.to_string();
    words.split_once(": ").map_or_else(|| words.clone(), |(cause, _)| cause.to_owned())
}

const NO_WAY: &str = "check the host and port in the URL, and the network; behind a firewall: export \
                      HTTPS_PROXY=http://HOST:PORT";

fn mend_of(failure: TransportFailure, obstacle: Option<Obstacle>, settings: &Settings) -> String {
    match (failure, obstacle) {
        (_, Some(Obstacle::NoRootCertificates)) => NO_CA_BUNDLE.to_owned(),
        (_, Some(Obstacle::UnknownAuthority)) => {
            "--ca-file FILE, or export DEVICE_CLI_CA_FILE=FILE: the certificate of the server's own authority, or of the \
             proxy that looks into TLS, as PEM"
                .to_owned()
        }
        (_, Some(Obstacle::CertificateNotValidNow)) => format!(
            "{SET_THE_CLOCK}; where the clock is right the server's certificate has expired: tell its operator"
        ),
        (_, Some(Obstacle::OtherHostsCertificate)) => "check the host name in the URL".to_owned(),
        (_, Some(Obstacle::ProxyCredentials)) => {
            let proxy = proxy_for(&settings.url().unwrap_or_default());
            let variable = proxy.as_ref().map_or("HTTPS_PROXY", |proxy| proxy.variable.as_str());
            let address = proxy.as_ref().and_then(Proxy::address);
            let address = address.map_or_else(|| "HOST:PORT".into(), |(host, port)| format!("{host}:{port}"));
            let which = match &proxy {
                Some(proxy) if proxy.has_credentials() => ", with the right ones",
                _ => "",
            };
            format!("export {variable}=http://USER:PASSWORD@{address}{which}; : / @ in them as %3A %2F %40")
        }
        (_, Some(Obstacle::ProxyRefused)) => {
            "ask the proxy's operator to let this server through, or export NO_PROXY=HOST to go without".to_owned()
        }
        (TransportFailure::Dns, _) => "see names (DNS), under Network".to_owned(),
        (TransportFailure::Tls, _) => {
            "check that this port speaks TLS, and TLS 1.2 at least".to_owned()
        }
        (TransportFailure::BodyTooLarge | TransportFailure::NotHttp, _) => {
            "check that the URL is the server's".to_owned()
        }
        _ if is_through_a_proxy(settings) => "see proxy, under Network".to_owned(),
        _ => NO_WAY.to_owned(),
    }
}

fn is_through_a_proxy(settings: &Settings) -> bool {
    let url = settings.url().unwrap_or_default();
    let is_here = EndpointUrl::parse(&url).is_ok_and(|url| url.is_loopback());
    !is_here && proxy_for(&url).is_some_and(|proxy| !proxy.is_excepted)
}

fn of_offset(there: UnixTime, here: UnixTime) -> Finding {
    const CHECK: &str = "offset";
    let (ahead, behind) = (here.saturating_duration_since(there), there.saturating_duration_since(here));
    let (offset, direction) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    // The server tells whole seconds, and its answer has travelled.
    if offset <= Duration::from_secs(2) {
        return Finding::ok(CHECK, "this machine's clock and the server's agree");
    }
    let told = format!("this machine's clock is {} {direction} the server's", roughly(offset));
    if offset <= WORTH_A_NOTE {
        Finding::ok(CHECK, told)
    } else if offset <= WRONG {
        Finding::note(CHECK, told).mended_by(SET_THE_CLOCK)
    } else {
        Finding::problem(CHECK, told, SET_THE_CLOCK)
    }
}

fn by_this_clock(now: UnixTime) -> String {
    let date = i64::try_from(now.as_seconds())
        .ok()
        .and_then(|now| time::OffsetDateTime::from_unix_timestamp(now).ok());
    let date = date.map_or_else(|| "some other day".to_owned(), |date| date.date().to_string());
    format!("by this machine's clock it is {date}, when the server's certificate is not valid")
}

#[cfg(test)]
mod tests {
    use oauth_client::token_store::UnixTime;

    use super::of_offset;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_clock_is_wrong_beyond_five_minutes() {
        let there = 1_800_000_000;
        let offset = |here: u64| of_offset(UnixTime::from_seconds(there), UnixTime::from_seconds(here));
        for (here, verdict) in [
            (there + 2, Verdict::Ok),
            (there - 60, Verdict::Ok),
            (there + 61, Verdict::Note),
            (there - 300, Verdict::Note),
            (there + 301, Verdict::Problem),
        ] {
            assert_eq!(offset(here).verdict, verdict, "{here}");
        }
        let year = 365 * 24 * 3600;
        assert_eq!(offset(there + year).told, "this machine's clock is 365 days ahead of the server's");
        assert_eq!(offset(there - year).told, "this machine's clock is 365 days behind the server's");
        assert!(offset(there - year).mend.is_some());
    }
}
