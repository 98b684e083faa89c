//! A server that answers as it should, but for one stage of a device's life, in bytes on a wire.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::Transport;
use embedded_demo::http1::{DEFAULT_MAX_BODY_BYTES, exchange};
use embedded_io::{ErrorKind, ErrorType, Read, Write};
use oauth_protocol::{HttpRequest, HttpResponse, TransportFailure};

use crate::board::VirtualClock;

/// What a device asks for in the course of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Codes,
    Token,
    Refresh,
    Call,
}

pub(super) const STAGES: [Stage; 4] = [Stage::Codes, Stage::Token, Stage::Refresh, Stage::Call];

/// What comes in place of an answer.
#[derive(Clone, Debug)]
pub(super) enum Wire {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// Nothing, and the connection stays open.
    Silence,
    /// A good beginning, then a byte every five seconds, for ever.
    Drip,
}

#[derive(Clone)]
pub(super) struct Server {
    clock: VirtualClock,
    plan: Rc<RefCell<Plan>>,
}

struct Plan {
    bad_stage: Stage,
    bad: Wire,
    times: usize,
    /// Of all requests.
    stages: Vec<Stage>,
    authorization: String,
    access_token: String,
}

impl Server {
    /// At `stage` it goes wrong so many times.
    pub(super) fn new(clock: &VirtualClock, bad_stage: Stage, bad: Wire, times: usize) -> Self {
        let plan = Plan {
            bad_stage,
            bad,
            times,
            stages: Vec::new(),
            authorization: String::new(),
            access_token: "hidden-1".to_owned(),
        };
        Self { clock: clock.clone(), plan: Rc::new(RefCell::new(plan)) }
    }

    pub(super) fn good(clock: &VirtualClock) -> Self {
        Self::new(clock, Stage::Codes, Wire::Silence, 0)
    }

    /// From now on it is well.
    pub(super) fn recover(&self) {
        self.plan.borrow_mut().times = 0;
    }

    pub(super) fn give_out(&self, access_token: &str) {
        access_token.clone_into(&mut self.plan.borrow_mut().access_token);
    }

    pub(super) fn requests(&self, stage: Stage) -> usize {
        self.plan.borrow().stages.iter().filter(|of| **of == stage).count()
    }

    pub(super) fn authorization(&self) -> String {
        self.plan.borrow().authorization.clone()
    }
}

impl Transport for Server {
    fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportFailure> {
        let stage = if request.url().path_and_query() == "/device-authorization" {
            Stage::Codes
        } else if request.body().contains("device_code=") {
            Stage::Token
        } else if request.body().contains("refresh_token=") {
            Stage::Refresh
        } else {
            Stage::Call
        };
        let mut plan = self.plan.borrow_mut();
        plan.stages.push(stage);
        let header = request.headers().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        plan.authorization = header.map(|(_, value)| value.to_owned()).unwrap_or_default();
        let wire = if stage == plan.bad_stage && plan.times > 0 {
            plan.times -= 1;
            plan.bad.clone()
        } else {
            Wire::Bytes(answer(&good_body(stage, &plan.access_token)))
        };
        let (bytes, is_open, is_slow) = match wire {
            Wire::Bytes(bytes) => (bytes, false, false),
            Wire::Silence => (Vec::new(), true, false),
            Wire::Drip => ([b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 9_000]].concat(), true, true),
        };
        self.clock.pass(Duration::from_millis(100));
        let mut connection = Connection {
            clock: self.clock.clone(),
            bytes,
            is_open,
            is_slow,
            deadline: self.clock.millis() + u64::try_from(request.timeout().as_millis()).unwrap(),
        };
        exchange(&mut connection, request, DEFAULT_MAX_BODY_BYTES)
    }
}

/// The answer of a server that is well.
pub(super) fn good(stage: Stage) -> Vec<u8> {
    answer(&good_body(stage, "hidden-1"))
}

/// A body in its answer, with its length.
pub(super) fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn good_body(stage: Stage, access_token: &str) -> String {
    match stage {
        Stage::Codes => concat!(
            r#"{"device_code":"hidden-code","user_code":"WDJB-MJHT","#,
            r#""verification_uri":"https://auth.example.com/device","expires_in":600,"interval":5}"#
        )
        .to_owned(),
        Stage::Token | Stage::Refresh => format!(
            r#"{{"access_token":"{access_token}","token_type":"Bearer","expires_in":3600,"refresh_token":"hidden-refresh"}}"#
        ),
        Stage::Call => r#"{"kwh":7}"#.to_owned(),
    }
}

struct Connection {
    clock: VirtualClock,
    bytes: Vec<u8>,
    is_open: bool,
    is_slow: bool,
    /// In milliseconds.
    deadline: u64,
}

impl ErrorType for Connection {
    type Error = ErrorKind;
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        if self.is_slow {
            self.clock.pass(Duration::from_secs(5));
        }
        if self.bytes.is_empty() && self.is_open {
            self.clock.pass(Duration::from_millis(self.deadline.saturating_sub(self.clock.millis())));
        }
        if self.clock.millis() >= self.deadline {
            return Err(ErrorKind::TimedOut);
        }
        let most = if self.is_slow { 1 } else { buffer.len() };
        let count = self.bytes.len().min(most);
        for (to, from) in buffer.iter_mut().zip(self.bytes.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
