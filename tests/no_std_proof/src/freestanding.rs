//! What an operating system's library gives other programs: start, end, heap, panics, copies of memory.
//! For Linux on x86-64.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

/// More than a login ever takes, nothing being given back.
const HEAP_BYTES: usize = 256 * 1024;

global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp", // The outermost frame.
    "and rsp, -16",
    "call {run}",
    run = sym run,
);

extern "C" fn run() -> ! {
    exit(crate::sign_in().err().unwrap_or(0))
}

fn exit(status: u8) -> ! {
    const EXIT_GROUP: u64 = 231;
    // SAFETY: the call ends the process; it touches no memory.
    unsafe { asm!("syscall", in("rax") EXIT_GROUP, in("rdi") u64::from(status), options(noreturn)) }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(101)
}

/// A heap that only grows.
struct Heap {
    memory: UnsafeCell<[u8; HEAP_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: the program has one thread, and `used` hands every byte out once.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap { memory: UnsafeCell::new([0; HEAP_BYTES]), used: AtomicUsize::new(0) };

// SAFETY: each block lies in `memory`, is aligned as asked for, and overlaps with no other.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let memory = self.memory.get().cast::<u8>();
        let free = memory.wrapping_add(self.used.load(Ordering::Relaxed));
        let block = free.wrapping_add(free.align_offset(layout.align()));
        let end = block.wrapping_add(layout.size()) as usize - memory as usize;
        if end > HEAP_BYTES {
            return core::ptr::null_mut();
        }
        self.used.store(end, Ordering::Relaxed);
        block
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

// What the compiler calls for copies and comparisons, in instructions that it does not turn into calls of
// the same functions.

/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") count => _,
            options(nostack, preserves_flags));
    }
    to
}

/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        // SAFETY: the caller's; what is written has been read before.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: the caller's; from the end, since the end of `from` lies in `to`.
    unsafe {
        asm!("std", "rep movsb", "cld",
            inout("rdi") to.wrapping_add(count).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(count).wrapping_sub(1) => _,
            inout("rcx") count => _, options(nostack));
    }
    to
}

/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        asm!("rep stosb", inout("rdi") to => _, in("al") byte as u8, inout("rcx") count => _,
            options(nostack, preserves_flags));
    }
    to
}

/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    for at in 0..count {
        // SAFETY: the caller's.
        let (one, other) = unsafe { (*one.wrapping_add(at), *other.wrapping_add(at)) };
        if one != other {
            return i32::from(one) - i32::from(other);
        }
    }
    0
}

/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: the caller's.
    unsafe { memcmp(one, other, count) }
}
