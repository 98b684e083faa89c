//! What may stand after `--provider`.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use oauth_client::Provider;

/// Takes any text, for what no preset is called is refused where it is used; help and completions name the presets.
#[derive(Clone)]
pub(crate) struct ProviderName;

impl TypedValueParser for ProviderName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Provider::NAMES.iter().map(|&name| PossibleValue::new(name))))
    }
}
