//! What has to happen, in this order, or the image ends with a failure.

use embedded_demo::{Clock, Device, Screen, Storage, Transport, sign_in};
use oauth_protocol::{DeviceCodeGrant, DeviceCodeRequest, EndpointUrl};

use crate::configuration;
use crate::witness::{Seen, Witness};

/// What is wrong with what happened.
pub type Verdict = Result<(), &'static str>;

/// A denial, a second login through a slow server and one that is away, a call, a reset of the device, a refresh, and
/// another call.
pub fn play(
    transport: impl Transport,
    clock: impl Clock,
    screen: impl Screen,
    storage: impl Storage,
    jitter_seed: u64,
) -> Verdict {
    let seen = Seen::default();
    let screen = Witness::new(&seen, screen);
    let parts = two_logins((transport, clock, screen, storage), &seen, jitter_seed)?;
    after_a_reset(parts, &seen, jitter_seed)
}

/// The two logins alone: nothing is kept, nothing is called.
pub fn play_logins(
    mut transport: impl Transport,
    mut clock: impl Clock,
    screen: impl Screen,
    jitter_seed: u64,
) -> Verdict {
    let seen = Seen::default();
    let mut screen = Witness::new(&seen, screen);
    let mut has_token = |seed| {
        let (client, _) = configuration::client()?;
        let request = DeviceCodeRequest::new(
            client.authentication,
            client.device_authorization_endpoint,
            client.token_endpoint,
        );
        let request = request.with_scope(&client.scope).with_endpoint_policy(client.endpoint_policy);
        let grant = DeviceCodeGrant::new(request, client.polling_policy, seed);
        Some(sign_in(grant, &mut transport, &mut clock, &mut screen).is_ok())
    };
    let wrong = "the configuration is wrong";
    first_login(has_token(jitter_seed).ok_or(wrong)?, &seen)?;
    second_login(has_token(jitter_seed + 1).ok_or(wrong)?, &seen)
}

/// One login and a call, at a server that has to be trusted for it.
pub fn play_with_tls(
    transport: impl Transport,
    clock: impl Clock,
    screen: impl Screen,
    storage: impl Storage,
    jitter_seed: u64,
) -> Verdict {
    let seen = Seen::default();
    let (client, resource) = configuration::client().ok_or("the configuration is wrong")?;
    let screen = Witness::new(&seen, screen);
    let mut device = Device::new(client, transport, clock, screen, storage, jitter_seed);
    let is_signed_in = device.access_token().is_some();
    expect(!seen.untrusted.get(), "the server is not to be trusted")?;
    expect(is_signed_in, "the login gave no token")?;
    call(&mut device, &resource)
}

#[inline(never)] // The device before the reset is gone from the stack after it.
fn two_logins<T: Transport, C: Clock, S: Screen, M: Storage>(
    (transport, clock, screen, storage): (T, C, S, M),
    seen: &Seen,
    jitter_seed: u64,
) -> Result<(T, C, S, M), &'static str> {
    let (client, resource) = configuration::client().ok_or("the configuration is wrong")?;
    let mut device = Device::new(client, transport, clock, screen, storage, jitter_seed);

    first_login(device.access_token().is_some(), seen)?;
    device.start_again();
    second_login(device.access_token().is_some(), seen)?;
    call(&mut device, &resource)?;
    Ok(device.into_parts())
}

fn first_login(has_token: bool, seen: &Seen) -> Verdict {
    expect(!has_token, "the first login gave a token")?;
    expect(seen.code.replace(false), "the first login showed no code")?;
    expect(seen.denial.replace(false), "the first login was not denied")
}

fn second_login(has_token: bool, seen: &Seen) -> Verdict {
    expect(has_token, "the second login gave no token")?;
    expect(seen.code.replace(false), "the second login showed no code")?;
    expect(seen.unavailable.replace(false), "no 503 was seen")?;
    expect(seen.away.replace(false), "the server was never away")?;
    expect(seen.slow_down.replace(false), "no slow_down was seen")?;
    expect(!seen.denial.get() && !seen.refresh.get(), "the second login was denied, or refreshed")
}

#[inline(never)] // As `two_logins`.
fn after_a_reset<T: Transport, C: Clock, S: Screen, M: Storage>(
    (transport, clock, screen, storage): (T, C, S, M),
    seen: &Seen,
    jitter_seed: u64,
) -> Verdict {
    let (client, resource) = configuration::client().ok_or("the configuration is wrong")?;
    let mut device = Device::new(client, transport, clock, screen, storage, jitter_seed);
    expect(device.access_token().is_some(), "no token after the reset")?;
    expect(seen.refresh.get() && !seen.code.get(), "after the reset there was a login, no refresh")?;
    call(&mut device, &resource)
}

/// The resource says for whom the token stands.
fn call<T: Transport, C: Clock, S: Screen, M: Storage>(
    device: &mut Device<T, C, S, M>,
    resource: &EndpointUrl,
) -> Verdict {
    const SUBJECT: &[u8] = br#""sub":"alice""#;
    let response = device.call(resource).map_err(|_| "the call had no answer")?;
    expect(response.status() == 200, "the call was refused")?;
    let names_her = response.body().windows(SUBJECT.len()).any(|window| window == SUBJECT);
    expect(names_her, "the answer to the call is another")
}

fn expect(is_so: bool, otherwise: &'static str) -> Verdict {
    if is_so { Ok(()) } else { Err(otherwise) }
}
