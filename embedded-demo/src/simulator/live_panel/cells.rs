//! Pixels as characters of a terminal, whose cells are twice as high as wide.

use embedded_demo::output::panel::{HEIGHT, WIDTH};

use super::Colours;
use crate::framebuffer::Framebuffer;

/// Rows of text that the panel leaves free: the lamp, and the code to be copied.
const ROWS_BELOW: u16 = 2;

/// The panel in a window.
pub(crate) struct Picture {
    cells: Vec<Vec<Cell>>,
}

/// What one character shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// The upper half and the lower one, lit or not.
    Halves(bool, bool),
    /// Two by four dots, by the bits of Unicode's braille, of one kind on a ground of the other.
    Dots { lit: u8, ground_is_lit: bool },
}

impl Picture {
    /// As large as fits: a pixel is half a cell, or an eighth of one. `None`: not even that fits.
    pub(crate) fn in_window(framebuffer: &Framebuffer, columns: u16, rows: u16) -> Option<Self> {
        let rows = u32::from(rows.saturating_sub(ROWS_BELOW));
        let columns = u32::from(columns);
        if columns >= WIDTH && rows >= HEIGHT / 2 {
            Some(Self::of_half_cells(framebuffer))
        } else if columns > WIDTH / 2 && rows > HEIGHT / 4 {
            Some(Self::of_eighths(framebuffer))
        } else {
            None
        }
    }

    fn of_half_cells(framebuffer: &Framebuffer) -> Self {
        let cell = |x, y| Cell::Halves(framebuffer.is_lit(x, 2 * y), framebuffer.is_lit(x, 2 * y + 1));
        Self { cells: (0..HEIGHT / 2).map(|y| (0..WIDTH).map(|x| cell(x, y)).collect()).collect() }
    }

    /// A QR code of the panel begins at an odd pixel, for its size is odd and a module is two pixels: one pixel to the
    /// right and down, each module is exactly half a cell, and a phone reads it.
    fn of_eighths(framebuffer: &Framebuffer) -> Self {
        let ground_is_lit = framebuffer.is_mostly_lit();
        let is_lit = |x: u32, y: u32| match (x.checked_sub(1), y.checked_sub(1)) {
            (Some(x), Some(y)) if x < WIDTH && y < HEIGHT => framebuffer.is_lit(x, y),
            _ => ground_is_lit,
        };
        let cell = |column: u32, row: u32| {
            let (x, y) = (2 * column, 4 * row);
            let half = |y| [is_lit(x, y), is_lit(x + 1, y), is_lit(x, y + 1), is_lit(x + 1, y + 1)];
            let (upper, lower) = (half(y), half(y + 2));
            if upper == [upper[0]; 4] && lower == [lower[0]; 4] {
                return Cell::Halves(upper[0], lower[0]);
            }
            // Unicode counts the dots of the left column, then of the right, then those of the fourth row.
            let dots = [upper[0], upper[2], lower[0], upper[1], upper[3], lower[1], lower[2], lower[3]];
            let lit = dots.iter().rev().fold(0, |bits, lit| bits << 1 | u8::from(*lit));
            let ground_is_lit = match lit.count_ones() {
                4 => ground_is_lit,
                count => count > 4,
            };
            Cell::Dots { lit, ground_is_lit }
        };
        Self {
            cells: (0..=HEIGHT / 4)
                .map(|row| (0..=WIDTH / 2).map(|column| cell(column, row)).collect())
                .collect(),
        }
    }

    /// The lines with the sequences for their colours.
    pub(crate) fn painted(&self, colours: Colours) -> Vec<String> {
        self.cells.iter().map(|row| painted_row(row, colours)).collect()
    }
}

fn painted_row(row: &[Cell], colours: Colours) -> String {
    let mut line = String::new();
    let mut ground = None;
    for cell in row {
        let (ground_is_lit, glyph) = match (cell, colours) {
            (Cell::Halves(upper, lower), Colours::Own) => {
                (false, [[' ', '▄'], ['▀', '█']][usize::from(*upper)][usize::from(*lower)])
            }
            (Cell::Halves(upper, lower), _) if upper == lower => (*upper, ' '),
            (Cell::Halves(_, lower), _) => (*lower, '▀'),
            (Cell::Dots { lit, ground_is_lit: true }, Colours::Sixteen | Colours::Cube) => {
                (true, braille(!lit))
            }
            (Cell::Dots { lit, .. }, _) => (false, braille(*lit)),
        };
        if ground != Some(ground_is_lit) {
            line.push_str(select_graphic_rendition(ground_is_lit, colours));
            ground = Some(ground_is_lit);
        }
        line.push(glyph);
    }
    if colours != Colours::Own {
        line.push_str("\x1b[0m");
    }
    line
}

fn braille(dots: u8) -> char {
    char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ')
}

const fn select_graphic_rendition(ground_is_lit: bool, colours: Colours) -> &'static str {
    match (colours, ground_is_lit) {
        (Colours::Own, _) => "",
        (Colours::Sixteen, true) => "\x1b[30;107m",
        (Colours::Sixteen, false) => "\x1b[97;40m",
        (Colours::Cube, true) => "\x1b[38;5;16;48;5;231m",
        (Colours::Cube, false) => "\x1b[38;5;231;48;5;16m",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use embedded_demo::{Status, View};

    use super::{Cell, Picture};
    use crate::framebuffer::Framebuffer;
    use crate::live_panel::Colours;

    const URI: &str = "https://auth.example.com/device";
    const COMPLETE: &str = "https://auth.example.com/device?user_code=WDJB-MJHT";

    fn panel() -> Framebuffer {
        Framebuffer::showing(&View::Code {
            user_code: "WDJB-MJHT",
            verification_uri: URI,
            verification_uri_complete: Some(COMPLETE),
            time_left: Duration::from_secs(600),
            status: Status::Waiting,
        })
    }

    fn size(columns: u16, rows: u16) -> Option<(usize, usize)> {
        let picture = Picture::in_window(&panel(), columns, rows)?;
        Some((picture.cells[0].len(), picture.cells.len()))
    }

    #[test]
    fn the_panel_is_as_large_as_the_window_allows() {
        assert_eq!(size(128, 34), Some((128, 32)));
        assert_eq!(size(127, 34), Some((65, 17)));
        assert_eq!(size(200, 33), Some((65, 17)));
        assert_eq!(size(80, 24), Some((65, 17)));
        assert_eq!(size(65, 19), Some((65, 17)));
        assert_eq!(size(64, 19), None);
        assert_eq!(size(65, 18), None);
    }

    /// What a phone makes of the cells: each is two pixels high, and a dot of braille is not told from its ground.
    fn scanned(picture: &Picture) -> Option<String> {
        const SCALE: usize = 6;
        let (columns, rows) = (picture.cells[0].len(), picture.cells.len());
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(columns * SCALE, rows * 2 * SCALE, |x, y| {
                let (column, half) = (x / SCALE, y / SCALE);
                let is_lit = match picture.cells[half / 2][column] {
                    Cell::Halves(upper, _) if half % 2 == 0 => upper,
                    Cell::Halves(_, lower) => lower,
                    Cell::Dots { ground_is_lit, .. } => ground_is_lit,
                };
                if is_lit { 255 } else { 0 }
            });
        image.detect_grids().first().map(|grid| grid.decode().unwrap().1)
    }

    #[test]
    fn the_qr_code_is_read_from_the_cells_of_both_sizes() {
        for (columns, rows) in [(128, 34), (80, 24)] {
            let picture = Picture::in_window(&panel(), columns, rows).unwrap();
            assert_eq!(scanned(&picture).as_deref(), Some(COMPLETE), "{columns}x{rows}");
        }
    }

    #[test]
    fn in_the_small_one_no_module_is_dots() {
        let picture = Picture::in_window(&panel(), 80, 24).unwrap();
        let of_the_code = picture.cells.iter().take(16).flat_map(|row| &row[..32]);
        assert!(of_the_code.into_iter().all(|cell| matches!(cell, Cell::Halves(..))));
        assert!(picture.cells.iter().flatten().any(|cell| matches!(cell, Cell::Dots { .. })), "the text is");
    }

    #[test]
    fn without_colours_the_dots_are_what_is_lit() {
        let picture = Picture {
            cells: vec![vec![
                Cell::Halves(true, true),
                Cell::Halves(false, true),
                Cell::Dots { lit: 0b1000_0001, ground_is_lit: false },
            ]],
        };
        assert_eq!(picture.painted(Colours::Own), ["█▄⢁"]);
        let cube = &picture.painted(Colours::Cube)[0];
        assert_eq!(cube, "\x1b[38;5;16;48;5;231m ▀\x1b[38;5;231;48;5;16m⢁\x1b[0m");
    }
}
