//! A real terminal without a window: tmux runs a program, and shows what a person would see.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::browser::Browser;
use crate::json_lines::PATIENCE;

/// One terminal that runs one program. Dropping it ends both.
pub(crate) struct Terminal {
    columns: u16,
    rows: u16,
    /// Holds tmux's socket, and the program's home.
    folder: TempDir,
}

/// The colours of a terminal: its sixteen, and those of plain text.
pub(crate) struct Theme {
    pub(crate) name: &'static str,
    background: &'static str,
    text: &'static str,
    sixteen: [&'static str; 16],
}

/// xterm's colours on black.
pub(crate) const DARK: Theme = Theme {
    name: "dark",
    background: "#1c1c1c",
    text: "#d0d0d0",
    sixteen: [
        "#000000", "#cd0000", "#00cd00", "#cdcd00", "#4a90ee", "#cd00cd", "#00cdcd", "#e5e5e5", "#7f7f7f",
        "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff",
    ],
};

/// Solarized light, whose black is not black and whose bright white is its background.
pub(crate) const LIGHT: Theme = Theme {
    name: "light",
    background: "#fdf6e3",
    text: "#657b83",
    sixteen: [
        "#073642", "#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198", "#eee8d5", "#002b36",
        "#cb4b16", "#586e75", "#657b83", "#839496", "#6c71c4", "#93a1a1", "#fdf6e3",
    ],
};

/// Runs a program and leaves its exit code in a file: tmux itself now and then misses the end of a child.
const KEEP_EXIT_CODE: &str = r#"trap : INT TERM; "$@"; echo $? >"$0""#;

/// A character cell of the picture; half blocks become exact squares.
const CELL: (usize, usize) = (10, 20);

impl Terminal {
    /// Runs `program` in a window of this size, with an empty home and a UTF-8 locale.
    pub(crate) fn start<Argument: AsRef<OsStr>>(
        columns: u16,
        rows: u16,
        program: &Path,
        arguments: &[Argument],
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = Self { columns, rows, folder };
        let mut start = terminal.tmux();
        start.args(["set-option", "-g", "status", "off", ";"]);
        start.args(["set-option", "-g", "default-terminal", "tmux-256color", ";"]);
        start.args(["set-option", "-g", "remain-on-exit", "on", ";"]);
        start.args(["set-option", "-g", "remain-on-exit-format", "", ";"]);
        start.args(["new-session", "-d", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        for (name, value) in environment {
            start.args(["-e", &format!("{name}={value}")]);
        }
        start
            .args(["/bin/sh", "-c", KEEP_EXIT_CODE])
            .arg(terminal.exit_code_file())
            .arg(program)
            .args(arguments);
        run(&mut start);
        terminal
    }

    /// What stands on the screen, a line a row.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(run(self.tmux().args(["capture-pane", "-p"])).stdout).expect("UTF-8")
    }

    /// Presses keys, by tmux's names: `a`, `Enter`, `C-c`.
    pub(crate) fn press(&self, key: &str) {
        run(self.tmux().args(["send-keys", key]));
    }

    /// Waits until the screen satisfies `what`, and gives that screen.
    pub(crate) fn wait_until(&self, what: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if what(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "not seen within {PATIENCE:?}; the screen shows:\n{text}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn wait_for(&self, expected: &str) -> String {
        self.wait_until(|text| text.contains(expected))
    }

    /// Waits for the program's end and gives its exit code.
    pub(crate) fn exit_code(&self) -> i32 {
        let start = Instant::now();
        loop {
            let code = std::fs::read_to_string(self.exit_code_file()).unwrap_or_default();
            if let Some(code) = code.strip_suffix('\n') {
                return code.parse().expect("an exit code");
            }
            assert!(start.elapsed() < PATIENCE, "still running; the screen shows:\n{}", self.text());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Takes a picture of the screen, in the colours of `theme`.
    pub(crate) fn picture(&self, theme: &Theme, browser: &mut Browser) -> PathBuf {
        // -N: blanks at the end of a line may have a background.
        let captured = run(self.tmux().args(["capture-pane", "-e", "-N", "-p"])).stdout;
        let path = self.folder.path().join(format!("{}.png", theme.name));
        let (width, height) = (usize::from(self.columns) * CELL.0, usize::from(self.rows) * CELL.1);
        browser.picture(&self.html(&captured, theme), width, height, &path);
        path
    }

    fn html(&self, captured: &[u8], theme: &Theme) -> String {
        let size = |number| NonZeroU16::new(number).expect("a window");
        let mut parser = vt100::Parser::new(size(self.rows), size(self.columns), 0);
        let lines: Vec<&[u8]> = captured.split(|byte| *byte == b'\n').take(usize::from(self.rows)).collect();
        parser.process(&lines.join(&b"\r\n"[..]));
        let (width, height) = CELL;
        let mut html = format!(
            "<!doctype html><meta charset=utf-8><style>body{{margin:0;background:{}}}\
             i{{position:absolute;width:{width}px;height:{height}px;white-space:pre;\
             font:16.6px/{height}px 'DejaVu Sans Mono',monospace}}</style>",
            theme.background
        );
        for row in 0..self.rows {
            for column in 0..self.columns {
                let Some(cell) = parser.screen().cell(row, column) else { continue };
                let (left, top) = (usize::from(column) * width, usize::from(row) * height);
                let _ = write!(
                    html,
                    "<i style='left:{left}px;top:{top}px;{}'>{}</i>",
                    theme.style(cell),
                    glyph(cell)
                );
            }
        }
        html
    }

    fn exit_code_file(&self) -> PathBuf {
        self.folder.path().join("exit-code")
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        let home = self.folder.path();
        tmux.args(["-u", "-f", "/dev/null", "-S"]).arg(home.join("tmux"));
        tmux.env_clear().env("LANG", "C.UTF-8").env("HOME", home).env("TERM", "xterm-256color");
        tmux.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("SHELL", "/bin/sh");
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

impl Theme {
    fn style(&self, cell: &vt100::Cell) -> String {
        let mut text = self.colour(cell.fgcolor(), self.text);
        let mut background = self.colour(cell.bgcolor(), self.background);
        if cell.inverse() {
            std::mem::swap(&mut text, &mut background);
        }
        let weight = if cell.bold() { ";font-weight:bold" } else { "" };
        match cell.contents() {
            "█" => format!("background:{text}"),
            "▀" => format!("background:linear-gradient({text} 50%,{background} 50%)"),
            "▄" => format!("background:linear-gradient({background} 50%,{text} 50%)"),
            _ => format!("color:{text};background:{background}{weight}"),
        }
    }

    fn colour(&self, colour: vt100::Color, default: &str) -> String {
        /// The steps of xterm's cube of 216 colours.
        const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match colour {
            vt100::Color::Default => default.to_owned(),
            vt100::Color::Idx(index @ 0..16) => self.sixteen[usize::from(index)].to_owned(),
            vt100::Color::Idx(index @ 16..232) => {
                let step = |divisor| CUBE[usize::from((index - 16) / divisor % 6)];
                format!("rgb({},{},{})", step(36), step(6), step(1))
            }
            vt100::Color::Idx(index) => {
                let grey = 8 + 10 * (u16::from(index) - 232);
                format!("rgb({grey},{grey},{grey})")
            }
            vt100::Color::Rgb(red, green, blue) => format!("rgb({red},{green},{blue})"),
        }
    }
}

/// What stands in the cell, for HTML; blocks are drawn as background.
fn glyph(cell: &vt100::Cell) -> String {
    match cell.contents() {
        "█" | "▀" | "▄" => String::new(),
        text => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    }
}

/// What a scanner reads from a picture.
pub(crate) fn scan_qr_code(picture: &Path) -> String {
    let options = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
    let output = Command::new("zbarimg").args(options).arg(picture).output().expect("zbarimg starts");
    assert!(output.status.success(), "no QR code in {}", picture.display());
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
