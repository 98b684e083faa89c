//! Ctrl-C and SIGTERM end the process wherever it is, and the terminal is as it was.

#[cfg(unix)]
pub(crate) fn listen() -> std::io::Result<()> {
    use crate::exit_code::ExitCode;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let code = if signal == SIGINT { ExitCode::Interrupted } else { ExitCode::Terminated };
            // Held to the end: nothing is drawn any more.
            let _output = std::io::stdout().lock();
            crate::live_panel::restore();
            std::process::exit(code as i32);
        }
    })?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn listen() -> std::io::Result<()> {
    Ok(())
}
