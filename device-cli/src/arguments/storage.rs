//! `storage`, and what stands behind it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::examples;
use crate::known_values::KnownValues;
use crate::stores;

#[derive(Subcommand)]
pub(crate) enum StorageCommand {
    /// Each profile's store: encrypted at rest or not, kept over a reboot or not, where. Opens none of them
    Show(StorageShowArguments),
    /// Move a login to another store; the old copy goes once the new one was read back
    #[command(after_help = examples::STORAGE_MOVE)]
    Move(StorageMoveArguments),
}

#[derive(Args)]
pub(crate) struct StorageShowArguments {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct StorageMoveArguments {
    /// Where to
    #[arg(long, value_name = "STORE", value_parser = KnownValues(stores::names))]
    pub(crate) to: String,

    /// To key-file: the file with its key, made if it is missing; best on another disk than the tokens
    #[arg(long, env = "DEVICE_CLI_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// To passphrase: a file that holds it, - for standard input; or set `DEVICE_CLI_PASSPHRASE`
    #[arg(long, env = "DEVICE_CLI_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}
