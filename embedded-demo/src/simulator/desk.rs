//! The desk that the device stands on: it has its parts, sees what it shows, and lets time pass.

use std::cell::{RefCell, RefMut};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::{Client, Clock as _, Device, Progress, Screen, View};
use oauth_protocol::{Error, Instant};

use crate::arguments::Arguments;
use crate::board_clock::BoardClock;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::framebuffer::Framebuffer;
use crate::frames::Frames;
use crate::lamp::Lamp;
use crate::live_panel::LivePanel;
use crate::network::Network;
use crate::nor_flash::{SimulatedFlash, SimulatedRecord};
use crate::sounds::Sounds;
use crate::text_screen::{TextScreen, safe, say};

/// How often a live panel looks at its window.
const NAP: Duration = Duration::from_millis(200);

/// The device, on this board.
pub(crate) type SimulatedDevice = Device<Network, BoardClock, Panel, SimulatedRecord>;

pub(crate) struct Desk {
    pub(crate) clock: BoardClock,
    pub(crate) network: Network,
    panel: Panel,
}

/// What the device shows itself on, seen from both sides.
#[derive(Clone)]
pub(crate) struct Panel(Rc<RefCell<Face>>);

struct Face {
    clock: BoardClock,
    display: Display,
    sounds: Option<Sounds>,
    frames: Option<Frames>,
    lamp: Lamp,
    /// Whether anybody sees the lamp.
    lamp_is_seen: bool,
    /// Lines have the board's time in front.
    is_stamped: bool,
    seen: Seen,
    failure: Option<Failure>,
}

/// Where the panel is to be seen.
enum Display {
    Lines(TextScreen),
    Live(LivePanel),
}

/// What a person in front of the device would tell.
#[derive(Default)]
pub(crate) struct Seen {
    /// Every picture of a scenario, as text.
    pub(crate) views: Vec<String>,
    pub(crate) user_code: Option<String>,
    /// Why the login ended.
    pub(crate) error: Option<Error>,
}

impl Desk {
    pub(crate) fn new(
        arguments: &Arguments,
        clock: BoardClock,
        network: Network,
        is_stamped: bool,
    ) -> Result<Self, Failure> {
        let lamp = arguments.led.as_deref().map_or_else(|| Ok(Lamp::new()), Lamp::logged_to)?;
        // What goes on in one moment, and lines in between, are nothing for a live panel.
        let is_lines = arguments.text
            || arguments.led.as_deref() == Some(Path::new("-"))
            || (is_stamped && arguments.speed.is_none());
        let live = if is_lines { None } else { LivePanel::detect() };
        let face = Face {
            clock: clock.clone(),
            lamp_is_seen: arguments.led.is_some() || live.is_some(),
            display: live.map_or_else(|| Display::Lines(TextScreen::default()), Display::Live),
            sounds: arguments.sound.as_deref().map(Sounds::into_folder).transpose()?,
            frames: arguments.frames.as_deref().map(Frames::into_folder).transpose()?,
            lamp,
            is_stamped,
            seen: Seen::default(),
            failure: None,
        };
        Ok(Self { clock, network, panel: Panel(Rc::new(RefCell::new(face))) })
    }

    /// A device with this flash, whose power comes on.
    pub(crate) fn power_on(
        &self,
        client: &Client,
        flash: SimulatedFlash,
    ) -> Result<SimulatedDevice, Failure> {
        let record =
            flash.into_record().map_err(|error| Failure::new(ExitCode::General, error.to_string()))?;
        if let Display::Lines(text) = &mut self.panel.face().display {
            text.clear();
        }
        let (network, clock, panel) = (self.network.clone(), self.clock.clone(), self.panel.clone());
        Ok(Device::new(client.clone(), network, clock, panel, record, seed()))
    }

    /// A line beside what the device shows.
    pub(crate) fn say(&self, line: &str) -> Result<(), Failure> {
        self.panel.face().say(line).map_err(|error| Failure::output(&error))
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> RefMut<'_, Seen> {
        RefMut::map(self.panel.face(), |face| &mut face.seen)
    }

    /// Polls until there is nothing to do before a moment that lies ahead.
    pub(crate) fn until_it_waits(&self, device: &mut SimulatedDevice) -> Result<Progress, Failure> {
        loop {
            let progress = device.poll();
            if let Some(failure) = self.panel.face().failure.take() {
                return Err(failure);
            }
            match progress {
                Progress::WaitUntil(moment) if moment <= self.clock.read() => {}
                progress => return Ok(progress),
            }
        }
    }

    /// The device lives until it is signed in, or the login has ended.
    pub(crate) fn until_the_end(&self, device: &mut SimulatedDevice) -> Result<Progress, Failure> {
        loop {
            match self.until_it_waits(device)? {
                Progress::WaitUntil(moment) => self.wait(moment),
                progress => return Ok(progress),
            }
        }
    }

    /// The device lives until this moment, whatever becomes of it.
    pub(crate) fn live_until(&self, device: &mut SimulatedDevice, end: Instant) -> Result<(), Failure> {
        while self.clock.read() < end {
            let next = match self.until_it_waits(device)? {
                Progress::WaitUntil(moment) | Progress::SignedIn(Some(moment)) => moment.min(end),
                Progress::SignedIn(None) | Progress::Ended => end,
            };
            self.wait(next);
        }
        Ok(())
    }

    /// The same for so long.
    pub(crate) fn live_for(&self, device: &mut SimulatedDevice, time: Duration) -> Result<(), Failure> {
        self.live_until(device, self.clock.read().saturating_add(time))
    }

    /// Time passes until `moment`, or for a second where the time left is seen; the lamp goes on and off.
    pub(crate) fn wait(&self, moment: Instant) {
        let mut clock = self.clock.clone();
        let moment = match self.panel.face().display {
            Display::Live(_) => {
                moment.min(clock.now().saturating_add(clock.in_real_time(Duration::from_secs(1))))
            }
            Display::Lines(_) => moment,
        };
        loop {
            let now = clock.now();
            let due = self.panel.face().tick(now);
            if now >= moment {
                return;
            }
            clock.sleep_until(due.map_or(moment, |due| due.min(moment)));
        }
    }
}

impl Panel {
    /// Nobody else holds it: what is called while it is held calls nothing of the device.
    fn face(&self) -> RefMut<'_, Face> {
        self.0.borrow_mut()
    }
}

impl Screen for Panel {
    fn show(&mut self, view: &View<'_>) {
        self.face().show(view);
    }
}

impl Face {
    fn show(&mut self, view: &View<'_>) {
        let now = self.clock.read();
        let text = view.to_string();
        match view {
            View::Code { user_code, .. } => self.seen.user_code = Some((*user_code).to_owned()),
            View::Failed(error) => self.seen.error = Some((*error).clone()),
            _ => {}
        }
        self.lamp.show(view, now);
        let framebuffer = Framebuffer::showing(view);
        if let Some(frames) = &mut self.frames
            && let Err(failure) = frames.write(&framebuffer)
        {
            self.failure = Some(failure);
        }
        if let Some(sounds) = &mut self.sounds
            && let Err(failure) = sounds.show(view)
        {
            self.failure = Some(failure);
        }
        let margin = self.margin(now);
        // Nobody looks any more: the login goes on.
        let _ = match &mut self.display {
            Display::Lines(lines) => lines.show(&margin, &text),
            Display::Live(panel) => panel.show(framebuffer, &text),
        };
        if self.is_stamped {
            self.seen.views.push(text);
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{}{}", self.margin(self.clock.read()), safe(line));
        match &mut self.display {
            Display::Lines(_) => say(&line),
            Display::Live(panel) => panel.say(line),
        }
    }

    fn margin(&self, now: Instant) -> String {
        if !self.is_stamped {
            return String::new();
        }
        let millis = now.as_millis();
        format!("{:>6}.{} s  ", millis / 1000, millis % 1000 / 100)
    }

    /// Does what is due, and says when the next thing is.
    fn tick(&mut self, now: Instant) -> Option<Instant> {
        if !self.lamp_is_seen {
            return None;
        }
        self.lamp.tick(now);
        if let Some(error) = self.lamp.take_failure() {
            let message = format!("the log of the lamp (--led) cannot be written: {error}");
            self.failure = Some(Failure::new(ExitCode::FilesUnavailable, message));
        }
        let next = self.lamp.next_change(now);
        let Display::Live(panel) = &mut self.display else { return next };
        let _ = panel.tick(self.lamp.is_lit());
        // The window may have another size by then.
        let soon = now.saturating_add(self.clock.in_real_time(NAP));
        Some(next.map_or(soon, |next| next.min(soon)))
    }
}

/// Differs from run to run: the standard library seeds its hash tables with randomness.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
