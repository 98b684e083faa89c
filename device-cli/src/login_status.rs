//! The status line: one sentence, redrawn at most once a second.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use crate::styled_line::clipped;

/// How the login stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The person has not decided.
    Waiting,
    /// Something failed; the codes stay valid.
    Retrying { cause: String, connection_lost: bool, captive_portal_suspected: bool, next_poll_in: Duration },
    /// The person may ask for a new code.
    Expired,
}

/// The status in one line of at most `columns`, in as many words as there is room for. The answer to a key comes
/// with it, or for as long as it stands in its place.
pub(crate) fn status_line(status: &Status, left: Duration, note: Option<&str>, columns: usize) -> String {
    let left = clock(left);
    let sentences = match status {
        Status::Expired => {
            vec!["The code expired. Press n for a new one.".to_owned(), "Expired. Press n.".to_owned()]
        }
        Status::Waiting => vec![
            format!("{left} left, waiting for your approval"),
            format!("{left} left, waiting"),
            format!("{left} left"),
        ],
        Status::Retrying { cause, connection_lost, captive_portal_suspected, next_poll_in } => {
            let hint =
                if *captive_portal_suspected { "; does this network want a sign-in of its own?" } else { "" };
            let wait = whole_seconds(*next_poll_in);
            // Who answers, even with nothing of use, is connected.
            let (lost, absent) =
                if *connection_lost { (", connection lost", ", no connection") } else { ("", "") };
            let sentence = format!("{left} left{lost}, trying again in {wait} s (the code stays valid)");
            vec![
                format!("{sentence}: {cause}{hint}"),
                sentence,
                format!("{left} left{absent}, retry in {wait} s"),
                format!("{left} left{absent}"),
                format!("{left} left"),
            ]
        }
    };
    let with_note = note.map(|note| sentences.iter().map(move |sentence| format!("{sentence}. {note}")));
    let fits = |line: &String| line.width() <= columns;
    let whole = match (with_note, note) {
        (Some(mut lines), Some(note)) => lines.find(fits).unwrap_or_else(|| note.to_owned()),
        _ => sentences.iter().find(|line| fits(line)).or(sentences.last()).cloned().unwrap_or_default(),
    };
    clipped(&whole, columns).to_owned()
}

/// "4 min 5 s", for a sentence.
pub(crate) fn in_words(duration: Duration) -> String {
    let seconds = whole_seconds(duration);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, 0) => format!("{minutes} min"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, 0, _) => format!("{hours} h"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, 0, _, _) => format!("{days} d"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}

/// "14:05", or "2:00:00".
fn clock(left: Duration) -> String {
    let seconds = whole_seconds(left);
    match seconds / 3600 {
        0 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// Rounded up: zero means that it is over.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Status, in_words, status_line};

    #[test]
    fn the_time_left_comes_first() {
        let line = |left| status_line(&Status::Waiting, left, None, 80);
        assert_eq!(line(Duration::from_secs(899)), "14:59 left, waiting for your approval");
        assert_eq!(line(Duration::from_millis(600_001)), "10:01 left, waiting for your approval");
        assert_eq!(line(Duration::from_secs(7205)), "2:00:05 left, waiting for your approval");
    }

    #[test]
    fn a_lost_connection_says_when_it_tries_again_and_that_the_code_stays_valid() {
        let waiting = Status::Retrying {
            cause: "no connection to the server".into(),
            connection_lost: true,
            captive_portal_suspected: false,
            next_poll_in: Duration::from_millis(9200),
        };
        let line = status_line(&waiting, Duration::from_secs(60), None, 200);
        assert_eq!(
            line,
            "01:00 left, connection lost, trying again in 10 s (the code stays valid): \
             no connection to the server"
        );
        let narrow = status_line(&waiting, Duration::from_secs(60), None, 79);
        assert_eq!(narrow, "01:00 left, connection lost, trying again in 10 s (the code stays valid)");
        let narrower = status_line(&waiting, Duration::from_secs(60), None, 39);
        assert_eq!(narrower, "01:00 left, no connection");
        assert_eq!(status_line(&waiting, Duration::from_secs(60), None, 20), "01:00 left");
    }

    #[test]
    fn a_server_that_answers_is_connected() {
        let limited = Status::Retrying {
            cause: "the server limits the rate of requests (HTTP 429)".into(),
            connection_lost: false,
            captive_portal_suspected: false,
            next_poll_in: Duration::from_secs(9),
        };
        for columns in [200, 79, 39, 24] {
            let line = status_line(&limited, Duration::from_secs(60), None, columns);
            assert!(!line.contains("connection"), "{line}");
        }
        let line = status_line(&limited, Duration::from_secs(60), None, 60);
        assert_eq!(line, "01:00 left, trying again in 9 s (the code stays valid)");
    }

    #[test]
    fn the_answer_to_a_key_is_whole_or_stands_alone() {
        let line =
            |columns| status_line(&Status::Waiting, Duration::from_secs(60), Some("Checking now."), columns);
        assert_eq!(line(80), "01:00 left, waiting for your approval. Checking now.");
        assert_eq!(line(39), "01:00 left, waiting. Checking now.");
        assert_eq!(line(19), "Checking now.");
    }

    #[test]
    fn an_expired_code_asks_for_the_persons_hand() {
        let line = status_line(&Status::Expired, Duration::ZERO, None, 80);
        assert_eq!(line, "The code expired. Press n for a new one.");
    }

    #[test]
    fn durations_in_words() {
        for (seconds, words) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (245, "4 min 5 s"), (3600, "1 h"), (90_000, "1 d 1 h")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
