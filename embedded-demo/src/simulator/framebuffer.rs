//! The pixels of the panel.

use std::convert::Infallible;

use embedded_demo::View;
use embedded_demo::output::panel::{self, HEIGHT, WIDTH};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;

/// What shines, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Framebuffer(Vec<bool>);

impl Framebuffer {
    /// A panel without power.
    pub(crate) fn dark() -> Self {
        Self(vec![false; (WIDTH * HEIGHT) as usize])
    }

    pub(crate) fn showing(view: &View<'_>) -> Self {
        let mut framebuffer = Self::dark();
        match panel::draw(view, &mut framebuffer) {
            Ok(()) => framebuffer,
            Err(never) => match never {},
        }
    }

    /// Whether the ground is lit, as behind a QR code.
    pub(crate) fn is_mostly_lit(&self) -> bool {
        self.0.iter().filter(|lit| **lit).count() > self.0.len() / 2
    }

    /// What lies outside is dark.
    pub(crate) fn is_lit(&self, x: u32, y: u32) -> bool {
        x < WIDTH && y < HEIGHT && self.0.get((y * WIDTH + x) as usize).is_some_and(|lit| *lit)
    }
}

impl OriginDimensions for Framebuffer {
    fn size(&self) -> Size {
        Size::new(WIDTH, HEIGHT)
    }
}

impl DrawTarget for Framebuffer {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y))
                && x < WIDTH
                && let Some(pixel) = self.0.get_mut((y * WIDTH + x) as usize)
            {
                *pixel = color.is_on();
            }
        }
        Ok(())
    }
}
