//! Pictures of the panel, as PNG.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use embedded_demo::output::panel::{HEIGHT, WIDTH};

use crate::failure::Failure;
use crate::framebuffer::Framebuffer;

/// A pixel of the panel is so many wide and high: a picture that fills a window, and that a scanner reads.
const SCALE: u32 = 4;

/// A folder of numbered pictures; those of an earlier run are overwritten.
pub(crate) struct Frames {
    folder: PathBuf,
    count: usize,
    last: Framebuffer,
}

impl Frames {
    pub(crate) fn into_folder(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::file("the folder of pictures (--frames)", folder, &error))?;
        Ok(Self { folder: folder.to_owned(), count: 0, last: Framebuffer::dark() })
    }

    /// Writes the picture, unless it is the one before.
    pub(crate) fn write(&mut self, framebuffer: &Framebuffer) -> Result<(), Failure> {
        if *framebuffer == self.last {
            return Ok(());
        }
        self.count += 1;
        let path = self.folder.join(format!("{:04}.png", self.count));
        write_png(&path, framebuffer)
            .map_err(|error| Failure::file("the picture (--frames)", &path, &error))?;
        self.last = framebuffer.clone();
        Ok(())
    }
}

fn write_png(path: &Path, framebuffer: &Framebuffer) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(&mut file, WIDTH * SCALE, HEIGHT * SCALE);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    let row = |y| (0..WIDTH * SCALE / 8).map(move |byte| packed(framebuffer, byte * 8, y));
    let rows: Vec<u8> = (0..HEIGHT * SCALE).flat_map(row).collect();
    writer.write_image_data(&rows)?;
    writer.finish()?;
    file.flush()
}

/// Eight pixels of the picture, the leftmost in the highest bit.
fn packed(framebuffer: &Framebuffer, x: u32, y: u32) -> u8 {
    (0..8).fold(0, |byte, bit| byte << 1 | u8::from(framebuffer.is_lit((x + bit) / SCALE, y / SCALE)))
}
