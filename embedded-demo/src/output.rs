//! The ways a device without a screen, or with a small one, tells a person the address and the code.
//!
//! Each takes what [`View::Code`](crate::View::Code) carries and gives what its hardware wants: pixels, characters,
//! levels of a line over time, bytes of a record. None of them is ever given a `device_code` or a token. A code that
//! is sent where strangers can hear it is a code that they can enter (RFC 8628 §5.7): radio reaches further than light
//! and sound, and all three further than a screen.

pub mod character_display;
pub mod gatt;
pub mod improv;
pub mod morse;
pub mod ndef;
pub mod panel;
#[cfg(feature = "speech")]
pub mod speech;
pub mod ulaw;
pub mod wav;
