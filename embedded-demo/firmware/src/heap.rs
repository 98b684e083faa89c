//! The heap, and the most that was ever in use.

use core::alloc::{GlobalAlloc, Layout};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering};

use embedded_alloc::LlffHeap;

/// Memory for the heap: what a login takes, and the longest answers that are read; with TLS the rest of the chip's RAM is
/// the stack's.
pub const HEAP_BYTES: usize = if cfg!(feature = "tls") { 16 } else { 24 } * 1024;

struct CountingHeap {
    heap: LlffHeap,
    peak: AtomicUsize,
}

#[global_allocator]
static HEAP: CountingHeap = CountingHeap { heap: LlffHeap::empty(), peak: AtomicUsize::new(0) };

/// Before anything is allocated, once.
#[allow(unsafe_code)] // The one place that hands the memory out.
pub fn start() {
    // Not zeroed at the start, and no part of the static memory that the size table counts.
    #[unsafe(link_section = ".uninit.heap")]
    static mut MEMORY: MaybeUninit<[u8; HEAP_BYTES]> = MaybeUninit::uninit();
    // SAFETY: nobody else can name `MEMORY`; a second call ends in the panic of `init`.
    unsafe { HEAP.heap.init(&raw mut MEMORY as usize, HEAP_BYTES) }
}

/// The most bytes that were in use at one time, with what the allocator adds to each block.
pub fn peak() -> usize {
    HEAP.peak.load(Ordering::Relaxed)
}

#[allow(unsafe_code)] // An allocator is unsafe by its nature.
// SAFETY: each call goes to an allocator that keeps the rules.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let block = unsafe { self.heap.alloc(layout) };
        self.peak.store(self.peak.load(Ordering::Relaxed).max(self.heap.used()), Ordering::Relaxed);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { self.heap.dealloc(block, layout) }
    }
}
