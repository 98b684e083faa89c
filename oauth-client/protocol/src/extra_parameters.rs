//! What an answer has beyond the parameters that its RFC names.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

/// Members of an answer that have no field of their own, each as the JSON that the server wrote.
///
/// They are read where they are asked for: a device that asks for none pays for no JSON values. `Debug` shows the names,
/// since some servers put tokens here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraParameters {
    members: Vec<(String, Zeroizing<String>)>,
}

impl ExtraParameters {
    /// The JSON of the member `name`, of a repeated one the first; none where it is absent or null.
    pub fn json(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(own, _)| own == name).map(|(_, json)| json.as_str())
    }

    /// The member `name` where it is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.json(name)?).ok()
    }

    /// The member `name`. What [`Value`] cannot hold (a number out of range, a nest too deep) stays the text that it is.
    pub fn value(&self, name: &str) -> Option<Value> {
        let json = self.json(name)?;
        Some(serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_string())))
    }

    /// The names, in the server's order; one that the server repeats stands here again.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl FromIterator<(String, Zeroizing<String>)> for ExtraParameters {
    /// Names, each with its JSON.
    fn from_iter<Members: IntoIterator<Item = (String, Zeroizing<String>)>>(members: Members) -> Self {
        Self { members: members.into_iter().collect() }
    }
}

impl fmt::Debug for ExtraParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}
