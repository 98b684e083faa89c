//! What a hostile server sends, shown to a real terminal: it is left as it was.

use std::ffi::OsStr;

use mockito::{Server, ServerGuard};

use super::surroundings::{BETWEEN_TWO_LINES, STATE};
use crate::device_cli::program;
use crate::terminal::Terminal;

/// A name and the inside of a JSON string, one a line; `device-cli/tests/hostile_server.rs` reads the same ones.
const STRINGS: &str = include_str!("../fixtures/terminal-strings.txt");
const PAGE: &str = "https://auth.example.com/device";

/// One login after the other, each on the screen and then into a file.
const EACH_FIELD: &str = r#"
origin=$1 program=$2
set -- user_code verification_uri verification_uri_complete error
for field; do
    set -- login --store file --client-id x --device-endpoint "$origin/$field" --token-endpoint "$origin/token"
    "$program" "$@"
    echo "$field ended with $?"
    "$program" "$@" 2>>lines
done
true
"#;

fn codes(user_code: &str, verification_uri: &str, complete: &str) -> String {
    format!(
        r#"{{"device_code": "d", "user_code": "{user_code}", "verification_uri": "{verification_uri}",
            "verification_uri_complete": "{complete}", "expires_in": 600, "interval": 1}}"#
    )
}

/// A server that has the string in each field, and denies every login, or leaves it waiting.
fn server(inside: &str, decision: &str) -> ServerGuard {
    let (code, uri) = (format!("WDJB{inside}"), format!("{PAGE}/{inside}"));
    let mut server = Server::new();
    for (path, status, body) in [
        ("/user_code", 200, codes(&code, PAGE, PAGE)),
        ("/verification_uri", 200, codes("WDJB-MJHT", &uri, PAGE)),
        ("/verification_uri_complete", 200, codes("WDJB-MJHT", PAGE, &uri)),
        ("/error", 400, format!(r#"{{"error": "odd{inside}", "error_description": "before{inside}after"}}"#)),
        ("/token", 400, format!(r#"{{"error": "{decision}"}}"#)),
    ] {
        let mock = server.mock("POST", path).with_status(status).with_body(body);
        mock.with_header("content-type", "application/json").create();
    }
    server
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn no_string_of_a_server_changes_the_terminal() {
    let untouched = Terminal::start_script(100, 50, "read -r _", &[], &[]).state(STATE);
    let script = BETWEEN_TWO_LINES.replace("\"$@\"\n", EACH_FIELD);
    let lines: Vec<&str> = STRINGS.lines().collect();
    std::thread::scope(|scope| {
        for some in lines.chunks(lines.len().div_ceil(4)) {
            scope.spawn(|| some.iter().for_each(|line| changes_nothing(line, &script, &untouched)));
        }
    });
}

/// The terminal after four logins at a server that sends the string of this line.
fn changes_nothing(line: &str, script: &str, untouched: &str) {
    let (name, inside) = line.split_once('\t').expect("name and string");
    // What is no JSON is asked for again, for half a minute.
    if serde_json::from_str::<String>(&format!("\"{inside}\"")).is_err() {
        return;
    }
    let server = server(inside, "access_denied");
    let origin = server.url();
    let words = [OsStr::new(&origin), program().as_os_str()];
    let terminal = Terminal::start_script(100, 50, script, &words, &[]);
    let screen = terminal.wait_for("the modes are the same");
    assert_eq!(terminal.state(STATE), untouched, "{name}:\n{screen}");
    assert_eq!(terminal.clipboard(), None, "{name}");
    assert!(!terminal.text_with_colours().contains('\u{1b}'), "{name}:\n{screen}");
    // The screen holds the last line of each login, as a file has it, and nothing else.
    let lines = std::fs::read_to_string(terminal.home().join("lines")).unwrap();
    let errors: Vec<&str> = lines.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 4, "{name}:\n{lines}");
    let parts = bare(&screen);
    let mut rest = parts.strip_prefix("thelinebefore").unwrap_or_else(|| panic!("{name}:\n{screen}"));
    for error in errors {
        let error = bare(error);
        rest = rest.strip_prefix(&error).unwrap_or_else(|| panic!("{name}: {error}\n{screen}"));
        rest = &rest[rest.find("endedwith").expect("its end") + "endedwith9".len()..];
    }
    assert_eq!(rest, "endedwith0themodesarethesame", "{name}:\n{screen}");
}

/// Without blanks, and without marks, of which tmux keeps a few on each letter.
fn bare(text: &str) -> String {
    let is_kept = |character: &char| {
        !character.is_whitespace() && !matches!(character, '\u{300}'..='\u{36f}' | '\u{489}')
    };
    text.chars().filter(is_kept).collect()
}

/// Wide and combining characters, flags and letters from right to left are no harm: the frame stays straight.
#[test]
#[ignore = "needs tmux: run by tests/run"]
fn what_is_odd_and_may_be_shown_leaves_the_lines_of_the_box_straight() {
    let mut shown = 0;
    for line in STRINGS.lines() {
        let (name, inside) = line.split_once('\t').expect("name and string");
        let Ok(text) = serde_json::from_str::<String>(&format!("\"{inside}\"")) else { continue };
        let server = server(inside, "authorization_pending");
        let (device, token) = (format!("{}/user_code", server.url()), format!("{}/token", server.url()));
        let arguments = ["login", "--store", "file", "--client-id", "x", "--device-endpoint", &device];
        let arguments = [&arguments[..], &["--token-endpoint", &token]].concat();
        let terminal = Terminal::start(120, 40, program(), &arguments, &[]);
        let screen = terminal.wait_until(|screen| screen.contains(" left, ") || screen.contains("error: "));
        if screen.contains("error: ") {
            continue;
        }
        shown += 1;
        // tmux keeps no more than a few marks on one letter.
        let beginning: String = text.chars().take(2).collect();
        assert!(screen.contains(&format!("WDJB{beginning}")), "{name}:\n{screen}");
        let box_ends = terminal.columns_of(&['┐', '│', '┘']);
        let right: Vec<u16> = box_ends.iter().map(|columns| *columns.last().expect("an edge")).collect();
        assert!(
            right.len() == 9 && right.iter().all(|column| *column == right[0]),
            "{name}: {right:?}\n{screen}"
        );
    }
    assert!(shown > 9, "{shown}");
}
