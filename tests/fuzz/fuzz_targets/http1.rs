//! Whatever a device's server answers, it is read the same however it arrives, and within the bounds.
#![no_main]

#[path = "../../../embedded-demo/tests/arriving_answer.rs"]
mod arriving_answer;

libfuzzer_sys::fuzz_target!(|answer: &[u8]| {
    let _ = arriving_answer::run(answer);
});
