//! How those who watch the state notice that it has changed.

/// A number that grows with each change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revision(u64);

impl Revision {
    pub(crate) fn note_change(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}
