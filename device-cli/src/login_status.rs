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
    Retrying { cause: String, captive_portal_suspected: bool, next_poll_in: Duration },
    /// The person may ask for a new code.
    Expired,
}

/// The status in one line of at most `columns`: what matters most comes first.
pub(crate) fn status_line(status: &Status, left: Duration, note: Option<&str>, columns: usize) -> String {
    let sentence = match status {
        Status::Expired => "The code expired. Press n for a new one.".to_owned(),
        Status::Waiting => format!("{} left, waiting for your approval", clock(left)),
        Status::Retrying { cause, captive_portal_suspected, next_poll_in } => {
            let hint =
                if *captive_portal_suspected { "; does this network want a sign-in of its own?" } else { "" };
            let (left, wait) = (clock(left), whole_seconds(*next_poll_in));
            let sentence =
                format!("{left} left, connection lost, trying again in {wait} s (the code stays valid)");
            let cause = format!(": {cause}{hint}");
            // Half a cause says nothing.
            if sentence.width() + cause.width() <= columns { sentence + &cause } else { sentence }
        }
    };
    let line = match note {
        Some(note) => format!("{sentence}. {note}"),
        None => sentence,
    };
    clipped(&line, columns).to_owned()
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
        assert_eq!(status_line(&waiting, Duration::from_secs(60), None, 20), "01:00 left, connecti");
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
