//! What Tab completes in a person's zsh, which keeps its completions in a folder.

use std::path::Path;

use crate::device_cli::{device_cli, program};
use crate::terminal::Terminal;

#[test]
#[ignore = "needs tmux and zsh: run by tests/run"]
fn zsh_completes_behind_a_command_as_before_it() {
    let home = tempfile::tempdir().unwrap();
    let functions = home.path().join("functions");
    std::fs::create_dir(&functions).unwrap();
    let script = device_cli(&home, &["completions", "zsh"]).output().unwrap();
    std::fs::write(functions.join("_device-cli"), script.stdout).unwrap();
    let rc = "PS1='ready> '; fpath=(~/functions $fpath); autoload -U compinit; compinit -u\n";
    std::fs::write(home.path().join(".zshrc"), rc).unwrap();
    let folder = program().parent().unwrap().to_str().unwrap();
    let (home, path) = (home.path().to_str().unwrap(), format!("{folder}:/usr/bin:/bin"));
    let terminal = Terminal::start(
        100,
        30,
        Path::new("zsh"),
        &["-i"],
        &[("HOME", home), ("ZDOTDIR", home), ("PATH", &path)],
    );
    for (typed, expected) in [
        ("log", &["login   -- Sign in", "logout  -- Forget the tokens"][..]),
        ("login --st", &["> device-cli login --store="]),
        ("login --store ke", &["kernel    -- encrypted", "key-file  -- encrypted", "keyring   -- encrypted"]),
        ("login --provider ", &["github   google   nomos    octopus"]),
        ("storage move --to m", &["> device-cli storage move --to memory"]),
        ("help e", &["env          environment  exit-codes"]),
        ("completions z", &["> device-cli completions zsh"]),
    ] {
        terminal.wait_until(|screen| screen.trim_end().ends_with("ready>"));
        terminal.press(&format!("device-cli {typed}"));
        terminal.press("Tab");
        terminal.wait_until(|screen| expected.iter().all(|line| screen.contains(line)));
        // Another line, on an empty screen.
        terminal.press("C-u");
        terminal.press("C-l");
    }
}
