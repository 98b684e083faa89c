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
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let capacity = needed.max(self.0.capacity().saturating_mul(2)).max(INITIAL_CAPACITY);
            let mut larger = Vec::with_capacity(capacity);
            larger.extend_from_slice(&self.0);
            // The old memory is zeroed here.
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
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
