//! The desk that the device stands on: it has its parts, sees what it shows, and lets time pass.

use std::cell::{RefCell, RefMut};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
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
use crate::network::Network;
use crate::nor_flash::{SimulatedFlash, SimulatedRecord};
use crate::text_screen::{TextScreen, safe, say};

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
    text: TextScreen,
    frames: Option<Frames>,
    lamp: Lamp,
    /// Whether anybody sees the lamp.
    lamp_is_seen: bool,
    /// Lines have the board's time in front.
    is_stamped: bool,
    seen: Seen,
    failure: Option<Failure>,
}

/// What a person in front of the device would tell.
#[derive(Default)]
pub(crate) struct Seen {
    /// Every picture, as text.
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
        let face = Face {
            clock: clock.clone(),
            text: TextScreen::default(),
            frames: arguments.frames.as_deref().map(Frames::into_folder).transpose()?,
            lamp,
            lamp_is_seen: arguments.led.is_some(),
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
        self.panel.face().text.clear();
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

    /// Time passes until `moment`; the lamp goes on and off.
    pub(crate) fn wait(&self, moment: Instant) {
        let mut clock = self.clock.clone();
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
        let framebuffer = Framebuffer::showing(view);
        let margin = self.margin(now);
        // Nobody reads any more: the login goes on.
        let _ = self.text.show(&margin, &text);
        self.seen.views.push(text);
        self.lamp.show(view, now);
        if let Some(frames) = &mut self.frames
            && let Err(failure) = frames.write(&framebuffer)
        {
            self.failure = Some(failure);
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let margin = self.margin(self.clock.read());
        say(&format!("{margin}{}", safe(line)))
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
        self.lamp.next_change(now)
    }
}

/// Differs from run to run: the standard library seeds its hash tables with randomness.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
