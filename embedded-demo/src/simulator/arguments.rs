//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use oauth_protocol::AuthorizationScheme;

use crate::exit_code::MEANINGS;
use crate::provider::Provider;

const EXAMPLES: &str = "\
Examples:
  embedded-demo                                     a whole login, approved by itself
  embedded-demo --by-hand                           you approve it, at the address on the panel
  embedded-demo --flash device.flash                the second time: the device after a reboot
  embedded-demo --scenario outage --led -           a server that goes away, and the lamp
  embedded-demo --frames out --sound out            pictures of the panel, and what it says
  embedded-demo --provider octopus --client-id ID   at a real server

";

/// A device with a panel of 128x64 pixels, a loudspeaker and a lamp that signs in, on your desk; without --issuer or --provider at a
/// mock server of its own.
#[derive(Debug, Parser)]
#[command(version, after_help = [EXAMPLES, MEANINGS].concat())]
pub(crate) struct Arguments {
    /// The authorization server; its metadata names the endpoints.
    #[arg(long, value_name = "URL", group = "server", help_heading = "Server")]
    pub(crate) issuer: Option<String>,
    /// A server that is known beforehand.
    #[arg(long, value_name = "NAME", group = "server", requires = "client_id", help_heading = "Server")]
    pub(crate) provider: Option<Provider>,
    /// The client's identifier at the server; `device` where none is given.
    #[arg(long, value_name = "ID", help_heading = "Server")]
    pub(crate) client_id: Option<String>,
    /// A file with the client's secret in its first line, where the server gave one.
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// What the token is to be good for, values separated by spaces.
    #[arg(long, value_name = "SCOPE", default_value = "openid offline_access", help_heading = "Server")]
    pub(crate) scope: String,
    /// The device authorization endpoint, where the server's metadata does not name it.
    #[arg(long, value_name = "URL", requires = "server", help_heading = "Server")]
    pub(crate) device_endpoint: Option<String>,
    /// The token endpoint, where the server's metadata does not name it.
    #[arg(long, value_name = "URL", requires = "server", help_heading = "Server")]
    pub(crate) token_endpoint: Option<String>,
    /// What is called with the token; the own server's resource where there is no other server.
    #[arg(long, value_name = "URL", help_heading = "Server")]
    pub(crate) resource: Option<String>,
    /// What stands before the token in the call; the own server then asks for it so.
    #[arg(long, value_name = "SCHEME", help_heading = "Server")]
    pub(crate) authorization_scheme: Option<Scheme>,
    /// The authority of the server's certificate, as PEM, in place of those that this machine trusts.
    #[arg(long, value_name = "FILE", requires = "server", help_heading = "Server")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Talk http to this other host too: everyone on the way reads the tokens.
    #[arg(long, value_name = "HOST", requires = "server", help_heading = "Server")]
    pub(crate) dangerously_allow_http: Option<String>,
    /// The own server waits for you at the address on the panel, in place of approving by itself.
    #[arg(long, conflicts_with_all = ["issuer", "provider"], help_heading = "Server")]
    pub(crate) by_hand: bool,

    /// Keeps the flash in this file: the next run is the device after a reboot, and the own server's memory is beside it.
    #[arg(long, value_name = "FILE", help_heading = "Device")]
    pub(crate) flash: Option<PathBuf>,
    /// Lives on after the call, and replaces each token before its end, until Ctrl-C.
    #[arg(long, help_heading = "Device")]
    pub(crate) keep_running: bool,

    /// Writes each picture of the panel into this folder as PNG: 0001.png, 0002.png ..
    #[arg(long, value_name = "DIR", help_heading = "Outputs")]
    pub(crate) frames: Option<PathBuf>,
    /// Logs the lamp: a line for each time it goes on or off; `-` is standard output.
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(crate) led: Option<PathBuf>,
    /// Writes what the device says into this folder as WAV, a file each time that it speaks: 0001.wav, 0002.wav ..
    #[arg(long, value_name = "DIR", help_heading = "Outputs")]
    pub(crate) sound: Option<PathBuf>,
    /// Lines of text, as without a terminal, in place of the live panel.
    #[arg(long, help_heading = "Outputs")]
    pub(crate) text: bool,

    /// Plays what can happen to a device at the own server, in time that jumps, and says whether it went well.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["issuer", "provider", "flash", "by_hand", "keep_running", "resource", "authorization_scheme",
                              "device_endpoint", "token_endpoint", "client_id", "client_secret_file", "ca_file"],
        help_heading = "Scenarios"
    )]
    pub(crate) scenario: Option<Scenario>,
    /// Plays it so many times as fast as it would be, live, in place of as fast as it goes.
    #[arg(long, value_name = "FACTOR", requires = "scenario", value_parser = speed, help_heading = "Scenarios")]
    pub(crate) speed: Option<f64>,
}

/// What stands before the token in the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scheme {
    /// `Bearer TOKEN` (RFC 6750).
    Bearer,
    /// `TOKEN`.
    Raw,
}

impl From<Scheme> for AuthorizationScheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Bearer => Self::Bearer,
            Scheme::Raw => Self::Raw,
        }
    }
}

/// A story of a device, in the order in which all are played.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scenario {
    /// A person approves, and the device calls with its token.
    Success,
    /// The person says no: the device stops, and starts again only by hand.
    Denied,
    /// Nobody comes: the code runs out.
    Expired,
    /// The server asks to be asked less often, twice.
    SlowDown,
    /// The server is not there when the power comes, goes away in the middle of the login, and again when the token is
    /// to be replaced.
    Outage,
    /// The power fails while the device waits: it goes on with the same code.
    Reset,
    /// The device sleeps through every wait, all of its memory off but for a snapshot.
    DeepSleep,
    /// The device knows neither the date nor how long its power was off.
    NoClock,
    /// After a reboot there is a refresh in place of a login, and before the token's end another.
    Refresh,
    /// The flash is full of something else, and then takes no writes at all.
    FullFlash,
    /// All of them, one after the other.
    All,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.01..=1_000_000.0).contains(speed));
    speed.ok_or_else(|| "a number from 0.01 to 1000000".into())
}
