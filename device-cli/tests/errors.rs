//! Every error that a person can meet, in one table beside this file: what was typed where, the message, the exit
//! code. `UPDATE_SNAPSHOTS=1` writes messages and codes anew; then read them.
//!
//! A block of the table is an error. `+` lines say what is there before, `$` what is typed, in which LOGIN stands for a
//! login at ORIGIN; then comes the message, and `=>` the exit code. ORIGIN is a server with the answers above, MOCK the
//! mock server, NOWHERE a port at which nobody listens, HOME the home, RECORD the file with the tokens, HASH a part of a
//! file's name, LONG 3000 letters, EMPTY nothing, BINARY what is no text.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::literal_server::{Answer, serve};
use crate::program::{Finished, Program, Server};

const TABLE: &str = include_str!("errors.txt");
const LOGIN: &str =
    "login --store file --client-id x --device-endpoint ORIGIN/device --token-endpoint ORIGIN/token";

/// A block of the table.
#[derive(Default)]
struct Row {
    /// The lines above the message, as they stand there.
    input: String,
    before: Vec<String>,
    typed: String,
    message: String,
    code: Option<i32>,
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut is_open = false;
    for line in TABLE.lines() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let begins = matches!(mark, "+" | "$");
        if begins && !(is_open && rows.last().is_some_and(|row| row.typed.is_empty())) {
            rows.push(Row::default());
            is_open = true;
        }
        let Some(row) = rows.last_mut().filter(|_| is_open) else { continue };
        match mark {
            "+" => row.before.push(rest.to_owned()),
            "$" => rest.clone_into(&mut row.typed),
            "=>" => {
                row.code = rest.parse().ok();
                is_open = false;
            }
            _ => row.message.extend([line, "\n"]),
        }
        if begins {
            row.input.extend([line, "\n"]);
        }
    }
    for row in &mut rows {
        row.message = row.message.trim_end().to_owned() + "\n";
    }
    rows
}

/// The home of a login with these flags, made once; a row gets a copy of it.
fn signed_in<'a>(flags: &str, server: &Server, homes: &'a mut HashMap<String, Program>) -> &'a Program {
    homes.entry(flags.to_owned()).or_insert_with(|| {
        let program = Program::new();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let scope: &[&str] =
            if flags.contains(&"--scope") { &[] } else { &["--scope", "openid offline_access"] };
        program.signed_in_with(server, &[&["--store", "file"], scope, &flags[..]].concat());
        program
    })
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            fs::set_permissions(&target, entry.metadata().unwrap().permissions()).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The words of a command line; `'` keeps blanks together.
fn words(typed: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in typed.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words.into_iter().map(|word| if word == "EMPTY" { String::new() } else { word }).collect()
}

/// What stands for what in the table.
struct Names<'a> {
    origin: String,
    mock: &'a str,
    home: &'a str,
}

impl Names<'_> {
    fn in_full(&self, text: &str) -> String {
        let text = text.replace("LOGIN", LOGIN).replace("ORIGIN", &self.origin).replace("MOCK", self.mock);
        let text = text.replace("NOWHERE", "http://127.0.0.1:1").replace("LONG", &"x".repeat(3000));
        let record = record_in(Path::new(self.home)).unwrap_or_default();
        text.replace("RECORD", &record.to_string_lossy()).replace("HOME", self.home)
    }

    fn in_short(&self, text: &str) -> String {
        let text = text.replace(&self.origin, "ORIGIN").replace(self.mock, "MOCK");
        without_hashes(&text.replace(self.home, "HOME"))
    }
}

/// The names of the stores' files, which depend on the server's port.
fn without_hashes(text: &str) -> String {
    let mut whole = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_hexdigit() && !character.is_ascii_uppercase() {
            digits.push(character);
            continue;
        }
        whole.push_str(if digits.len() >= 16 { "HASH" } else { &digits });
        digits.clear();
        whole.push(character);
    }
    whole
}

/// The one record of tokens; its name is a hash.
fn record_in(home: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(home.join(".local/state/device-cli")).ok()?;
    let folders = folders.filter_map(|entry| Some(entry.ok()?.path()));
    let tokens = folders
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tokens")));
    tokens.into_iter().find_map(|folder| file_below(&folder))
}

fn file_below(folder: &Path) -> Option<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().find_map(|path| {
        if path.is_dir() {
            file_below(&path)
        } else {
            Some(path).filter(|path| path.extension().is_some_and(|end| end == "json" || end == "bin"))
        }
    })
}

fn run(row: &Row, server: &Server, homes: &Mutex<HashMap<String, Program>>) -> Finished {
    let program = Program::new();
    let home = program.home();
    let answers = row.before.iter().filter_map(|given| given.strip_prefix("answer "));
    let answers = answers.map(|answer| {
        let mut parts = answer.splitn(3, ' ');
        let mut part = || parts.next().unwrap_or_default();
        Answer::new(part(), part().parse().unwrap(), &part())
    });
    let names =
        Names { origin: serve(answers.collect()), mock: server.mock.issuer(), home: home.to_str().unwrap() };
    let (mut variables, mut stdin) = (HashMap::new(), Vec::new());
    for given in &row.before {
        let (what, rest) = given.split_once(' ').unwrap_or((given, ""));
        let text = names.in_full(rest).replace("\\n", "\n");
        let (first, second) = text.split_once(' ').unwrap_or((&text, ""));
        let path = home.join(first);
        match what {
            "answer" => {}
            "signed-in" => {
                let mut homes = homes.lock().unwrap();
                copy(signed_in(rest, server, &mut homes).home(), home);
            }
            "file" => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, second).unwrap();
            }
            "directory" => fs::create_dir_all(path).unwrap(),
            "without" => fs::remove_file(path).unwrap(),
            "mode" => {
                let mode = u32::from_str_radix(second, 8).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
            "moved" => fs::rename(path, home.join(second)).unwrap(),
            "symbolic-link" => std::os::unix::fs::symlink(home.join(second), path).unwrap(),
            "hard-link" => fs::hard_link(home.join(second), path).unwrap(),
            "env" => {
                let (name, value) = text.split_once('=').unwrap();
                variables.insert(name.to_owned(), value.to_owned());
            }
            "stdin" if rest == "BINARY" => stdin = vec![0xff, 0xfe],
            "stdin" => stdin = text.into_bytes(),
            "run" => {
                execute(&program, &names, rest, &variables, &std::mem::take(&mut stdin));
            }
            other => panic!("the table does not know + {other}"),
        }
    }
    let mut finished = execute(&program, &names, &row.typed, &variables, &stdin);
    finished.stderr = names.in_short(finished.stderr.trim_end());
    finished
}

fn execute(
    program: &Program,
    names: &Names<'_>,
    typed: &str,
    variables: &HashMap<String, String>,
    stdin: &[u8],
) -> Finished {
    let arguments = words(&names.in_full(typed));
    let mut command = program.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.envs(variables).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends without reading is one of the errors.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    Finished::from(child.wait_with_output().unwrap())
}

#[test]
fn every_error_has_its_message_and_its_exit_code() {
    let server = Server::start();
    let homes = Mutex::new(HashMap::new());
    let rows = rows();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((number, row)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    rows.get(number).map(|row| (number, row))
                } {
                    let finished = run(row, &server, &homes);
                    results.lock().unwrap().push((number, finished));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(number, _)| *number);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let (introduction, _) = TABLE.split_once("\n\n").unwrap();
        let blocks = results.iter().map(|(number, finished)| {
            let code = finished.code.unwrap_or(-1);
            format!("\n\n{}{}=> {code}", rows[*number].input, finished.stderr)
        });
        let table = format!("{introduction}{}\n", blocks.collect::<String>());
        return fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/errors.txt"), table).unwrap();
    }
    let other: Vec<String> = results
        .iter()
        .filter(|(number, finished)| {
            let row = &rows[*number];
            (finished.code, &finished.stderr) != (row.code, &row.message)
        })
        .map(|(number, finished)| {
            let Row { input, message, code, .. } = &rows[*number];
            format!(
                "{input}expected: {message}=> {code:?}\ncame: {}=> {:?}\n",
                finished.stderr, finished.code
            )
        })
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
    for (number, finished) in &results {
        assert!(!finished.stderr.contains("panicked"), "{}", rows[*number].input);
    }
}

/// A message of the source without a row in the table is an error that nobody has read.
#[test]
fn every_message_of_the_source_is_in_the_table() {
    let messages: Vec<String> = rows().into_iter().map(|row| row.message).collect();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut missing = Vec::new();
    let mut found = 0;
    for file in sources(&top.join("device-cli/src")) {
        let source = fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        for literal in failures_in(source) {
            found += 1;
            let is_there = messages.iter().any(|message| fits(message, &literal));
            let is_excused = ELSEWHERE.iter().any(|(beginning, _)| literal.starts_with(beginning));
            if !is_there && !is_excused {
                missing.push(format!("{}: {literal}", file.strip_prefix(top).unwrap().display()));
            }
            assert!(!(is_there && is_excused), "it has a row now: {literal}");
        }
    }
    for file in [
        "oauth-client/src/error.rs",
        "oauth-client/protocol/src/error.rs",
        "oauth-client/protocol/src/endpoint_url.rs",
        "oauth-client/token-store/src/error.rs",
    ] {
        let source = fs::read_to_string(top.join(file)).unwrap();
        for literal in displayed_in(&source) {
            found += 1;
            let is_there = messages.iter().any(|message| fits(message, &literal));
            let is_excused = ELSEWHERE.iter().any(|(beginning, _)| literal.starts_with(beginning));
            if !is_there && !is_excused {
                missing.push(format!("{file}: {literal}"));
            }
        }
    }
    assert!(found > 150, "{found}");
    assert!(missing.is_empty(), "without a row in errors.txt:\n{}", missing.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mut files: Vec<_> = files.into_iter().filter(|path| !path.ends_with("tests.rs")).collect();
    files.extend(folders.iter().flat_map(|folder| sources(folder)));
    files.sort();
    files
}

/// The messages of all failures that are made in this source.
fn failures_in(source: &str) -> Vec<String> {
    const MAKERS: [&str; 7] = [
        "Failure::new(",
        "Failure::usage(",
        "Failure::configuration(",
        "Failure::storage(",
        "Self::new(",
        "Self::usage(",
        "Self::storage(",
    ];
    let mut messages = Vec::new();
    for maker in MAKERS {
        for (start, _) in source.match_indices(maker) {
            let is_own = source[..start].rsplit("\nimpl ").next().unwrap_or_default();
            if maker.starts_with("Self") && !is_own.contains("Failure {") {
                continue;
            }
            let arguments = balanced(&source[start + maker.len()..]);
            let mut literals = sentences(arguments);
            if literals.is_empty() && arguments.contains("message") {
                // It was put together just above.
                let above = source[..start].rfind("message = ").max(source[..start].rfind("message) = "));
                literals = above.map_or_else(Vec::new, |above| sentences(&source[above..start]));
            }
            messages.extend(literals);
        }
    }
    messages
}

/// The sentences that the errors of this source are displayed with.
fn displayed_in(source: &str) -> Vec<String> {
    let blocks = source.split("impl fmt::Display for ").skip(1);
    let blocks = blocks.map(|block| block.split("\n}\n").next().unwrap_or_default());
    let functions =
        source.split("fn next_step(").skip(1).map(|rest| rest.split("\n    }\n").next().unwrap_or_default());
    blocks.chain(functions).flat_map(sentences).collect()
}

/// What stands before the parenthesis that closes.
fn balanced(source: &str) -> &str {
    let (mut depth, mut is_text, mut is_escaped) = (1, false, false);
    for (index, character) in source.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            '(' if !is_text => depth += 1,
            ')' if !is_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &source[..index];
        }
    }
    source
}

/// The string literals with a blank in them.
fn sentences(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once('"') {
        let mut literal = String::new();
        let mut characters = after.char_indices().peekable();
        let mut end = after.len();
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    end = index + 1;
                    break;
                }
                '\\' => match characters.next() {
                    // A line that goes on in the next one, without its indentation.
                    Some((_, '\n')) => {
                        while characters.next_if(|(_, next)| next.is_whitespace()).is_some() {}
                    }
                    Some((_, escaped)) => literal.push(escaped),
                    None => {}
                },
                other => literal.push(other),
            }
        }
        rest = &after[end..];
        if literal.trim().contains(' ') {
            found.push(literal);
        }
    }
    found
}

/// Whether the message is the literal with something in its braces.
fn fits(message: &str, literal: &str) -> bool {
    // The one name of the SDK that is a flag here.
    let literal = literal.replace("dangerously_allow_http", "--dangerously-allow-http HOST");
    let mut rest = message;
    let pieces = literal.split(['{', '}']).step_by(2).map(str::trim);
    for piece in pieces.filter(|piece| piece.len() > 2) {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    true
}

/// Errors that no row can bring about, and where they are proven, or why they are there at all.
const ELSEWHERE: &[(&str, &str)] = &[
    ("the system refuses what is needed", "the limits of the system"),
    ("the store could not be tried", "a thread that the system does not give"),
    ("no command: device-cli run", "the parser asks for it first"),
    ("Cancelled. The login is kept.", "a signal in the middle of a refresh"),
    ("Cancelled. Nothing was stored.", "tests/login_screen.rs"),
    ("nobody came back from the browser", "device-cli/tests/browser_login.rs"),
    ("the port for the browser's answer", "device-cli/tests/browser_login.rs"),
    ("as a credential provider device-cli knows", "said to cargo, in its protocol"),
    ("the protected resource answered", "the demo's own server"),
    ("the demo cannot start", "the demo's own server"),
    ("nobody reads standard output any more", "device-cli/tests/output.rs: it goes without saying"),
    ("cannot write to standard output", "device-cli/tests/output.rs"),
    ("the login was approved, but its tokens", "tests/store_choice.rs"),
    ("the server refuses the access token", "device-cli/tests/status.rs"),
    ("no passphrase was given", "typed at a terminal: tests/store_choice.rs"),
    ("nothing can be typed here unseen", "a terminal that gives no keys"),
    ("no keys can be read here", "a terminal that gives no keys"),
    ("the QR code is wider than this terminal", "seen at a terminal alone"),
    ("cannot rename {}: {error}", "a directory that takes a file and renames none"),
    ("the settings cannot be written", "settings that are no TOML: there are none"),
    ("no place for the configuration", "a user without a home anywhere"),
    ("no place to keep anything", "a user without a home anywhere"),
    ("{} is no path", "an empty path, which the parser refuses"),
    ("the store {} needs Linux", "another system"),
    // Of the SDK, for writers of programs.
    ("the token is not meant for", "device-cli asks the server's own resource alone"),
    ("a refresh failed a moment ago: try again in", "device-cli/tests/token.rs"),
    ("the connection was lost and did not come back within", "device-cli/tests/login.rs"),
    ("no {endpoint} is known: give it by hand", "device-cli asks for both endpoints"),
    ("no server: give an issuer, a provider", "device-cli says it in its own words"),
    (
        "the URL \"{given}\" has no valid host name",
        "what our own check lets through and an HTTP client does not",
    ),
    ("no HTTP client: turn on", "a build without reqwest"),
    ("the proxy is no URL with a host", "device-cli says it in its own words"),
    ("the client has a transport of its own", "a program's own transport"),
    ("the loopback port could not be opened", "device-cli says it in its own words"),
    ("the loopback path is not written", "a redirect URI is checked as a whole"),
    ("the user agent holds a character", "device-cli's own has none"),
    ("the operating system gave no random bytes", "a system without randomness"),
    ("check the name in the URL, and the network", "a network with a DNS server"),
    ("start the login again", "device-cli/tests/browser_login.rs"),
    // Of the store: its own tests, and those of many processes.
    ("this is another login's record", "device-cli/tests/bad_records.rs"),
    ("the key of the record was kept until", "device-cli/tests/stores.rs, with the kernel's keyring"),
    ("the lock was held for too long", "oauth-client/token-store/tests/redis_store.rs"),
    ("the tokens could not be stored and are safe", "oauth-client/token-store/tests/rescue.rs"),
    ("what was written came back as something else", "a disk that lies"),
    ("the login is to be moved to where it is", "device-cli says that it is there already"),
    ("a newer login is here already", "oauth-client/token-store/tests"),
    ("another process has held the lock", "45 seconds of waiting: oauth-client/token-store/tests"),
    ("generation {stored} is stored", "a race that the lock prevents"),
    ("the lock is another login's", "a mistake of a program"),
    ("is no directory: choose another path", "said of logins/ first"),
    ("{error}: XDG_STATE_HOME=DIRECTORY", "a directory that root cannot write to either"),
    ("is no regular file", "tests/store_choice.rs"),
    ("belongs to user {owner}", "tests/token_store/unsafe_state.rs, as root"),
    ("free some space, then try again", "tests/token_store/full_disk.rs"),
    ("choose a directory that can be written to", "tests/token_store/full_disk.rs"),
    ("choose a directory of your own, or correct", "tests/token_store/unsafe_state.rs"),
    ("choose a directory on a file system that has locks", "a file system without locks"),
    ("check the disk, or choose another directory", "tests/token_store/system_calls.rs"),
];
