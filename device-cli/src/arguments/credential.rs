//! `credential`: the words of git, kubectl, Docker and Cargo.

use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum CredentialCommand {
    /// A credential helper of git, for one host, which alone gets the token: `credential.https://HOST.helper`, set to
    /// "!device-cli credential git"
    Git(GitArguments),
    /// An exec plugin of kubectl: users[].user.exec with command device-cli, args [credential, kubectl]
    Kubectl(KubectlArguments),
    /// A credential helper of Docker; Docker wants a link to this program that is called
    /// docker-credential-device-cli, or docker-credential-device-cli-PROFILE
    Docker(DockerArguments),
    /// A credential provider of Cargo: credential-provider = "device-cli", or "device-cli --profile NAME"
    Cargo(CargoArguments),
}

#[derive(Args)]
pub(crate) struct GitArguments {
    /// Git adds it
    #[arg(value_name = "OPERATION")]
    pub(crate) operation: GitOperation,

    /// The user name that goes with the token, where git knows none
    #[arg(long, env = "DEVICE_CLI_CREDENTIAL_USERNAME", hide_env_values = true, default_value = "oauth2")]
    pub(crate) username: String,

    /// Authorization: Bearer in place of a password, where git can (2.46)
    #[arg(long)]
    pub(crate) bearer: bool,
}

/// What git asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GitOperation {
    Get,
    Store,
    Erase,
    /// One of a later git.
    Other,
}

#[derive(Args)]
pub(crate) struct KubectlArguments {
    /// The `id_token` in place of the access token, as clusters with OpenID Connect want it
    #[arg(long)]
    pub(crate) id_token: bool,
}

#[derive(Args)]
pub(crate) struct DockerArguments {
    /// Docker adds it
    #[arg(value_enum, value_name = "OPERATION")]
    pub(crate) operation: DockerOperation,

    /// The user name that goes with the token
    #[arg(long, env = "DEVICE_CLI_CREDENTIAL_USERNAME", hide_env_values = true, default_value = "oauth2")]
    pub(crate) username: String,
}

/// What Docker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DockerOperation {
    Get,
    Store,
    Erase,
    List,
}

#[derive(Args)]
pub(crate) struct CargoArguments {
    /// Cargo adds it
    #[arg(long, hide = true)]
    pub(crate) cargo_plugin: bool,
}

impl FromStr for GitOperation {
    type Err = std::convert::Infallible;

    fn from_str(operation: &str) -> Result<Self, Self::Err> {
        Ok(match operation {
            "get" => Self::Get,
            "store" => Self::Store,
            "erase" => Self::Erase,
            _ => Self::Other,
        })
    }
}
