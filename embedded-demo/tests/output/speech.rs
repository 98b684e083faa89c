use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use embedded_demo::output::speech::{Narrator, Segment, Spelled, said, speak};
use embedded_demo::output::wav;
use embedded_demo::{Screen as _, Speaker, Status, View, sign_in};
use oauth_protocol::{Error, RetryCause, TransportFailure};
use proptest::prelude::*;

use super::ulaw;
use crate::board::{Outcome, ScriptedTransport, VirtualClock, grant};

const URI: &str = "https://auth.example.com/device";
const CHARACTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// A shorter silence belongs to what is spoken.
const LEAST_GAP: usize = 8_000 * 3 / 10;

#[derive(Default)]
struct Tape(Vec<u8>);

impl Speaker for Tape {
    fn play(&mut self, samples: &[u8]) {
        self.0.extend_from_slice(samples);
    }
}

/// A recording as the folder has it, known by what is said in it.
struct Known {
    text: String,
    samples: Vec<f32>,
    energy: f32,
}

/// Who listens: it knows the recordings from their folder, and has its own u-law.
struct Listener(Vec<Known>);

static LISTENER: LazyLock<Listener> = LazyLock::new(Listener::with_the_folder);

impl Listener {
    fn with_the_folder() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let recordings = paths.filter(|path| path.extension().is_some_and(|extension| extension == "ul"));
        let known = recordings.map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = match name.as_str() {
                "dash" => "-".to_owned(),
                "dot" => ".".to_owned(),
                "slash" => "/".to_owned(),
                "colon" => ":".to_owned(),
                "underscore" => "_".to_owned(),
                character if character.len() == 1 => name,
                // Small, so that it is another sound than the letter's.
                word if word.starts_with("word_") => word["word_".len()..][..1].to_owned(),
                _ => format!("[{name}]"),
            };
            let samples = fs::read(path).unwrap().into_iter().map(|sample| f32::from(ulaw::value(sample)));
            let samples = loud_part(&samples.collect::<Vec<_>>()).to_vec();
            let energy = energy(&samples);
            Known { text, samples, energy }
        });
        Self(known.collect())
    }

    /// The text that was heard, and the silences behind its parts, in seconds.
    fn hear(&self, file: &[u8]) -> (String, Vec<f32>) {
        let mut text = String::new();
        let mut gaps = Vec::new();
        for (sound, gap) in split(&samples(file)) {
            text += self.identify(&sound);
            gaps.push(f32::from(u16::try_from(gap).unwrap()) / 8_000.0);
        }
        (text, gaps)
    }

    /// The one recording that sounds so. B and D share all but their first milliseconds.
    fn identify(&self, sound: &[f32]) -> &str {
        let energy = energy(sound);
        // From -1 to 1; both begin where they become loud.
        let correlation = |known: &Known| {
            let product: f32 = known.samples.iter().zip(sound).map(|(one, other)| one * other).sum();
            product / (known.energy * energy).sqrt()
        };
        let mut likeness: Vec<(f32, &str)> =
            self.0.iter().map(|known| (correlation(known), known.text.as_str())).collect();
        likeness.sort_by(|one, other| other.0.total_cmp(&one.0));
        assert!(likeness[0].0 > 0.999, "not heard clearly: {:?}", &likeness[..3]);
        assert!(likeness[1].0 < 0.98, "mistaken for another: {:?}", &likeness[..3]);
        likeness[0].1
    }
}

/// What is heard in a WAV file: characters, and the names of phrases in brackets.
#[cfg(feature = "simulator")]
pub(crate) fn heard(file: &[u8]) -> String {
    LISTENER.hear(file).0
}

/// The samples of the file, by another reader of it.
fn samples(file: &[u8]) -> Vec<f32> {
    let mut reader = hound::WavReader::new(Cursor::new(file)).unwrap();
    let expected = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    assert_eq!(reader.spec(), expected);
    reader.samples::<i16>().map(|sample| f32::from(sample.unwrap())).collect()
}

fn is_loud(sample: f32) -> bool {
    sample.abs() > 150.0
}

fn loud_part(samples: &[f32]) -> &[f32] {
    let first = samples.iter().position(|sample| is_loud(*sample)).unwrap();
    let last = samples.iter().rposition(|sample| is_loud(*sample)).unwrap();
    &samples[first..=last]
}

/// The sounds, each with the number of silent samples behind it.
fn split(samples: &[f32]) -> Vec<(Vec<f32>, usize)> {
    let loud: Vec<usize> =
        samples.iter().enumerate().filter(|(_, sample)| is_loud(**sample)).map(|(at, _)| at).collect();
    let mut sounds: Vec<(Vec<f32>, usize)> = Vec::new();
    let mut end = 0;
    for sound in loud.chunk_by(|one, next| next - one < LEAST_GAP) {
        let (first, last) = (sound[0], *sound.last().unwrap());
        if let Some((_, gap)) = sounds.last_mut() {
            *gap = first - end;
        }
        end = last;
        sounds.push((samples[first..=last].to_vec(), samples.len() - last));
    }
    sounds
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

fn file(segments: impl Iterator<Item = Segment>) -> Vec<u8> {
    let mut tape = Tape::default();
    segments.for_each(|segment| segment.play(&mut tape));
    wav::from_ulaw(&tape.0)
}

fn spelled(text: &str) -> Vec<u8> {
    file(Spelled::new(text).unwrap().segments())
}

fn code(user_code: &str) -> View<'_> {
    code_at(user_code, 600, Status::Waiting)
}

fn code_at<'a>(user_code: &'a str, seconds_left: u64, status: Status<'a>) -> View<'a> {
    View::Code {
        user_code,
        verification_uri: URI,
        verification_uri_complete: Some("https://auth.example.com/device?user_code=WDJB-MJHT"),
        time_left: Duration::from_secs(seconds_left),
        status,
    }
}

#[test]
fn codes_are_heard_as_they_are_typed() {
    for code in ["WDJB-MJHT", "ETE39050", CHARACTERS, "0OQ-1IL-5S-8B-2Z", "A.B/C:D_E", "123-456-789"] {
        assert_eq!(LISTENER.hear(&spelled(code)).0, code);
    }
    assert_eq!(LISTENER.hear(&spelled("wdjb-mjht")).0, "WDJB-MJHT");
    for code in [CHARACTERS, "wdjb-mjht"] {
        let in_words = file(Spelled::new(code).unwrap().in_words());
        assert_eq!(LISTENER.hear(&in_words).0, code.to_lowercase());
    }
}

#[test]
fn a_code_is_said_after_its_address_and_again_in_words() {
    let (text, _) = LISTENER.hear(&file(said(&code("ETE39050"))));
    assert_eq!(text, "[visit]AUTH.EXAMPLE.COM/DEVICE[your_code_is]ETE39050[again]ete39050");
}

#[test]
fn groups_of_at_most_four_are_set_apart() {
    let groups = |code| {
        let (text, gaps) = LISTENER.hear(&spelled(code));
        let mut groups = String::new();
        for (character, gap) in text.chars().zip(gaps) {
            assert!(gap > 0.49, "{character} runs into what follows");
            groups.push(character);
            if gap > 0.9 {
                groups.push(' ');
            }
        }
        groups
    };
    assert_eq!(groups("ETE39050"), "ETE3 9050 ");
    assert_eq!(groups("WDJB-MJHT"), "WDJB - MJHT ");
    assert_eq!(groups("123456789"), "123 456 789 ");
    assert_eq!(groups("12345"), "123 45 ");
    assert_eq!(groups("1234567"), "1234 567 ");
    assert_eq!(groups("ABCD"), "ABCD ");
}

#[test]
fn what_has_no_sound_is_not_spoken_in_part() {
    for text in ["", " ", "AB CD", "\u{dc}", "A?B", "\0"] {
        assert_eq!(Spelled::new(text), None, "{text:?}");
    }
    let (text, _) = LISTENER.hear(&file(said(&code("AB?CD"))));
    assert_eq!(text, "[not_speakable]");
    let mut view = code("AB");
    let View::Code { verification_uri, .. } = &mut view else { unreachable!() };
    *verification_uri = "https://auth.example.com/device?tenant=9";
    assert_eq!(LISTENER.hear(&file(said(&view))).0, "[your_code_is]AB[again]ab");
}

#[test]
fn a_login_is_told_from_its_beginning_to_its_end() {
    const CODES: Outcome = Ok((
        200,
        r#"{"device_code":"HIDDEN1","user_code":"WDJB-MJHT","verification_uri":"https://a.example/d","expires_in":200,"interval":5}"#,
    ));
    const PENDING: Outcome = Ok((400, r#"{"error":"authorization_pending"}"#));
    let login = |script: Vec<Outcome>| {
        let mut clock = VirtualClock::default();
        let mut transport = ScriptedTransport::new(&clock, script);
        let mut narrator = Narrator::new(Tape::default());
        let _ = sign_in(grant("https://auth.example.com"), &mut transport, &mut clock, &mut narrator);
        LISTENER.hear(&wav::from_ulaw(&narrator.into_speaker().0)).0
    };
    let code = "[visit]A.EXAMPLE/D[your_code_is]WDJB-MJHT[again]wdjb-mjht";
    assert_eq!(
        login(vec![CODES, PENDING, Ok((200, r#"{"access_token":"HIDDEN2","token_type":"Bearer"}"#))]),
        format!("[connecting]{code}[signed_in]")
    );
    assert_eq!(
        login(vec![CODES, Err(TransportFailure::Closed), Ok((400, r#"{"error":"access_denied"}"#))]),
        format!("[connecting]{code}[trying_again][denied]")
    );
    assert_eq!(
        login(vec![Err(TransportFailure::Connect); 3]),
        "[connecting][trying_again][failed]",
        "the second failure in a row is no news"
    );
    let polls = std::iter::repeat_n(PENDING, 39);
    assert_eq!(
        login([CODES].into_iter().chain(polls).collect()),
        format!("[connecting]{code}{code}{code}{code}[expired]"),
        "the code again after each minute"
    );
}

#[test]
fn only_news_are_told() {
    let cause = RetryCause::Transport(TransportFailure::Timeout);
    let retrying = Status::Retrying { cause: &cause, captive_portal_suspected: false };
    let away = Error::Transport(TransportFailure::Timeout);
    let mut narrator = Narrator::new(Tape::default());
    for view in [
        code_at("AB", 600, Status::Waiting),
        code_at("AB", 541, retrying),
        code_at("AB", 541, retrying),
        code_at("AB", 540, Status::Waiting),
        code_at("AB", 535, Status::Waiting),
        code_at("CD", 534, Status::Waiting),
        View::NotStored { cause: "broken" },
        code_at("CD", 530, Status::Waiting),
        View::Done { expires_in: None },
        View::Refreshing { problem: None },
        View::Done { expires_in: None },
        View::Refreshing { problem: Some(&away) },
        View::Refreshing { problem: None },
        View::Refreshing { problem: Some(&away) },
        View::Done { expires_in: None },
    ] {
        narrator.show(&view);
    }
    let code = |code: &str| {
        let in_words = code.to_lowercase();
        format!("[visit]AUTH.EXAMPLE.COM/DEVICE[your_code_is]{code}[again]{in_words}")
    };
    let expected = [
        &code("AB"),
        "[trying_again]",
        &code("AB"),
        &code("CD"),
        "[not_stored]",
        "[signed_in]",
        "[trying_again]",
        "[signed_in]",
    ];
    let heard = LISTENER.hear(&wav::from_ulaw(&narrator.into_speaker().0)).0;
    assert_eq!(heard, expected.concat());
}

/// What stands in the folder is what can be said, and nothing in it is silent, clipped off or torn in two.
#[test]
fn the_recordings_are_whole_and_all_in_use() {
    let mut weight = 0;
    for known in &LISTENER.0 {
        let length = known.samples.len();
        weight += length;
        let phrase_or_character = if known.text.len() == 1 { 1_000..7_000 } else { 2_000..14_000 };
        assert!(phrase_or_character.contains(&length), "{}: {length} samples", known.text);
        let peak = known.samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
        assert!((16_000.0..32_124.0).contains(&peak), "{}: {peak}", known.text);
        assert_eq!(split(&known.samples).len(), 1, "{}", known.text);
        let ends = [known.samples[0], *known.samples.last().unwrap()];
        assert!(ends.iter().all(|end| end.abs() < peak / 20.0), "{} clicks: {ends:?}", known.text);
    }
    println!("{} recordings, {weight} samples", LISTENER.0.len());
    let away = Error::Transport(TransportFailure::Timeout);
    let mut heard = Tape::default();
    for view in [
        View::Connecting { retrying: None },
        View::Refreshing { problem: Some(&away) },
        code(&[CHARACTERS, "-./:_"].concat()),
        code("?"),
        View::NotStored { cause: "broken" },
        View::Done { expires_in: None },
        View::Failed(&Error::Expired),
        View::Failed(&away),
    ] {
        speak(&view, &mut heard);
    }
    let heard = split(&samples(&wav::from_ulaw(&heard.0)));
    let mut heard: BTreeSet<&str> = heard.iter().map(|(sound, _)| LISTENER.identify(sound)).collect();
    // The login that is told from its beginning to its end has this one.
    heard.insert("[denied]");
    assert_eq!(heard, LISTENER.0.iter().map(|known| known.text.as_str()).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_code_comes_back(code in "[A-Z0-9]{1,8}(-[A-Z0-9]{1,4})?") {
        prop_assert_eq!(LISTENER.hear(&spelled(&code)).0, code);
    }
}
