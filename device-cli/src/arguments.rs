//! What may stand on the command line.

use clap::{Parser, Subcommand};

/// Signs a terminal in that has no browser, and keeps its token fresh for scripts.
#[derive(Parser)]
#[command(name = "device-cli", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole thing on this machine, with no set-up: a device login against a server of its own.
    #[cfg(feature = "demo")]
    Demo,
}
