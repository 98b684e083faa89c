//! What the terminal can do, from the environment.

/// How a login screen may look and act. Colour, redrawing and keys are separate switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Capabilities {
    /// The screen may be redrawn; else lines are written once.
    pub(crate) live: bool,
    /// There is a second screen to draw on; else lines are drawn over where they are.
    pub(crate) alternate_screen: bool,
    /// Single keys can be read.
    pub(crate) keys: bool,
    pub(crate) colour: Colour,
    /// The locale says UTF-8.
    pub(crate) utf8: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    None,
    /// The sixteen colours, which a theme may repaint.
    Sixteen,
    /// The fixed cube of 256 colours too, which no theme touches.
    Cube,
}

/// What [`Capabilities::detect`] looks at.
pub(crate) struct Surroundings<Variable> {
    pub(crate) stdin_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
    /// An environment variable by its name; an empty one counts as unset.
    pub(crate) variable: Variable,
}

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Capabilities {
    pub(crate) fn detect<Variable: Fn(&str) -> Option<String>>(
        surroundings: &Surroundings<Variable>,
    ) -> Self {
        let variable = |name: &str| (surroundings.variable)(name).filter(|value| !value.is_empty());
        let is_on = |name: &str| variable(name).is_some_and(|value| value != "0");
        let term = variable("TERM");
        let is_dumb = match &term {
            Some(term) => term == "dumb",
            None => cfg!(unix),
        };
        let is_terminal = surroundings.stderr_is_terminal && !is_dumb;
        let wants_colour = if variable("NO_COLOR").is_some() {
            false
        } else if is_on("CLICOLOR_FORCE") {
            true
        } else {
            is_terminal && variable("CLICOLOR").is_none_or(|value| value != "0")
        };
        let has_cube = cfg!(windows)
            || is_on("COLORTERM")
            || term.as_deref().is_some_and(|term| {
                ["256color", "direct", "kitty", "alacritty", "ghostty", "foot"]
                    .iter()
                    .any(|name| term.contains(name))
            });
        // Most answer to xterm's sequence; the console of Linux and the terminals of old do not.
        let has_alternate_screen = !term.as_deref().is_some_and(|term| {
            let is_a_vt =
                term.strip_prefix("vt").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            is_a_vt || ["linux", "ansi", "cons25"].iter().any(|name| term.starts_with(name))
        });
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        let is_utf8_locale = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            live: is_terminal && !is_on("ACCESSIBLE"),
            alternate_screen: has_alternate_screen,
            keys: is_terminal && surroundings.stdin_is_terminal,
            colour: match (wants_colour, has_cube) {
                (false, _) => Colour::None,
                (true, false) => Colour::Sixteen,
                (true, true) => Colour::Cube,
            },
            utf8: is_utf8_locale || cfg!(any(windows, target_os = "macos")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Colour, Surroundings};

    fn with(is_terminal: bool, variables: &[(&str, &str)]) -> Capabilities {
        Capabilities::detect(&Surroundings {
            stdin_is_terminal: is_terminal,
            stderr_is_terminal: is_terminal,
            variable: |name: &str| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
            },
        })
    }

    const OF_TODAY: Capabilities =
        Capabilities { live: true, alternate_screen: true, keys: true, colour: Colour::Cube, utf8: true };

    #[test]
    fn a_terminal_of_today_has_it_all() {
        let found = with(true, &[("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")]);
        assert_eq!(found, OF_TODAY);
    }

    #[test]
    fn no_color_takes_only_the_colour_away() {
        let found = with(true, &[("TERM", "xterm"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")]);
        assert_eq!(found, Capabilities { colour: Colour::None, ..OF_TODAY });
        assert_eq!(with(true, &[("TERM", "xterm"), ("NO_COLOR", "")]).colour, Colour::Sixteen);
    }

    #[test]
    fn the_console_and_the_terminals_of_old_have_one_screen() {
        for term in ["linux", "linux-16color", "vt100", "vt220", "ansi"] {
            assert!(!with(true, &[("TERM", term)]).alternate_screen, "{term}");
        }
        for term in ["xterm", "vte-256color", "tmux-256color", "screen", "rxvt-unicode"] {
            assert!(with(true, &[("TERM", term)]).alternate_screen, "{term}");
        }
    }

    #[test]
    fn a_pipe_has_colour_only_by_force() {
        assert_eq!(with(false, &[("TERM", "xterm")]).colour, Colour::None);
        let forced = with(false, &[("TERM", "xterm"), ("CLICOLOR_FORCE", "1")]);
        assert_eq!(forced.colour, Colour::Sixteen);
        assert!(!forced.live && !forced.keys);
        assert_eq!(with(false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).colour, Colour::None);
    }

    #[test]
    fn a_dumb_terminal_gets_lines_and_accessible_keeps_the_keys() {
        let dumb = with(true, &[("TERM", "dumb"), ("LANG", "C.UTF-8")]);
        assert!(!dumb.live && !dumb.keys && dumb.colour == Colour::None);
        let accessible = with(true, &[("TERM", "xterm"), ("ACCESSIBLE", "1")]);
        assert!(!accessible.live && accessible.keys);
        assert!(with(true, &[("TERM", "xterm"), ("ACCESSIBLE", "0")]).live);
    }

    #[test]
    #[cfg(not(any(windows, target_os = "macos")))]
    fn the_first_locale_variable_that_is_set_decides() {
        assert!(!with(true, &[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]).utf8);
        assert!(with(true, &[("LC_ALL", ""), ("LC_CTYPE", "de_DE.utf8")]).utf8);
        assert!(!with(true, &[]).utf8);
    }
}
