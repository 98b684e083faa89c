use unicode_width::UnicodeWidthStr as _;

use super::{Codes, LoginScreen};
use crate::capabilities::{Capabilities, Colour, Size};
use crate::styled_line::{Line, Style};

const MODERN: Capabilities =
    Capabilities { live: true, alternate_screen: true, keys: true, colour: Colour::Cube, utf8: true };
const C_LOCALE: Capabilities = Capabilities { colour: Colour::Sixteen, utf8: false, ..MODERN };
const BARE: Capabilities = Capabilities { colour: Colour::None, ..C_LOCALE };

fn codes() -> Codes {
    Codes {
        user_code: "WDJB-MJHT".into(),
        verification_uri: "https://auth.example.com/device".into(),
        verification_uri_complete: Some("https://auth.example.com/device?user_code=WDJB-MJHT".into()),
    }
}

fn with(codes: Codes) -> LoginScreen {
    let keys = ["c copy the code", "q QR code on/off", "n new code", "Enter check now"];
    LoginScreen::new(codes, keys.map(String::from).into())
}

fn screen() -> LoginScreen {
    with(codes())
}

fn drawn(screen: &LoginScreen, columns: usize, rows: usize, capabilities: Capabilities) -> Vec<Line> {
    screen.lines(Size { columns, rows }, capabilities)
}

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.text().trim_end().to_owned() + "\n").collect()
}

/// Columns and rows of what is painted as a QR code, its quiet zone included.
fn qr_code_size(lines: &[Line]) -> (usize, usize) {
    let widths = lines.iter().map(|line| {
        let painted =
            line.spans.iter().filter(|span| matches!(span.style, Style::QrCode | Style::QrDarkModule));
        painted.map(|span| span.text.width()).sum::<usize>()
    });
    let widths: Vec<usize> = widths.filter(|width| *width > 0).collect();
    (widths.first().copied().unwrap_or_default(), widths.len())
}

#[test]
fn a_large_window_has_the_box_beside_a_qr_code_with_its_whole_quiet_zone() {
    let lines = drawn(&screen(), 120, 40, MODERN);
    assert_eq!(qr_code_size(&lines), (37, 19));
    let left: Vec<String> =
        lines.iter().take(9).map(|line| line.text().chars().take(49).collect::<String>()).collect();
    assert_eq!(
        left.join("\n"),
        "\
┌───────────────────────────────────────────────┐
│                                               │
│  Using a browser on another device, visit:    │
│  https://auth.example.com/device              │
│                                               │
│  And enter the code:                          │
│  WDJB-MJHT                                    │
│                                               │
└───────────────────────────────────────────────┘"
    );
    assert!(text(&lines).contains("The QR code holds the address and the code."));
}

#[test]
fn eighty_columns_and_24_rows_hold_a_narrow_box_and_a_tight_qr_code_in_79_columns() {
    let lines = drawn(&screen(), 80, 24, MODERN);
    assert_eq!(qr_code_size(&lines), (33, 17));
    assert!(lines[0].text().starts_with(&format!("┌{}┐ ", "─".repeat(43))));
    assert_eq!(lines.iter().map(Line::columns).max(), Some(79));
    assert!(lines.len() < 24);
    assert_eq!(qr_code_size(&drawn(&screen(), 79, 24, MODERN)), (33, 17), "78 columns are enough");
}

#[test]
fn without_utf_8_the_box_is_ascii_and_so_is_everything_else() {
    let lines = drawn(&screen(), 200, 60, C_LOCALE);
    assert!(text(&lines).is_ascii());
    assert!(text(&lines).starts_with(&format!("+{}+", "-".repeat(47))));
    assert_eq!(qr_code_size(&lines), (74, 37));
}

#[test]
fn a_narrow_window_has_no_frame_and_the_qr_code_below() {
    let lines = drawn(&screen(), 60, 40, MODERN);
    assert_eq!(qr_code_size(&lines), (37, 19));
    let text = text(&lines);
    assert!(!text.contains('│'));
    assert!(text.starts_with("Using a browser on another device, visit:\nhttps://auth.example.com/device\n"));
}

#[test]
fn a_qr_code_that_is_too_large_with_the_code_holds_the_plain_address() {
    let long = format!("https://auth.example.com/device?user_code=WDJB-MJHT&hint={}", "x".repeat(120));
    let screen = with(Codes { verification_uri_complete: Some(long), ..codes() });
    let lines = drawn(&screen, 80, 24, MODERN);
    let shown = text(&lines);
    assert!(shown.contains("The QR code holds the address; enter the"), "{shown}");
    assert_eq!(qr_code_size(&lines), (29, 15));
}

#[test]
fn where_no_qr_code_fits_or_can_be_drawn_one_line_says_so() {
    let small = text(&drawn(&screen(), 60, 16, MODERN));
    assert!(small.contains("No QR code: the window is too small for it."), "{small}");
    let bare = text(&drawn(&screen(), 120, 40, BARE));
    assert!(bare.contains("No QR code: this terminal has neither colours nor UTF-8."), "{bare}");
    let mut switched_off = screen();
    switched_off.wants_qr_code = false;
    assert!(!text(&drawn(&switched_off, 120, 40, MODERN)).contains("QR code:"));
}

#[test]
fn every_window_shows_the_whole_code_and_the_warning_and_fits() {
    let screen = screen();
    for columns in (12..=200).step_by(7) {
        for rows in [1, 2, 3, 4, 5].into_iter().chain((6..=60).step_by(5)) {
            for capabilities in [MODERN, C_LOCALE, BARE] {
                let lines = drawn(&screen, columns, rows, capabilities);
                let shown = text(&lines);
                let at = format!("{columns}x{rows} {capabilities:?}\n{shown}");
                assert!(shown.contains("WDJB-MJHT"), "{at}");
                assert!(lines.len() <= rows, "{at}");
                assert!(rows < 8 || columns < 20 || lines.len() < rows, "no status line: {at}");
                assert!(lines.iter().all(|line| line.columns() < columns), "{at}");
                if columns >= 40 && rows >= 12 {
                    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
                    assert!(words.contains("https://auth.example.com/device"), "{at}");
                    assert!(shown.contains("Only continue"), "{at}");
                }
                let (width, height) = qr_code_size(&lines);
                assert!(
                    matches!(
                        (width, height),
                        (0, 0) | (29 | 31 | 33 | 37, 15..=19) | (58 | 66 | 74, 29..=37)
                    ),
                    "{at}"
                );
            }
        }
    }
}

#[test]
fn a_code_of_wide_and_combining_characters_keeps_the_frame_straight() {
    let screen = with(Codes { user_code: "漢字-e\u{301}カナ".into(), ..codes() });
    let lines = drawn(&screen, 120, 40, MODERN);
    let frames: Vec<usize> = lines[..9]
        .iter()
        .map(|line| {
            let text = line.text();
            let end = text.rfind(['│', '┐', '┘']).unwrap();
            text[..end].width()
        })
        .collect();
    assert_eq!(frames, [48; 9]);
}

#[test]
fn the_code_is_spelled_for_a_screen_reader() {
    assert_eq!(screen().codes.spelled(), "W D J B dash M J H T");
}
