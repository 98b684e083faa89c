//! The command line.

use clap::Parser;

/// Signs in as a device would, over HTTP/1.1 without TLS; without --issuer against a server of its own.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// The authorization server, http on this machine: `http://127.0.0.1:8080`.
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The client's identifier at the server.
    #[arg(long, value_name = "ID", default_value = "device")]
    pub(crate) client_id: String,
    /// What the token is to be good for, values separated by spaces.
    #[arg(long, value_name = "SCOPE", default_value = "openid offline_access")]
    pub(crate) scope: String,
    /// The device authorization endpoint, where the server's metadata does not name it.
    #[arg(long, value_name = "URL")]
    pub(crate) device_endpoint: Option<String>,
    /// The token endpoint, where the server's metadata does not name it.
    #[arg(long, value_name = "URL")]
    pub(crate) token_endpoint: Option<String>,
    /// Talk http to this other host too: everyone on the way reads the tokens.
    #[arg(long, value_name = "HOST")]
    pub(crate) dangerously_allow_http: Option<String>,
}
