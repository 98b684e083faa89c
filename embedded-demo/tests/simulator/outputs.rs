//! Pictures and the lamp, each read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::said;
use crate::output::speech::heard;

/// A scenario's pictures, oldest first, and what it said.
fn frames() -> (TempDir, Vec<PathBuf>, String) {
    let folder = tempfile::tempdir().unwrap();
    let frames = folder.path().join("new").join("frames");
    let said = said(&["--scenario", "denied", "--frames", frames.to_str().unwrap()]);
    let mut paths: Vec<PathBuf> = fs::read_dir(frames).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    (folder, paths, said)
}

/// The addresses with the code inside, in the order in which they were shown.
fn addresses(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.split_once("   or ")).map(|(_, address)| address).collect()
}

/// Width, height, and the brightness of each pixel.
fn pixels(path: &Path) -> (usize, usize, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    (info.width as usize, info.height as usize, bytes)
}

fn scanned(path: &Path) -> Option<String> {
    let (width, height, bytes) = pixels(path);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| bytes[y * width + x]);
    image.detect_grids().first().map(|grid| grid.decode().unwrap().1)
}

#[test]
fn each_picture_is_a_png_of_the_panel_and_the_qr_code_holds_the_address() {
    let (_folder, paths, said) = frames();
    let names: Vec<String> =
        paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let numbers: Vec<String> = (1..=paths.len()).map(|number| format!("{number:04}.png")).collect();
    assert_eq!(names, numbers);
    for path in &paths {
        let (width, height, bytes) = pixels(path);
        assert_eq!((width, height), (512, 256), "four times the panel");
        assert!(bytes.contains(&0) && bytes.contains(&255));
    }
    let mut found: Vec<String> = paths.iter().filter_map(|path| scanned(path)).collect();
    found.dedup();
    assert_eq!(found, addresses(&said), "both logins");
    for (path, next) in paths.iter().zip(&paths[1..]) {
        assert_ne!(fs::read(path).unwrap(), fs::read(next).unwrap(), "a picture is written once");
    }
}

#[test]
#[ignore = "needs zbarimg: run by tests/run"]
fn a_scanner_reads_the_pictures() {
    let (_folder, paths, said) = frames();
    let with_codes: Vec<&PathBuf> = paths.iter().filter(|path| scanned(path).is_some()).collect();
    assert!(with_codes.len() >= 4, "{paths:?}");
    for path in with_codes {
        let options = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
        let output = Command::new("zbarimg").args(options).arg(path).output().expect("zbarimg starts");
        let read = String::from_utf8(output.stdout).unwrap();
        assert!(addresses(&said).contains(&read.trim_end()), "{read:?} in {}", path.display());
    }
}

#[test]
fn what_the_device_says_is_heard_in_its_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = folder.path().join("sounds");
    let said = said(&["--scenario", "success", "--sound", sounds.to_str().unwrap()]);
    let mut paths: Vec<PathBuf> = fs::read_dir(sounds).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths[0].ends_with("0001.wav"), "{paths:?}");
    let heard: Vec<String> = paths.iter().map(|path| heard(&fs::read(path).unwrap())).collect();
    let code = super::user_code(&said);
    let address = said.lines().find_map(|line| line.split_once("visit http://")).unwrap().1;
    let of_the_code = {
        let in_words = code.to_lowercase();
        format!("[visit]{}[your_code_is]{code}[again]{in_words}", address.to_uppercase())
    };
    assert_eq!(heard, ["[connecting]", &of_the_code, "[signed_in]"]);
}

/// What stands in the log, in milliseconds: the lamp goes on, or off.
fn changes(log: &str) -> Vec<(u64, bool)> {
    let change = |line: &str| {
        let (time, what) = line.strip_prefix("led ")?.split_once(" s  ")?;
        let is_on = match what {
            "on" => true,
            "off" => false,
            _ => return None,
        };
        let (seconds, millis) = time.trim_start().split_once('.')?;
        Some((seconds.parse::<u64>().ok()? * 1000 + millis.parse::<u64>().ok()?, is_on))
    };
    log.lines().filter_map(change).collect()
}

/// The first `length` characters, read by the table of the recommendation; `None` for what is none.
fn read_morse(changes: &[(u64, bool)], length: usize) -> Option<String> {
    const UNIT: u64 = 120;
    const TABLE: [(&str, char); 21] = [
        ("-...", 'B'),
        ("-.-.", 'C'),
        ("-..", 'D'),
        ("..-.", 'F'),
        ("--.", 'G'),
        ("....", 'H'),
        (".---", 'J'),
        ("-.-", 'K'),
        (".-..", 'L'),
        ("--", 'M'),
        ("-.", 'N'),
        (".--.", 'P'),
        ("--.-", 'Q'),
        (".-.", 'R'),
        ("...", 'S'),
        ("-", 'T'),
        ("...-", 'V'),
        (".--", 'W'),
        ("-..-", 'X'),
        ("--..", 'Z'),
        ("-....-", '-'),
    ];
    let (mut text, mut letter) = (String::new(), String::new());
    for pair in changes.windows(2) {
        let (is_on, units) = (pair[0].1, (pair[1].0 - pair[0].0 + UNIT / 2) / UNIT);
        match (is_on, units) {
            (true, 1) => letter.push('.'),
            (true, 3) => letter.push('-'),
            (false, 1) => {}
            (false, 3 | 7) => {
                text.push(TABLE.iter().find(|(signals, _)| *signals == letter)?.1);
                letter.clear();
            }
            _ => return None,
        }
        if text.len() == length {
            return Some(text);
        }
    }
    None
}

#[test]
fn the_lamp_sends_the_code_and_is_steady_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("led.log");
    let said = said(&["--scenario", "success", "--led", log.to_str().unwrap()]);
    let log = fs::read_to_string(log).unwrap();
    let code = super::user_code(&said);
    assert!(log.lines().next().unwrap().ends_with(&format!("Morse, a dot is 120 ms: {code}")), "{log}");
    assert_eq!(read_morse(&changes(&log), code.len()).as_deref(), Some(code), "{log}");
    assert_eq!(changes(&log).last().map(|(_, is_on)| *is_on), Some(true), "{log}");
    assert!(log.contains("  steady\n"), "{log}");
}

#[test]
fn the_lamp_may_be_told_beside_the_panel() {
    let said = said(&["--led", "-"]);
    let changes = changes(&said);
    assert!(changes.len() > 10, "three seconds of Morse: {said}");
    assert!(changes.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 != pair[1].1), "{said}");
}
