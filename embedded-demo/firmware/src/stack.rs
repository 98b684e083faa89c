//! How deep the stack has ever been: the start paints it, what it reached has lost its paint.

use cortex_m_rt::STACK_PAINT_VALUE;

/// The most bytes that the stack ever took, interrupts included.
#[allow(unsafe_code)] // It looks at memory that belongs to no variable.
pub fn peak() -> usize {
    unsafe extern "C" {
        static _stack_end: u32;
        static _stack_start: u32;
    }
    let (lowest, top) = (&raw const _stack_end, &raw const _stack_start);
    let mut untouched = lowest;
    // SAFETY: from the end of the static memory to the top there is nothing but the stack, painted at the start.
    while untouched < top && unsafe { untouched.read_volatile() } == STACK_PAINT_VALUE {
        untouched = untouched.wrapping_add(1);
    }
    top as usize - untouched as usize
}
