//! `profile`, and what stands behind it.

use clap::{Args, Subcommand};

use super::examples;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(crate) enum ProfileCommand {
    /// Every profile; the one with the star is meant where none is named
    List(ProfileListArguments),
    /// What a profile says, in the words of the configuration file
    Show(ProfileShowArguments),
    /// Mean this profile from now on, where none is named
    Use(ProfileNameArguments),
    /// Write a new profile into the configuration file
    #[command(after_help = examples::PROFILE_ADD)]
    Add(Box<ProfileAddArguments>),
    /// Take a profile out of the configuration file; after a logout
    Remove(ProfileNameArguments),
}

#[derive(Args)]
pub(crate) struct ProfileListArguments {
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ProfileShowArguments {
    /// Which one; else the one that is meant
    #[arg(value_name = "NAME", id = "shown")]
    pub(crate) profile: Option<String>,

    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ProfileNameArguments {
    /// Which one
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct ProfileAddArguments {
    /// What to call it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) settings: Settings,
}
