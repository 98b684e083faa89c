//! The end of the program, told to the host.

use core::fmt::Write;
use core::panic::PanicInfo;

use crate::heap;
use crate::scenario::Verdict;

/// Reports to `log` what was used and what came of it, and ends with exit code 0 or 1.
pub fn exit(mut log: impl Write, verdict: Verdict) -> ! {
    let _ = writeln!(log, "heap peak {}", heap::peak());
    #[cfg(target_arch = "arm")]
    let _ = writeln!(log, "stack peak {}", crate::stack::peak());
    let _ = match verdict {
        Ok(()) => writeln!(log, "passed"),
        Err(problem) => writeln!(log, "failed: {problem}"),
    };
    end(verdict.is_ok())
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    end(false)
}

/// By semihosting.
#[cfg(target_arch = "arm")]
fn end(is_success: bool) -> ! {
    use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
    debug::exit(if is_success { EXIT_SUCCESS } else { EXIT_FAILURE });
    loop {
        cortex_m::asm::wfi();
    }
}

/// What the compiler puts in the place of a panic's message ends here.
#[cfg(target_arch = "arm")]
#[cortex_m_rt::exception]
#[allow(unsafe_code)] // The exception's signature.
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    end(false)
}

/// By the machine's test device.
#[cfg(target_arch = "riscv32")]
fn end(is_success: bool) -> ! {
    #[allow(unsafe_code)] // SAFETY: QEMU's `virt` has it there; it ends the machine and touches no memory.
    const TEST_DEVICE: crate::registers::Registers = unsafe { crate::registers::Registers::at(0x10_0000) };
    const PASS: u32 = 0x5555;
    const FAIL_WITH_1: u32 = 0x1_3333;
    TEST_DEVICE.write(0, if is_success { PASS } else { FAIL_WITH_1 });
    loop {
        riscv::asm::wfi();
    }
}

/// Where riscv-rt sends whatever nobody handles; what the compiler puts in the place of a panic's message ends here.
#[cfg(target_arch = "riscv32")]
#[allow(unsafe_code)] // SAFETY: riscv-rt leaves this name to the program.
#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    end(false)
}
