//! Text from a server on its way to a person.

use oauth_protocol::{ErrorCode, Scope, ServerText, is_safe_to_display};

#[test]
fn hostile_strings_are_harmless_when_shown() {
    for (sent, shown) in [
        ("plain text", "plain text"),
        ("", ""),
        ("Grüße, 日本語, emoji 🔑", "Grüße, 日本語, emoji 🔑"),
        // Clear the screen, set the title, ask for the cursor, a link, the 8-bit CSI.
        ("\u{1b}[2J\u{1b}[Hgone", " [2J [Hgone"),
        ("\u{1b}]0;title\u{7}", " ]0;title "),
        ("\u{1b}]8;;https://evil.example\u{1b}\\click", " ]8;;https://evil.example \\click"),
        ("\u{9b}2J", " 2J"),
        ("\u{90}q\u{9c}", " q "),
        // Lines that were not ours.
        ("AADSTS70016: pending.\r\nTrace ID: 0", "AADSTS70016: pending. Trace ID: 0"),
        ("a\rb\nc\td\u{b}e\u{c}f\u{85}g\u{2028}h\u{2029}i", "a b c d e f g h i"),
        ("a\u{0}b\u{8}c\u{7f}d", "a b c d"),
        // Text that reads in another order than it is.
        ("exe\u{202e}gpj.", "exe gpj."),
        ("a\u{2066}b\u{2067}c\u{2068}d\u{2069}e", "a b c d e"),
        ("a\u{200e}b\u{200f}c\u{61c}d", "a b c d"),
        // Text that is not seen.
        ("pay\u{200b}pal\u{200c}.\u{200d}example\u{feff}\u{2060}x\u{ad}y", "pay pal . example x y"),
        ("tag\u{e0041}\u{e007f}s", "tag s"),
        ("v\u{fe0f}s\u{180e}h\u{3164}f\u{115f}i", "v s h f i"),
        ("hieroglyph\u{13430}joiner", "hieroglyph joiner"),
        ("two  spaces", "two spaces"),
    ] {
        let text = ServerText::new(sent);
        assert_eq!(text.to_string(), shown, "{sent:?}");
        assert_eq!(format!("{text:?}"), format!("\"{shown}\""), "{sent:?}");
        assert_eq!(text.as_sent(), sent);
    }
}

#[test]
fn long_text_is_cut() {
    let text = ServerText::new("ä".repeat(100_000)).to_string();
    assert_eq!(text, format!("{}…", "ä".repeat(512)));
    assert_eq!(ServerText::new("ä".repeat(512)).to_string(), "ä".repeat(512));
}

#[test]
fn no_control_character_is_safe() {
    for code in (0..=0x1f).chain(0x7f..=0x9f) {
        assert!(!is_safe_to_display(char::from_u32(code).unwrap()), "{code:#x}");
    }
    for safe in ' '..='~' {
        assert!(is_safe_to_display(safe), "{safe}");
    }
}

#[test]
fn error_codes_and_scopes_pass_the_same_sanitiser() {
    let code = ErrorCode::parse("boom\u{1b}[2J");
    assert_eq!(code.to_string(), "boom [2J");
    assert_eq!(code.as_str(), "boom\u{1b}[2J");
    assert_eq!(Scope::parse("openid \u{1b}[31mred").to_string(), "openid  [31mred");
}
