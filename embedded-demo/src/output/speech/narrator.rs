//! What is new, spoken.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::time::Duration;

use super::recordings::Phrase;
use super::{phrase, speak};
use crate::{Screen, Speaker, View};

/// A code that nobody has entered yet is said again after so long.
const REPEATED_AFTER: Duration = Duration::from_secs(60);

/// A screen for the ears: it says what has changed, and a code again after each minute.
#[derive(Debug)]
pub struct Narrator<S> {
    speaker: S,
    last_phrase: Option<Phrase>,
    last_code: Option<LastCode>,
}

#[derive(Debug)]
struct LastCode {
    user_code: String,
    /// When it was said.
    time_left: Duration,
}

impl<S: Speaker> Narrator<S> {
    /// A narrator that has said nothing yet.
    pub const fn new(speaker: S) -> Self {
        Self { speaker, last_phrase: None, last_code: None }
    }

    /// The loudspeaker, for another use.
    pub fn into_speaker(self) -> S {
        self.speaker
    }

    /// Whether this very code was said within the last minute.
    fn has_just_said(&self, code: &str, time_left: Duration) -> bool {
        self.last_code.as_ref().is_some_and(|last| {
            last.user_code == code && last.time_left.saturating_sub(time_left) < REPEATED_AFTER
        })
    }
}

impl<S: Speaker> Screen for Narrator<S> {
    fn show(&mut self, view: &View<'_>) {
        let phrase = phrase(view);
        match view {
            // After a trouble, "signed in" is news.
            View::Refreshing { problem: None } => return,
            View::Code { user_code, time_left, .. } if !self.has_just_said(user_code, *time_left) => {
                speak(view, &mut self.speaker);
                self.last_code = Some(LastCode { user_code: (*user_code).to_owned(), time_left: *time_left });
            }
            _ if phrase != self.last_phrase => {
                let segments = phrase.map(Phrase::segments);
                segments.iter().flatten().for_each(|segment| segment.play(&mut self.speaker));
            }
            _ => {}
        }
        if !matches!(view, View::Code { .. } | View::NotStored { .. }) {
            self.last_code = None;
        }
        self.last_phrase = phrase;
    }
}
