//! A panel of 128x64 pixels, one bit each, as an SSD1306 has them.

use core::convert::Infallible;
use core::fmt::Write;

use embedded_demo::output::panel::{HEIGHT, WIDTH, draw};
use embedded_demo::{Screen, View};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;

const ROW: usize = WIDTH as usize / 8;

/// The memory of a panel.
pub type Pixels = [u8; ROW * HEIGHT as usize];
/// Nothing is lit.
pub const DARK: Pixels = [0; ROW * HEIGHT as usize];

/// The panel. What is on it goes to `log` as text, and the pixels with it while there is a code: the panel
/// is emulated, and somebody has to look at it.
pub struct Panel<W> {
    pixels: &'static mut Pixels,
    log: W,
}

impl<W: Write> Panel<W> {
    /// The panel with this memory.
    pub const fn new(pixels: &'static mut Pixels, log: W) -> Self {
        Self { pixels, log }
    }
}

impl<W: Write> Screen for Panel<W> {
    fn show(&mut self, view: &View<'_>) {
        let Ok(()) = draw(view, self);
        // The log is for who watches, the login goes on without.
        let _ = writeln!(self.log, "{view}");
        if matches!(view, View::Code { .. }) {
            let _ = self.log.write_str("pixels ");
            for byte in self.pixels.iter() {
                let _ = write!(self.log, "{byte:02x}");
            }
            let _ = self.log.write_char('\n');
        }
    }
}

impl<W> OriginDimensions for Panel<W> {
    fn size(&self) -> Size {
        Size::new(WIDTH, HEIGHT)
    }
}

impl<W> DrawTarget for Panel<W> {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            if x / 8 >= ROW {
                continue;
            }
            if let Some(byte) = self.pixels.get_mut(y * ROW + x / 8) {
                let bit = 0x80 >> (x % 8);
                if color.is_on() { *byte |= bit } else { *byte &= !bit }
            }
        }
        Ok(())
    }
}
