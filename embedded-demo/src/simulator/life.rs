//! A device's life at one server: power on, a token, a call, and what the person wants beyond that.

use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;
use std::time::Duration;

use embedded_demo::{CallError, Client, Progress};
use mock_server::{MockServer, Profile};
use oauth_protocol::{
    AuthorizationScheme, ClientAuthentication, EndpointPolicy, EndpointUrl, Error, HttpResponse, Instant,
    PollingPolicy, Scope, Secret,
};

use crate::arguments::{Arguments, Scheme};
use crate::board_clock::BoardClock;
use crate::desk::{Desk, SimulatedDevice};
use crate::endpoints::{Endpoints, endpoint};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::network::Network;
use crate::nor_flash::SimulatedFlash;
use crate::own_server::OwnServer;

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let flash = match &arguments.flash {
        Some(path) => SimulatedFlash::in_file(path)?,
        None => SimulatedFlash::in_memory(),
    };
    let own_server = match (&arguments.issuer, arguments.provider) {
        (None, None) => Some(own_server(arguments)?),
        _ => None,
    };
    let network = match &own_server {
        Some(_) => Network::plain(),
        None => network(arguments)?,
    };
    let desk = Desk::new(arguments, BoardClock::real(), network, false)?;
    let issuer = own_server.as_ref().map(|server| server.issuer()).or(arguments.issuer.as_deref());
    let client = client(arguments, issuer.unwrap_or_default(), &desk.network)?;
    let resource = match (&arguments.resource, &own_server) {
        (Some(url), _) => Some(endpoint(url, &client.endpoint_policy)?),
        (None, Some(server)) => {
            Some(endpoint(&format!("{}/resource/", server.issuer()), &client.endpoint_policy)?)
        }
        (None, None) => None,
    };
    let mut device = desk.power_on(&client, flash)?;
    loop {
        let next = sign_in(&desk, &mut device, &client)?;
        match call(&desk, &mut device, &client, resource.as_ref()) {
            // A device lives through that.
            Err(failure) if arguments.keep_running && failure.exit_code == ExitCode::ServerUnreachable => {
                desk.say(&failure.to_string())?;
            }
            result => result?,
        }
        if !arguments.keep_running {
            return Ok(());
        }
        // A token without an end is good for as long as the person wants.
        let moment = next.unwrap_or_else(|| desk.clock.read().saturating_add(Duration::from_secs(3600)));
        desk.live_until(&mut device, moment)?;
    }
}

/// Gives the moment at which the token wants to be replaced.
fn sign_in(desk: &Desk, device: &mut SimulatedDevice, client: &Client) -> Result<Option<Instant>, Failure> {
    if let Progress::SignedIn(next) = desk.until_the_end(device)? {
        return Ok(next);
    }
    let place = client.device_authorization_endpoint.origin();
    let error = desk.seen().error.take().unwrap_or(Error::Expired);
    Err(Failure::exchange(place, &error, desk.network.problem().as_deref()))
}

fn call(
    desk: &Desk,
    device: &mut SimulatedDevice,
    client: &Client,
    resource: Option<&EndpointUrl>,
) -> Result<(), Failure> {
    let Some(resource) = resource else {
        return desk.say("nothing to call: --resource names it");
    };
    let mut response = answer(desk, device, resource)?;
    if response.status() == 401 {
        // The token is replaced once.
        sign_in(desk, device, client)?;
        response = answer(desk, device, resource)?;
    }
    if let status @ (0..200 | 300..) = response.status() {
        let message = format!(
            "{resource} answers HTTP {status}; see whether the token is meant for it, and whether it wants another \
             --authorization-scheme"
        );
        return Err(Failure::new(ExitCode::Refused, message));
    }
    desk.say(&String::from_utf8_lossy(response.body()))
}

fn answer(
    desk: &Desk,
    device: &mut SimulatedDevice,
    resource: &EndpointUrl,
) -> Result<HttpResponse, Failure> {
    let response = device.call(resource).map_err(|error| match error {
        CallError::Transport(failure) => Failure::exchange(
            resource.as_str(),
            &Error::Transport(failure),
            desk.network.problem().as_deref(),
        ),
        _ => Failure::new(ExitCode::General, "nobody is signed in"),
    })?;
    desk.say(&format!("called {resource}: HTTP {}", response.status()))?;
    Ok(response)
}

fn own_server(arguments: &Arguments) -> Result<OwnServer, Failure> {
    let mut builder = MockServer::builder().interval(Duration::from_secs(1)).auto_approve(!arguments.by_hand);
    if arguments.authorization_scheme == Some(Scheme::Raw) {
        builder = builder.profile(Profile::Octopus);
    }
    if let Some(flash) = &arguments.flash {
        // What a reboot finds in the flash the server has to know, too.
        let mut path = flash.clone().into_os_string();
        path.push(".server");
        builder = builder.state_file(path);
    }
    OwnServer::start(builder).map_err(|error| {
        Failure::new(ExitCode::FilesUnavailable, format!("the own server does not start: {error}"))
    })
}

fn network(arguments: &Arguments) -> Result<Network, Failure> {
    let Some(path) = &arguments.ca_file else {
        return Ok(Network::with_tls());
    };
    let what = "the authority (--ca-file)";
    let pem = fs::read(path).map_err(|error| unreadable(what, path, &error))?;
    Network::with_authority(&pem).map_err(|problem| {
        Failure::new(
            ExitCode::FilesUnavailable,
            format!("{what} {} cannot be used: {problem}", path.display()),
        )
    })
}

fn client(arguments: &Arguments, issuer: &str, network: &Network) -> Result<Client, Failure> {
    let policy = arguments
        .dangerously_allow_http
        .as_ref()
        .map_or_else(EndpointPolicy::new, EndpointPolicy::dangerously_allow_http);
    let authentication = authentication(arguments)?;
    let endpoints = Endpoints::find(issuer, arguments, &policy, network)?;
    let by_provider = arguments.provider.map(crate::provider::Provider::authorization_scheme);
    Ok(Client {
        authentication,
        device_authorization_endpoint: endpoints.device_authorization,
        token_endpoint: endpoints.token,
        scope: Scope::parse(&arguments.scope),
        endpoint_policy: policy,
        polling_policy: PollingPolicy::default(),
        authorization_scheme: arguments
            .authorization_scheme
            .map(AuthorizationScheme::from)
            .or(by_provider)
            .unwrap_or_default(),
    })
}

fn authentication(arguments: &Arguments) -> Result<ClientAuthentication, Failure> {
    let client_id = arguments.client_id.as_deref().unwrap_or("device");
    let made = match &arguments.client_secret_file {
        None => ClientAuthentication::none(client_id),
        Some(path) => {
            let secret = first_line(path)?;
            match arguments.provider {
                Some(provider) => provider.confidential(client_id, secret),
                None => ClientAuthentication::client_secret_basic(client_id, secret),
            }
        }
    };
    made.map_err(|error| Failure::usage(error.to_string()))
}

fn first_line(path: &Path) -> Result<Secret, Failure> {
    let failure = |error| unreadable("the secret (--client-secret-file)", path, &error);
    let mut line = String::new();
    let file = fs::File::open(path).map_err(failure)?;
    io::BufReader::new(file).read_line(&mut line).map_err(failure)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(Secret::new(line))
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> Failure {
    let message = format!("{what} {} cannot be read: {error}; name a file that can", path.display());
    Failure::new(ExitCode::FilesUnavailable, message)
}
