//! Opening a page in a browser on this machine, without a shell.
#![allow(clippy::disallowed_methods, reason = "starts the browser, with an exact argument list")]

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use oauth_client::EndpointUrl;
use tokio::sync::oneshot;

/// The programs to try, each with its arguments; the address becomes the last one, or replaces `%s`.
pub(crate) struct Browser {
    candidates: Vec<Vec<String>>,
}

/// Tells when the program that was started ends with an error; nothing is told of one that does not.
pub(crate) type Failing = oneshot::Receiver<ExitStatus>;

impl Browser {
    /// The one that somebody asked for by name: what `$BROWSER` says is believed over SSH too, where it may lead back
    /// to the person's own machine.
    pub(crate) fn asked_for(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Self::usable(&variable).or_else(|| {
            let candidates = candidates_of(&variable("BROWSER")?);
            (!candidates.is_empty()).then_some(Self { candidates })
        })
    }

    /// A browser that the person can see: there is a display, and no SSH between. `variable` reads the
    /// environment.
    pub(crate) fn usable(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        if is_set("SSH_CONNECTION") || is_set("SSH_TTY") || is_set("SSH_CLIENT") {
            return None;
        }
        let is_wsl = is_set("WSL_DISTRO_NAME");
        let has_display = cfg!(any(windows, target_os = "macos"))
            || is_set("DISPLAY")
            || is_set("WAYLAND_DISPLAY")
            || is_wsl;
        if !has_display {
            return None;
        }
        let mut candidates = candidates_of(&variable("BROWSER").unwrap_or_default());
        let of_the_system: &[&str] = if cfg!(target_os = "macos") {
            &["open"]
        } else if cfg!(windows) {
            &["rundll32 url.dll,FileProtocolHandler"]
        } else if is_wsl {
            &["wslview", "xdg-open"]
        } else {
            &["xdg-open", "gio open"]
        };
        candidates.extend(of_the_system.iter().map(|command| words(command)));
        Some(Self { candidates })
    }

    /// What would be tried, in this order.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &str> {
        self.candidates.iter().filter_map(|candidate| candidate.first()).map(String::as_str)
    }

    /// Opens `url`, https only, or http on this machine. Its output is thrown away, nobody waits for it.
    pub(crate) fn open(&self, url: &str) -> io::Result<()> {
        self.open_and_watch(url).map(drop)
    }

    /// Opens `url` as [`Browser::open`] does, and tells when the program fails.
    pub(crate) fn open_and_watch(&self, url: &str) -> io::Result<Failing> {
        let mut child = self.start(url)?;
        let (sender, failing) = oneshot::channel();
        // Somebody has to collect its exit status.
        thread::spawn(move || match child.wait() {
            Ok(status) if !status.success() => drop(sender.send(status)),
            _ => {}
        });
        Ok(failing)
    }

    fn start(&self, url: &str) -> io::Result<Child> {
        let is_allowed = EndpointUrl::parse(url).is_ok_and(|url| url.is_https() || url.is_loopback());
        if !is_allowed {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only https addresses are opened"));
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no browser found: set BROWSER");
        for candidate in &self.candidates {
            let Some((program, arguments)) = argv(candidate, url) else { continue };
            let started = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            match started {
                Ok(child) => return Ok(child),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// The programs of a `$BROWSER`, with colons between.
fn candidates_of(browser: &str) -> Vec<Vec<String>> {
    browser.split(':').map(words).filter(|command| !command.is_empty()).collect()
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

/// The program and its arguments: each word stays one word, whatever stands in the address.
fn argv(candidate: &[String], url: &str) -> Option<(String, Vec<String>)> {
    let (program, arguments) = candidate.split_first()?;
    let mut arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("%s", url)).collect();
    if !candidate.iter().any(|argument| argument.contains("%s")) {
        arguments.push(url.to_owned());
    }
    Some((program.clone(), arguments))
}

#[cfg(test)]
mod tests {
    use super::{Browser, argv};

    fn usable(variables: &[(&str, &str)]) -> Option<Browser> {
        Browser::usable(|name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn it_needs_a_display_and_no_ssh() {
        assert!(usable(&[]).is_none());
        assert!(usable(&[("BROWSER", "firefox")]).is_none());
        assert!(usable(&[("DISPLAY", ":0")]).is_some());
        assert!(usable(&[("WAYLAND_DISPLAY", "wayland-0")]).is_some());
        assert!(
            usable(&[("DISPLAY", "localhost:10.0"), ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]).is_none()
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_browser_that_is_named_is_believed_where_none_would_be_guessed() {
        let asked_for = |variables: &'static [(&str, &str)]| {
            Browser::asked_for(|name| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let over_ssh = asked_for(&[("BROWSER", "/opt/open-at-home"), ("SSH_TTY", "/dev/pts/0")]).unwrap();
        assert_eq!(over_ssh.candidates, [["/opt/open-at-home"]]);
        assert!(asked_for(&[("SSH_TTY", "/dev/pts/0"), ("DISPLAY", "localhost:10")]).is_none());
        assert!(asked_for(&[("DISPLAY", ":0")]).is_some());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_browser_variable_comes_first_word_by_word() {
        let browser =
            usable(&[("DISPLAY", ":0"), ("BROWSER", "firefox --new-window:chromium %s -x")]).unwrap();
        let url = "https://example.com/?a=1&b=$(reboot);c d";
        let argv_of = |index: usize| argv(&browser.candidates[index], url).unwrap();
        assert_eq!(argv_of(0), ("firefox".into(), vec!["--new-window".into(), url.into()]));
        assert_eq!(argv_of(1), ("chromium".into(), vec![url.into(), "-x".into()]));
        assert_eq!(argv_of(2), ("xdg-open".into(), vec![url.into()]));
    }

    #[test]
    fn only_https_and_loopback_are_opened() {
        let browser = Browser { candidates: vec![vec!["/does/not/exist".into()]] };
        for url in ["http://example.com/", "file:///etc/passwd", "javascript:alert(1)", "--help"] {
            assert_eq!(browser.open(url).unwrap_err().kind(), std::io::ErrorKind::InvalidInput, "{url}");
        }
        for url in ["https://example.com/", "http://127.0.0.1:1/device"] {
            assert_eq!(browser.open(url).unwrap_err().kind(), std::io::ErrorKind::NotFound, "{url}");
        }
    }
}
