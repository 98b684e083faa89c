//! Whatever session of requests comes, every answer keeps the rules that hold for all of them.
#![no_main]

#[path = "../../../mock-server/tests/written_session.rs"]
mod written_session;

libfuzzer_sys::fuzz_target!(|session: &[u8]| {
    written_session::run(session);
});
