//! Windows that change their size, colours that are not wanted, and the terminal afterwards.

use std::ffi::OsStr;

use mock_server::MockServer;

use super::{shown_user_code, start, time_left};
use crate::device_cli::program;
use crate::terminal::Terminal;

/// The program between two lines of a shell that notes the terminal's modes before and after.
pub(crate) const BETWEEN_TWO_LINES: &str = r#"
trap : INT
printf 'the line before\n'
stty -g >before
"$@"
echo "ended with $?"
stty -g >after
cmp before after && echo "the modes are the same"
read -r _"#;

/// The modes and names of a terminal that a program could leave changed, by tmux's formats.
pub(crate) const STATE: &str = "alternate=#{alternate_on} cursor=#{cursor_flag} insert=#{insert_flag} \
     keypad=#{keypad_flag}#{keypad_cursor_flag} mouse=#{mouse_any_flag}#{mouse_sgr_flag} origin=#{origin_flag} \
     wrap=#{wrap_flag} region=#{scroll_region_upper}-#{scroll_region_lower} title=#{pane_title} \
     window=#{window_name}";

fn login(
    server: &MockServer,
    columns: u16,
    rows: u16,
    script: &str,
    environment: &[(&str, &str)],
) -> Terminal {
    let arguments = ["login", "--store", "file", "--client-id", "device", "--issuer", server.issuer()];
    let mut words = vec![program().as_os_str()];
    words.extend(arguments.map(OsStr::new));
    Terminal::start_script(columns, rows, script, &words, environment)
}

/// The text of a screen without frames and breaks.
fn flat(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_window_may_change_its_size_while_the_person_is_away() {
    let server = start().await;
    let mut terminal = login(&server, 120, 40, BETWEEN_TWO_LINES, &[]);
    let user_code = shown_user_code(&server, &terminal);
    terminal.wait_until(|screen| time_left(screen).is_some());
    let state = terminal.state(STATE);
    assert!(state.contains("alternate=1 cursor=0"), "{state}");
    let whole = without_time(&terminal);
    for (columns, rows) in [
        (60, 40),
        (40, 24),
        (200, 24),
        (80, 24),
        (79, 24),
        (40, 5),
        (30, 1),
        (30, 2),
        (120, 3),
        (200, 60),
        (41, 24),
        (120, 40),
    ] {
        terminal.resize(columns, rows);
        // The next second's drawing at the latest.
        let is_drawn = |screen: &str| {
            let lines: Vec<&str> = screen.lines().collect();
            let codes = lines.iter().filter(|line| line.contains(&user_code)).count();
            let is_full = rows < 3 || (time_left(screen).is_some() && flat(screen).contains("/device"));
            let is_once = screen.matches("And enter the code").count() <= 1
                && screen.matches(" left").count() == usize::from(rows > 2);
            (1..=2).contains(&codes) && is_full && is_once
        };
        // Nothing of it has scrolled away.
        terminal.wait_until(|screen| is_drawn(screen) && terminal.text_with_history() == screen);
    }
    terminal.wait_until(|_| without_time(&terminal) == whole);
    server.approve(&user_code).unwrap();
    let screen = terminal.wait_for("the modes are the same");
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    assert_eq!(lines.first(), Some(&"the line before"), "{screen}");
    assert!(lines[1].starts_with("Signed in at http://127.0.0.1:"), "{screen}");
    assert!(flat(&screen).ends_with("ended with 0 the modes are the same"), "{screen}");
    assert!(!terminal.text_with_history().contains(&user_code), "the code has gone with its screen");
    assert!(terminal.state(STATE).contains("alternate=0 cursor=1"), "{}", terminal.state(STATE));
    server.assert_clean();
}

/// The first line of the screen's rows to the last, the countdown left out.
fn without_time(terminal: &Terminal) -> Vec<String> {
    terminal.rows().into_iter().filter(|row| !row.contains(" left")).collect()
}

/// Without a keyboard nobody tells the program that the window has changed: it looks each second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_window_may_change_its_size_where_no_key_can_be_read() {
    let server = start().await;
    let mut terminal = login(&server, 120, 40, r#""$@" </dev/null"#, &[]);
    let user_code = shown_user_code(&server, &terminal);
    terminal.wait_for("┌──");
    terminal.resize(60, 30);
    let screen = terminal.wait_until(|screen| !screen.contains("┌──") && time_left(screen).is_some());
    assert!(screen.contains(&format!("And enter the code: {user_code}")), "{screen}");
}

/// Both ways out of a login that a person has, and what a shell finds after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn the_terminal_is_as_it_was_after_each_end() {
    let untouched = Terminal::start_script(80, 40, "read -r _", &[], &[]).state(STATE);
    for term in ["tmux-256color", "linux", "dumb"] {
        for end in ["denied", "Ctrl-C", "SIGTERM", "expired"] {
            if end == "expired" && term != "dumb" {
                // With keys it waits for the person's hand.
                continue;
            }
            let server = start().await;
            let terminal = login(&server, 80, 40, BETWEEN_TWO_LINES, &[("TERM", term)]);
            let user_code = shown_user_code(&server, &terminal);
            let code = match end {
                "denied" => {
                    server.deny(&user_code).unwrap();
                    5
                }
                "expired" => {
                    server.expire(&user_code).unwrap();
                    6
                }
                "SIGTERM" => {
                    terminal.signal("TERM", program());
                    143
                }
                _ => {
                    terminal.press("C-c");
                    130
                }
            };
            let screen = terminal.wait_for("the modes are the same");
            assert!(screen.contains(&format!("ended with {code}\n")), "{term} {end}:\n{screen}");
            assert!(screen.starts_with("the line before\n"), "{term} {end}:\n{screen}");
            assert_eq!(screen.contains(&user_code), term == "dumb", "{term} {end}:\n{screen}");
            assert_eq!(terminal.state(STATE), untouched, "{term} {end}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn colours_are_there_where_they_are_wanted() {
    let files = r#""$@" 2>screen & wait"#;
    for (environment, script, has_colours) in [
        (&[][..], r#""$@""#, true),
        (&[("NO_COLOR", "1")], r#""$@""#, false),
        (&[("CLICOLOR", "0")], r#""$@""#, false),
        (&[("TERM", "dumb")], r#""$@""#, false),
        (&[], files, false),
        (&[("CLICOLOR_FORCE", "1")], files, true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], files, false),
    ] {
        let server = start().await;
        let terminal = login(&server, 80, 24, script, environment);
        let case = format!("{environment:?} {script}");
        let drawn = if script == files {
            let file = terminal.home().join("screen");
            terminal.wait_until(|_| {
                std::fs::read_to_string(&file).is_ok_and(|screen| screen.contains("The code is valid for"))
            });
            std::fs::read_to_string(&file).unwrap()
        } else {
            shown_user_code(&server, &terminal);
            terminal.wait_for("Only continue");
            terminal.text_with_colours()
        };
        assert_eq!(drawn.contains("\u{1b}["), has_colours, "{case}:\n{drawn:?}");
        let user_code = server.pending().pop().expect("it waits").user_code;
        assert!(drawn.contains(&user_code), "{case}:\n{drawn:?}");
        assert!(!drawn.contains("\u{1b}[?"), "no modes: {case}:\n{drawn:?}");
    }
}

/// A key that copies reaches the clipboard of the terminal, even from far away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn one_key_copies_the_code_one_takes_the_qr_code_away_and_one_asks_anew() {
    let server = start().await;
    let terminal = login(&server, 80, 24, r#""$@""#, &[]);
    let user_code = shown_user_code(&server, &terminal);
    terminal.wait_for("Enter check now");
    terminal.press("c");
    terminal.wait_for("Code sent to the clipboard.");
    assert_eq!(terminal.clipboard().as_deref(), Some(user_code.as_str()));
    assert!(terminal.painted_columns() > 0);
    terminal.press("q");
    terminal.wait_until(|screen| !screen.contains("The QR code holds"));
    assert_eq!(terminal.painted_columns(), 0);
    terminal.press("q");
    terminal.wait_for("The QR code holds the address and the code.");
    terminal.press("Enter");
    terminal.wait_until(|screen| screen.contains("Checking now.") || screen.contains("Too early"));
    terminal.press("n");
    let fresh = terminal.wait_until(|screen| !screen.contains(&user_code) && time_left(screen).is_some());
    assert!(server.pending().iter().any(|device| fresh.contains(&device.user_code)), "{fresh}");
}
