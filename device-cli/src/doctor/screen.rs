//! What the login screen has to draw on.

use crate::capabilities::{Capabilities, Colour, Size};
use crate::doctor::finding::Finding;

/// The smallest window in which the code and its QR code stand side by side.
const COLUMNS: usize = 78;
const ROWS: usize = 24;

pub(super) fn findings(
    capabilities: Capabilities,
    size: Size,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    vec![
        terminal(capabilities, &variable),
        window(capabilities, size),
        colours(capabilities, &variable),
        characters(capabilities, &variable),
    ]
}

fn terminal(capabilities: Capabilities, variable: &impl Fn(&str) -> Option<String>) -> Finding {
    let term = variable("TERM");
    let name = term.as_deref().unwrap_or("TERM is not set");
    if variable("ACCESSIBLE").is_some_and(|value| value != "0") && capabilities.keys {
        return Finding::ok("terminal", format!("{name}; ACCESSIBLE is set: plain lines that stay"));
    }
    match (capabilities.live, capabilities.keys) {
        (true, true) => Finding::ok("terminal", name),
        (true, false) => {
            Finding::note("terminal", format!("{name}; standard input is none, so no keys are read"))
        }
        (false, _) if matches!(name, "dumb" | "TERM is not set") => {
            let told = format!("{name}: plain lines are written, and no keys are read");
            Finding::note("terminal", told).mended_by("export TERM=xterm-256color, if this is a terminal")
        }
        (false, _) => {
            Finding::note("terminal", "none (standard error is a file or a pipe): plain lines, no questions")
        }
    }
}

fn window(capabilities: Capabilities, size: Size) -> Finding {
    let told = format!("{} columns, {} rows", size.columns, size.rows);
    if !capabilities.live || (size.columns >= COLUMNS && size.rows >= ROWS) {
        Finding::ok("window", told)
    } else {
        let told = format!("{told}: the QR code may not fit; code and address always do");
        Finding::note("window", told)
            .mended_by(format!("make the window {COLUMNS} columns and {ROWS} rows large"))
    }
}

fn colours(capabilities: Capabilities, variable: &impl Fn(&str) -> Option<String>) -> Finding {
    let told = match capabilities.colour {
        Colour::Cube => "256: the QR code is black on white whatever the theme",
        Colour::Sixteen => "16: a theme may repaint the QR code",
        Colour::None if variable("NO_COLOR").is_some() => {
            "none (NO_COLOR): the QR code assumes a dark background"
        }
        Colour::None => "none",
    };
    match capabilities.colour {
        Colour::Sixteen => {
            Finding::note("colours", told).mended_by("export TERM=xterm-256color, if it can do that")
        }
        _ => Finding::ok("colours", told),
    }
}

fn characters(capabilities: Capabilities, variable: &impl Fn(&str) -> Option<String>) -> Finding {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).map(|value| format!("{name}={value}")));
    if capabilities.utf8 {
        return Finding::ok("UTF-8", locale.unwrap_or_else(|| "yes".to_owned()));
    }
    let told = match locale {
        Some(locale) => format!("{locale} is no UTF-8 locale: the screen is drawn in ASCII"),
        None => "no locale is set: the screen is drawn in ASCII".to_owned(),
    };
    Finding::note("UTF-8", told).mended_by("export LC_ALL=C.UTF-8")
}

#[cfg(test)]
mod tests {
    use super::findings;
    use crate::capabilities::{Capabilities, Size, Surroundings};
    use crate::doctor::finding::{Finding, Verdict};

    fn found(is_terminal: bool, size: (usize, usize), variables: &[(&str, &str)]) -> Vec<Finding> {
        let variable =
            |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let surroundings =
            Surroundings { stdin_is_terminal: is_terminal, stderr_is_terminal: is_terminal, variable };
        let size = Size { columns: size.0, rows: size.1 };
        findings(Capabilities::detect(&surroundings), size, variable)
    }

    fn verdicts(findings: &[Finding]) -> Vec<(&str, Verdict)> {
        findings.iter().map(|finding| (finding.check, finding.verdict)).collect()
    }

    #[test]
    fn a_terminal_of_today_is_fine() {
        let found = found(true, (80, 24), &[("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")]);
        assert!(found.iter().all(|finding| finding.verdict == Verdict::Ok), "{found:?}");
    }

    #[test]
    #[cfg(not(any(windows, target_os = "macos")))]
    fn what_is_missing_is_a_note_with_its_mend_and_never_a_problem() {
        let bare = found(false, (80, 24), &[]);
        assert_eq!(
            verdicts(&bare),
            [
                ("terminal", Verdict::Note),
                ("window", Verdict::Ok),
                ("colours", Verdict::Ok),
                ("UTF-8", Verdict::Note)
            ]
        );
        let old = found(true, (40, 20), &[("TERM", "linux"), ("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]);
        assert_eq!(
            verdicts(&old),
            [
                ("terminal", Verdict::Ok),
                ("window", Verdict::Note),
                ("colours", Verdict::Note),
                ("UTF-8", Verdict::Note)
            ]
        );
        assert!(old[3].told.starts_with("LC_ALL=C is no UTF-8 locale"), "{old:?}");
        assert_eq!(old[3].mend.as_deref(), Some("export LC_ALL=C.UTF-8"));
    }
}
