use std::convert::Infallible;
use std::time::Duration;

use embedded_demo::output::panel::{HEIGHT, WIDTH, draw};
use embedded_demo::{Status, View};
use embedded_graphics::mono_font::ascii::{FONT_4X6, FONT_5X8, FONT_6X10, FONT_6X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use oauth_protocol::{Error, RetryCause, TransportFailure};
use proptest::prelude::*;

/// What shines. Nothing outside may be drawn.
struct Panel(Vec<bool>);

impl OriginDimensions for Panel {
    fn size(&self) -> Size {
        Size::new(WIDTH, HEIGHT)
    }
}

impl DrawTarget for Panel {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            let (x, y) = (u32::try_from(at.x).unwrap(), u32::try_from(at.y).unwrap());
            assert!(x < WIDTH && y < HEIGHT, "{at:?} is outside");
            self.0[(y * WIDTH + x) as usize] = color.is_on();
        }
        Ok(())
    }
}

impl Panel {
    fn showing(view: &View<'_>) -> Self {
        let mut panel = Self(vec![false; (WIDTH * HEIGHT) as usize]);
        draw(view, &mut panel).unwrap();
        panel
    }

    fn is_lit(&self, x: u32, y: u32) -> bool {
        self.0[(y * WIDTH + x) as usize]
    }

    /// What a phone makes of it, the panel four times as large; the rim of the device around it is dark.
    fn scanned(&self) -> Option<String> {
        const SCALE: usize = 4;
        let (width, height) = (WIDTH as usize * SCALE, HEIGHT as usize * SCALE);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            let pixel = (y / SCALE) * WIDTH as usize + x / SCALE;
            if self.0[pixel] { 255 } else { 0 }
        });
        let grids = image.detect_grids();
        grids.first().map(|grid| grid.decode().unwrap().1)
    }

    /// The text in a column that begins at `left`, by comparing each cell with each character of each font.
    fn text(&self, left: u32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut top = 0;
        'lines: while top < HEIGHT {
            for font in [&FONT_10X20, &FONT_6X13, &FONT_6X10, &FONT_5X8, &FONT_4X6] {
                let line = self.line(left, top, font);
                if let Some(line) = line.filter(|line| !line.trim().is_empty()) {
                    lines.push(line.trim_end().to_owned());
                    top += font.character_size.height;
                    continue 'lines;
                }
            }
            top += 1;
        }
        lines
    }

    /// `None`: some cell is no character of this font.
    fn line(&self, left: u32, top: u32, font: &'static MonoFont<'static>) -> Option<String> {
        let Size { width, height } = font.character_size;
        if top + height > HEIGHT {
            return None;
        }
        let cells = (left..).step_by(width as usize).take_while(|x| x + width <= WIDTH);
        let cells = cells.map(|x| {
            let cell: Vec<bool> = (0..height)
                .flat_map(|y| (0..width).map(move |dx| (x + dx, top + y)))
                .map(|(x, y)| self.is_lit(x, y))
                .collect();
            // Beside a QR code the ground is lit.
            let ground = left > 0;
            (' '..='~').find(|character| {
                glyph(*character, font) == cell.iter().map(|lit| *lit != ground).collect::<Vec<_>>()
            })
        });
        cells.collect()
    }
}

fn glyph(character: char, font: &'static MonoFont<'static>) -> Vec<bool> {
    let mut panel = Panel(vec![false; (WIDTH * HEIGHT) as usize]);
    let text = character.to_string();
    Text::with_baseline(&text, Point::zero(), MonoTextStyle::new(font, BinaryColor::On), Baseline::Top)
        .draw(&mut panel)
        .unwrap();
    let Size { width, height } = font.character_size;
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| panel.is_lit(x, y)).collect()
}

fn code<'a>(user_code: &'a str, uri: &'a str, complete: Option<&'a str>) -> View<'a> {
    View::Code {
        user_code,
        verification_uri: uri,
        verification_uri_complete: complete,
        time_left: Duration::from_secs(599),
        status: Status::Waiting,
    }
}

/// Where the text beside a QR code begins.
const BESIDE: u32 = 66;

#[test]
fn the_qr_code_holds_the_address_with_the_code_and_both_stand_beside_it() {
    let complete = "https://auth.example.com/device?user_code=WDJB-MJHT";
    let panel = Panel::showing(&code("WDJB-MJHT", "https://auth.example.com/device", Some(complete)));
    assert_eq!(panel.scanned().as_deref(), Some(complete));
    assert_eq!(panel.text(BESIDE), ["WDJB-MJHT", "auth.example.co", "m/device", "9:59 left,", "waiting"]);
}

#[test]
fn without_such_an_address_the_qr_code_holds_the_plain_one() {
    let uri = "https://auth.example.com/device";
    let panel = Panel::showing(&code("ETE39050", uri, None));
    assert_eq!(panel.scanned().as_deref(), Some(uri));
    assert_eq!(panel.text(BESIDE)[0], "ETE39050");
}

#[test]
fn where_the_longer_address_does_not_fit_the_plain_one_does() {
    let uri = "https://login.example.com/device/activate";
    let complete = format!("{uri}?user_code=WDJB-MJHT&lang=en");
    let panel = Panel::showing(&code("WDJB-MJHT", uri, Some(&complete)));
    assert_eq!(panel.scanned().as_deref(), Some(uri));
}

#[test]
fn an_address_too_long_for_a_qr_code_is_text_over_the_whole_panel() {
    let uri = format!("https://auth.example.com/realms/{}/device", "a-company".repeat(3));
    let panel = Panel::showing(&code("WDJB-MJHT", &uri, None));
    assert_eq!(panel.scanned(), None);
    let text = panel.text(0);
    assert_eq!(text[0], "WDJB-MJHT");
    assert!(text.concat().contains(uri.strip_prefix("https://").unwrap()), "{text:?}");
}

#[test]
fn the_other_states_are_sentences() {
    let text = |view: &View<'_>| Panel::showing(view).text(0).join(" ");
    assert_eq!(text(&View::Connecting { retrying: None }), "connecting");
    let cause = RetryCause::Transport(TransportFailure::Dns);
    let said = text(&View::Connecting { retrying: Some(&cause) });
    assert!(said.starts_with("connecting again: "), "{said}");
    let done = text(&View::Done { expires_in: Some(Duration::from_secs(3600)) });
    assert_eq!(done, "signed in, the token is valid for 3600 s");
    let failed = text(&View::Failed(&Error::Transport(TransportFailure::Connect)));
    assert_eq!(failed, "not signed in: no connection to the server");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a server sends is drawn inside the panel, and a code that can be typed stands there whole.
    #[test]
    fn any_code_is_whole(
        user_code in "[A-Z0-9-]{1,30}", path in "[a-z/]{0,200}", complete in proptest::option::of("\\PC{0,80}"),
    ) {
        let uri = format!("https://auth.example.com/{path}");
        let panel = Panel::showing(&code(&user_code, &uri, complete.as_deref()));
        let text = if panel.scanned().is_some() { panel.text(BESIDE) } else { panel.text(0) };
        prop_assert!(text.concat().starts_with(&user_code), "{:?}", text);
    }
}

/// A code is copied letter by letter.
#[test]
fn the_characters_of_a_code_stand_apart() {
    let complete = "https://auth.example.com/device?user_code=WDJB-MJHT";
    for user_code in ["ABCDEFGHI", "JKLMNOPQR", "STUVWXYZ0", "123456789", "WWWW-MMMM"] {
        let panel = Panel::showing(&code(user_code, "https://auth.example.com/device", Some(complete)));
        assert_eq!(panel.text(BESIDE)[0], user_code);
        let Size { width, height } = FONT_6X13.character_size;
        let has_ink = |x: u32| (0..height).any(|y| !panel.is_lit(x, y));
        for left in (BESIDE + width..WIDTH).step_by(width as usize).take(user_code.len() - 1) {
            assert!(!has_ink(left - 1) || !has_ink(left), "{user_code}: two characters touch at {left}");
        }
    }
}
