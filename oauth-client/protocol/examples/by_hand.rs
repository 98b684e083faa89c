//! A whole device login with a blocking loop over `TcpStream`: no tokio, no HTTP library, no TLS.
//!
//! ```sh
//! cargo run -p mock-server -- --port 8080
//! cargo run -p oauth-protocol --example by_hand -- http://127.0.0.1:8080 device
//! cargo run -p oauth-protocol --example by_hand -- DEVICE_AUTHORIZATION_ENDPOINT TOKEN_ENDPOINT CLIENT_ID
//! ```
#![allow(clippy::disallowed_methods, reason = "an example is an application")]
#![allow(clippy::print_stdout)] // An example may talk.

use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::Duration;

use oauth_protocol::{
    AccessTokenResponse, Action, AuthorizationServerMetadata, ClientAuthentication, DeviceCodeGrant,
    DeviceCodeRequest, EndpointPolicy, EndpointUrl, HttpRequest, HttpResponse, Instant, PollingPolicy,
    TransportFailure,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (device_authorization_endpoint, token_endpoint, client_id) = match arguments.as_slice() {
        [device_authorization, token, client_id] => {
            (EndpointUrl::parse(device_authorization)?, EndpointUrl::parse(token)?, client_id)
        }
        [issuer, client_id] => {
            let (device_authorization, token) = discover(issuer)?;
            (device_authorization, token, client_id)
        }
        _ => return Err("usage: by_hand ISSUER CLIENT_ID".into()),
    };
    let client = ClientAuthentication::none(client_id)?;
    let request = DeviceCodeRequest::new(client, device_authorization_endpoint, token_endpoint);
    let token = sign_in(request)?;
    println!("Signed in; the token is valid for {:?}.", token.expires_in);
    Ok(())
}

/// The loop: ask what to do, do it, hand in what came.
fn sign_in(request: DeviceCodeRequest) -> Result<AccessTokenResponse, oauth_protocol::Error> {
    let clock = Clock::start();
    let jitter_seed = RandomState::new().hash_one("jitter"); // std's one source of chance.
    let mut grant = DeviceCodeGrant::new(request, PollingPolicy::default(), jitter_seed);
    loop {
        match grant.poll(clock.now()) {
            Action::Send(request) => {
                let answer = send(&request);
                // The clock again: the wait begins when the answer is there.
                match answer {
                    Ok(response) => grant.handle_response(clock.now(), &response),
                    Err(failure) => grant.handle_transport_failure(clock.now(), failure),
                }
            }
            Action::ShowUserCode(codes) => {
                println!("Visit {} and enter the code {}", codes.verification_uri, codes.user_code);
            }
            Action::WaitUntil(moment) => {
                std::thread::sleep(moment.saturating_duration_since(clock.now()));
            }
            Action::Finished(result) => return result.map(|token| *token),
        }
    }
}

/// The first of the two well-known addresses that has metadata.
fn discover(issuer: &str) -> Result<(EndpointUrl, EndpointUrl), Box<dyn Error>> {
    for request in AuthorizationServerMetadata::requests(&EndpointPolicy::new(), issuer)? {
        let response = send(&request)?;
        let Some(metadata) = AuthorizationServerMetadata::process_response(issuer, &response)? else {
            continue;
        };
        let device_authorization =
            metadata.device_authorization_endpoint.ok_or("it offers no device login")?;
        let token = metadata.token_endpoint.ok_or("its metadata names no token endpoint")?;
        return Ok((EndpointUrl::parse(&device_authorization)?, EndpointUrl::parse(&token)?));
    }
    Err("the server has no metadata: give both endpoints by hand".into())
}

/// Milliseconds since the start. A product takes a clock that also runs while the device is suspended.
struct Clock(std::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// One exchange in HTTP/1.0: the answer ends where the connection ends.
fn send(request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
    let url = request.url();
    if url.is_https() {
        return Err(TransportFailure::Tls); // This example has none.
    }
    let deadline = std::time::Instant::now() + request.timeout();
    let time_left = || {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() { Err(TransportFailure::Timeout) } else { Ok(left) }
    };
    let addresses = (url.host(), url.port()).to_socket_addrs().map_err(|_| TransportFailure::Dns)?;
    let connect =
        |address| TcpStream::connect_timeout(&address, time_left().ok()?.min(Duration::from_secs(10))).ok();
    let mut stream = addresses.into_iter().find_map(connect).ok_or(TransportFailure::Connect)?;

    let mut head = format!("{} {} HTTP/1.0\r\n", request.method().as_str(), url.path_and_query());
    let headers = request.headers().map(|(name, value)| format!("{name}: {value}\r\n"));
    let authority = url.origin().split_once("//").map_or("", |(_, authority)| authority);
    head.extend(headers.chain([
        format!("host: {authority}\r\nuser-agent: by_hand/0.1\r\n"),
        format!("content-length: {}\r\n\r\n", request.body().len()),
    ]));
    stream.set_write_timeout(Some(time_left()?)).map_err(|_| TransportFailure::Closed)?;
    stream
        .write_all(&[head.as_bytes(), request.body().as_bytes()].concat())
        .map_err(|error| failure(&error))?;

    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        stream.set_read_timeout(Some(time_left()?)).map_err(|_| TransportFailure::Closed)?;
        match stream.read(&mut part).map_err(|error| failure(&error))? {
            0 => return parse(&answer).ok_or(TransportFailure::NotHttp)?,
            count => answer.extend_from_slice(&part[..count]),
        }
        // With room for a head.
        if answer.len() > request.max_body_bytes() + 16 * 1024 {
            return Err(TransportFailure::BodyTooLarge);
        }
    }
}

fn failure(error: &std::io::Error) -> TransportFailure {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => TransportFailure::Timeout,
        _ => TransportFailure::Closed,
    }
}

/// A whole answer; one that was cut off is [`TransportFailure::Closed`], and `None` is no HTTP.
fn parse(answer: &[u8]) -> Option<Result<HttpResponse, TransportFailure>> {
    let end_of_head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, body) = (str::from_utf8(&answer[..end_of_head]).ok()?, &answer[end_of_head + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()));
    let response = HttpResponse::new(status, headers, body);
    let length = response.header("content-length").and_then(|length| length.parse().ok());
    Some(if length.is_some_and(|length: usize| length > body.len()) {
        Err(TransportFailure::Closed)
    } else {
        Ok(response)
    })
}
