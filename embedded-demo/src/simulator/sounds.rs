//! What the device says, as WAV files.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use embedded_demo::output::speech::Narrator;
use embedded_demo::output::wav;
use embedded_demo::{Screen as _, Speaker, View};

use crate::failure::Failure;

/// A folder of numbered sounds, one for each time that the device speaks; those of an earlier run are overwritten.
pub(crate) struct Sounds {
    folder: PathBuf,
    count: usize,
    narrator: Narrator<Recorder>,
    recorder: Recorder,
}

/// A loudspeaker that keeps what it is given.
#[derive(Clone, Debug, Default)]
struct Recorder(Rc<RefCell<Vec<u8>>>);

impl Speaker for Recorder {
    fn play(&mut self, samples: &[u8]) {
        self.0.borrow_mut().extend_from_slice(samples);
    }
}

impl Sounds {
    pub(crate) fn into_folder(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::file("the folder of sounds (--sound)", folder, &error))?;
        let recorder = Recorder::default();
        let narrator = Narrator::new(recorder.clone());
        Ok(Self { folder: folder.to_owned(), count: 0, narrator, recorder })
    }

    /// Writes what is said of the picture, if anything is.
    pub(crate) fn show(&mut self, view: &View<'_>) -> Result<(), Failure> {
        self.narrator.show(view);
        let samples = self.recorder.0.take();
        if samples.is_empty() {
            return Ok(());
        }
        self.count += 1;
        let path = self.folder.join(format!("{:04}.wav", self.count));
        fs::write(&path, wav::from_ulaw(&samples))
            .map_err(|error| Failure::file("the sound (--sound)", &path, &error))
    }
}
