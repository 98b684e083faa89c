//! The end of the program, told to the host by semihosting.

use core::fmt::Write;
use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};

use crate::scenario::Verdict;
use crate::{heap, stack};

/// Reports to `log` what was used and what came of it, and ends with exit code 0 or 1.
pub fn exit(mut log: impl Write, verdict: Verdict) -> ! {
    let _ = writeln!(log, "heap peak {}\nstack peak {}", heap::peak(), stack::peak());
    match verdict {
        Ok(()) => {
            let _ = writeln!(log, "passed");
            debug::exit(EXIT_SUCCESS);
        }
        Err(problem) => {
            let _ = writeln!(log, "failed: {problem}");
            debug::exit(EXIT_FAILURE);
        }
    }
    stop()
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    debug::exit(EXIT_FAILURE);
    stop()
}

#[exception]
#[allow(unsafe_code)] // The exception's signature.
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    debug::exit(EXIT_FAILURE);
    stop()
}

fn stop() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}
