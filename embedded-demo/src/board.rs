//! What a login needs of the board that it runs on.

use alloc::vec::Vec;

use oauth_protocol::{HttpRequest, HttpResponse, Instant, TransportFailure};
use zeroize::Zeroizing;

use crate::View;

/// One HTTP exchange at a time.
pub trait Transport {
    /// Sends `request` as it is and reads the whole answer, within [`HttpRequest::timeout`]: no redirect
    /// followed, no header left out. [`crate::http1::exchange`] does it over a byte stream.
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure>;
}

/// Time since the board started, in 64 bits: 32 bits of milliseconds are over after 49.7 days, and
/// [`TickCounter`](crate::TickCounter) makes 64 of them.
pub trait Clock {
    /// The time now. It does not go back, and it counts while the board sleeps.
    fn now(&mut self) -> Instant;

    /// Returns at `moment` or earlier, never much later: the clock is read again after it.
    fn sleep_until(&mut self, moment: Instant);
}

/// Where a person sees how the login goes: a panel, a line of text, a few LEDs.
pub trait Screen {
    /// Shows `view` in place of the one before. Called when something has changed.
    fn show(&mut self, view: &View<'_>);
}

/// A loudspeaker, which a person hears in place of a screen or beside it.
pub trait Speaker {
    /// Plays `samples` behind what it was given before, without a gap: G.711 u-law, 8000 a second, one channel. It may
    /// return before they are heard, where it keeps them until then; [`ulaw::decode`](crate::output::ulaw::decode) makes
    /// of them what a converter wants.
    fn play(&mut self, samples: &[u8]);
}

/// One light, or the line of a buzzer; [`output::morse`](crate::output::morse) says when it is on.
pub trait Led {
    /// Switches it on or off.
    fn set(&mut self, is_lit: bool);
}

/// Memory that keeps one record without power. [`FlashRecord`](crate::FlashRecord) makes one out of NOR flash.
pub trait Storage {
    /// Why it does not.
    type Error: core::fmt::Display;

    /// The record; `None` where there is none.
    fn load(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, Self::Error>;

    /// Puts `record` in the place of the one before. Once this returns, the new one outlives a power cut; until then
    /// the old one does.
    fn save(&mut self, record: &[u8]) -> Result<(), Self::Error>;

    /// Forgets the record.
    fn erase(&mut self) -> Result<(), Self::Error>;
}
