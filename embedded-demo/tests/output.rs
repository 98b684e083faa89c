//! What the outputs send, read back by other means than they were made.

mod character_display;
mod gatt;
mod improv;
mod morse;
mod ndef;
mod panel;
#[cfg(feature = "speech")]
pub(crate) mod speech;
mod ulaw;
