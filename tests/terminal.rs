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
    /// Runs `program` in a window of this size, in an empty home and a UTF-8 locale.
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
        start.args(["set-option", "-s", "set-clipboard", "on", ";"]);
        start.args(["set-option", "-g", "remain-on-exit", "on", ";"]);
        start.args(["set-option", "-g", "remain-on-exit-format", "", ";"]);
        // A program may reach the clipboard, by OSC 52.
        start.args(["set-option", "-s", "set-clipboard", "on", ";"]);
        // Its name changes by a program's own sequence alone.
        start.args(["set-option", "-g", "allow-rename", "on", ";"]);
        start.args([
            "new-session",
            "-d",
            "-n",
            "window",
            "-x",
            &columns.to_string(),
            "-y",
            &rows.to_string(),
        ]);
        start.arg("-c").arg(terminal.home());
        start.args(["/bin/sh", "-c", KEEP_EXIT_CODE]).arg(terminal.exit_code_file());
        // Not by tmux's own -e: TERM is always tmux's own there.
        start.arg("env").args(environment.iter().map(|(name, value)| format!("{name}={value}")));
        start.arg(program).args(arguments);
        run(&mut start);
        terminal
    }

    /// Runs `script` in a shell in such a window; `"$@"` in it is the program with its arguments.
    pub(crate) fn start_script(
        columns: u16,
        rows: u16,
        script: &str,
        program: &[&OsStr],
        environment: &[(&str, &str)],
    ) -> Self {
        let shell = ["-c", script, "sh"].map(OsStr::new);
        Self::start(columns, rows, Path::new("/bin/sh"), &[&shell, program].concat(), environment)
    }

    /// Makes the window larger or smaller.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        (self.columns, self.rows) = (columns, rows);
        let (columns, rows) = (columns.to_string(), rows.to_string());
        run(self.tmux().args(["resize-window", "-x", &columns, "-y", &rows]));
    }

    /// The empty folder that the program has for its home.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// What stands on the screen, and what has scrolled away above it.
    pub(crate) fn text_with_history(&self) -> String {
        String::from_utf8(run(self.tmux().args(["capture-pane", "-p", "-S", "-"])).stdout).expect("UTF-8")
    }

    /// What stands on the screen, with the sequences for its colours.
    pub(crate) fn text_with_colours(&self) -> String {
        String::from_utf8(run(self.tmux().args(["capture-pane", "-e", "-p"])).stdout).expect("UTF-8")
    }

    /// Sends a signal to the one process of this terminal that runs `program`.
    pub(crate) fn signal(&self, signal: &str, program: &Path) {
        let mut below = vec![self.state("#{pane_pid}")];
        while let Some(process) = below.pop() {
            if std::fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|path| path == program) {
                run(Command::new("/bin/sh").args(["-c", &format!("kill -s {signal} {process}")]));
                return;
            }
            let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
            below.extend(children.expect("a process").split_whitespace().map(str::to_owned));
        }
        panic!("{} does not run here", program.display());
    }

    /// What tmux says of the window, by its formats: `#{alternate_on}`.
    pub(crate) fn state(&self, formats: &str) -> String {
        let said = run(self.tmux().args(["display-message", "-p", formats])).stdout;
        String::from_utf8(said).expect("UTF-8").trim_end().to_owned()
    }

    /// What a program has put into the clipboard by OSC 52.
    pub(crate) fn clipboard(&self) -> Option<String> {
        let buffer = self.tmux().arg("show-buffer").output().expect("tmux starts");
        buffer.status.success().then(|| String::from_utf8(buffer.stdout).expect("UTF-8"))
    }

    /// The screen's rows as text, where `#` stands for a blank that is painted black, and without blanks at the end.
    pub(crate) fn rows(&self) -> Vec<String> {
        let parser = self.parsed();
        let row = |row| {
            let cells = (0..self.columns).filter_map(|column| parser.screen().cell(row, column));
            let cells = cells.filter(|cell| !cell.is_wide_continuation());
            let text = cells.map(|cell| match (cell.contents(), cell.bgcolor()) {
                ("" | " ", vt100::Color::Idx(0 | 16)) => "#",
                ("", _) => " ",
                (text, _) => text,
            });
            text.collect::<String>().trim_end().to_owned()
        };
        (0..self.rows).map(row).collect()
    }

    /// In which columns of each row one of these characters stands; rows without are left out.
    pub(crate) fn columns_of(&self, characters: &[char]) -> Vec<Vec<u16>> {
        let parser = self.parsed();
        let is_there = |row, column| {
            let cell = parser.screen().cell(row, column);
            cell.is_some_and(|cell| characters.iter().any(|wanted| cell.contents() == wanted.to_string()))
        };
        let rows =
            (0..self.rows).map(|row| (0..self.columns).filter(|column| is_there(row, *column)).collect());
        rows.filter(|columns: &Vec<u16>| !columns.is_empty()).collect()
    }

    /// How many columns of the screen are painted bright white, at most, in one row: what a QR code takes.
    pub(crate) fn painted_columns(&self) -> usize {
        let parser = self.parsed();
        let is_painted = |row, column| {
            parser.screen().cell(row, column).is_some_and(|cell| cell.bgcolor() != vt100::Color::Default)
        };
        let painted = |row| (0..self.columns).filter(|column| is_painted(row, *column)).count();
        (0..self.rows).map(painted).max().unwrap_or(0)
    }

    /// What stands on the screen, a line a row.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(run(self.tmux().args(["capture-pane", "-p"])).stdout).expect("UTF-8")
    }

    /// Presses keys, by tmux's names: `a`, `Enter`, `C-c`.
    pub(crate) fn press(&self, key: &str) {
        run(self.tmux().args(["send-keys", key]));
    }

    /// What the program has put into the clipboard (OSC 52), once it has.
    pub(crate) fn copied(&self) -> String {
        let start = Instant::now();
        loop {
            let shown = self.tmux().arg("show-buffer").output().expect("tmux starts");
            if shown.status.success() {
                return String::from_utf8(shown.stdout).expect("UTF-8");
            }
            assert!(start.elapsed() < PATIENCE, "nothing copied; the screen shows:\n{}", self.text());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the screen satisfies `what`, and gives that screen.
    pub(crate) fn wait_until(&self, mut what: impl FnMut(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if what(&text) {
                return text;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "not seen within {PATIENCE:?}, exit code {:?}; the screen shows:\n{text}",
                std::fs::read_to_string(self.exit_code_file()).ok()
            );
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
        let path = self.folder.path().join(format!("{}.png", theme.name));
        let (width, height) = (usize::from(self.columns) * CELL.0, usize::from(self.rows) * CELL.1);
        browser.picture(&self.html(theme), width, height, &path);
        path
    }

    /// The screen as it is, colours and all.
    fn parsed(&self) -> vt100::Parser {
        // -N: blanks at the end of a line may have a background.
        let captured = run(self.tmux().args(["capture-pane", "-e", "-N", "-p"])).stdout;
        let size = |number| NonZeroU16::new(number).expect("a window");
        let mut parser = vt100::Parser::new(size(self.rows), size(self.columns), 0);
        let lines: Vec<&[u8]> = captured.split(|byte| *byte == b'\n').take(usize::from(self.rows)).collect();
        parser.process(&lines.join(&b"\r\n"[..]));
        parser
    }

    fn html(&self, theme: &Theme) -> String {
        let parser = self.parsed();
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
    scan(picture, &[])
}

/// The same for light on dark, as most phones read it too.
pub(crate) fn scan_inverted_qr_code(picture: &Path) -> String {
    scan(picture, &["-Stest-inverted"])
}

fn scan(picture: &Path, more: &[&str]) -> String {
    let options = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
    let mut zbarimg = Command::new("zbarimg");
    let output = zbarimg.args(options).args(more).arg(picture).output().expect("zbarimg starts");
    assert!(output.status.success(), "no QR code in {}", picture.display());
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
