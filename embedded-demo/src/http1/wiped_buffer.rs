//! Bytes that leave no copy behind: the memory is zeroed when they grow out of it and when they go.

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// The first allocation.
const INITIAL_CAPACITY: usize = 1024;

#[derive(Default)]
pub(super) struct WipedBuffer(Zeroizing<Vec<u8>>);

impl WipedBuffer {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// At most `most` bytes more, of which `write` says how many it wrote: straight into the buffer, since a small device
    /// has no stack for them.
    pub(super) fn push_with<E>(
        &mut self,
        most: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.reserve(most);
        let length = self.0.len();
        self.0.resize(length + most, 0);
        let written = write(self.0.get_mut(length..).unwrap_or_default()).map(|count| count.min(most));
        self.0.truncate(length + written.as_ref().copied().unwrap_or_default());
        written
    }

    fn reserve(&mut self, count: usize) {
        let needed = self.0.len().saturating_add(count);
        if needed > self.0.capacity() {
            let capacity = needed.max(self.0.capacity().saturating_mul(2)).max(INITIAL_CAPACITY);
            let mut larger = Vec::with_capacity(capacity);
            larger.extend_from_slice(&self.0);
            // The old memory is zeroed here.
            self.0 = Zeroizing::new(larger);
        }
    }

    /// Forgets the first `count` bytes.
    pub(super) fn drop_front(&mut self, count: usize) {
        let count = count.min(self.0.len());
        self.0.drain(..count);
    }

    /// The bytes, whose memory is the receiver's to zero.
    pub(super) fn into_vec(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }
}
