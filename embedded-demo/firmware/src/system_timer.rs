//! The clock: milliseconds since the start, in 64 bits.

use core::cell::Cell;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embedded_demo::Clock;
use oauth_protocol::Instant;

/// What the chip runs at after a reset.
const TICKS_PER_MILLISECOND: u32 = 12_500;

static MILLISECONDS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// The timer of the processor, counted by its interrupt.
#[derive(Clone, Copy)]
pub struct SystemTimer(());

impl SystemTimer {
    /// Starts it.
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS_PER_MILLISECOND - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        Self(())
    }

    /// The time now.
    pub fn now(self) -> Instant {
        Instant::from_millis(critical_section::with(|token| MILLISECONDS.borrow(token).get()))
    }

    /// Returns at the next millisecond, or when something else happens.
    pub fn wait(self) {
        cortex_m::asm::wfi();
    }
}

impl Clock for SystemTimer {
    fn now(&mut self) -> Instant {
        Self::now(*self)
    }

    fn sleep_until(&mut self, moment: Instant) {
        while Self::now(*self) < moment {
            self.wait();
        }
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|token| {
        let milliseconds = MILLISECONDS.borrow(token);
        milliseconds.set(milliseconds.get() + 1);
    });
}
