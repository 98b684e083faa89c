//! How an answer reaches the client, where it does not simply go out.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

use crate::clock::Timestamp;

/// How the transport mistreats an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole, once the virtual clock shows this.
    Late {
        /// The moment.
        until: Timestamp,
    },
    /// A byte at a time.
    Dripping {
        /// The time between two bytes.
        every: Duration,
    },
    /// Announced whole, and closed in the middle.
    CutOff {
        /// So many bytes of the body come.
        after: usize,
    },
    /// Followed by bytes without end.
    Endless,
    /// Never.
    Never,
}

/// The body of an answer on its way.
pub(crate) enum DeliveredBody {
    Whole(Option<Bytes>),
    Dripping { rest: Bytes, every: Duration, next: Pin<Box<Sleep>> },
    CutOff { part: Option<Bytes>, announced: u64, flushed: bool },
    Endless(Bytes),
}

/// Tells hyper to close the connection in the middle of a body.
#[derive(Debug)]
pub(crate) struct CutOff;

impl std::fmt::Display for CutOff {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the answer is to be cut off")
    }
}

impl std::error::Error for CutOff {}

impl DeliveredBody {
    /// The body of an answer with nothing wrong.
    pub(crate) fn whole(body: Bytes) -> Self {
        Self::Whole(Some(body).filter(|body| !body.is_empty()))
    }

    pub(crate) fn new(body: Bytes, delivery: Delivery) -> Self {
        match delivery {
            Delivery::Late { .. } | Delivery::Never => Self::whole(body),
            Delivery::Dripping { every } => {
                Self::Dripping { rest: body, every, next: Box::pin(tokio::time::sleep(every)) }
            }
            Delivery::CutOff { after } => {
                let announced = body.len() as u64;
                let part = Some(body.slice(..after.min(body.len()))).filter(|part| !part.is_empty());
                Self::CutOff { part, announced, flushed: false }
            }
            Delivery::Endless => Self::Endless(body),
        }
    }
}

impl Body for DeliveredBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        const FILLING: &[u8] = &[b'a'; 8192];
        let data = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        match &mut *self {
            Self::Whole(body) => body.take().map_or(Poll::Ready(None), data),
            Self::Dripping { rest, .. } if rest.is_empty() => Poll::Ready(None),
            Self::Dripping { rest, every, next } => {
                if next.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                *next = Box::pin(tokio::time::sleep(*every));
                data(rest.split_to(1))
            }
            Self::CutOff { part, flushed, .. } => match part.take() {
                Some(part) => data(part),
                // One turn without news, in which what was written goes out.
                None if !*flushed => {
                    *flushed = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(CutOff))),
            },
            Self::Endless(beginning) if !beginning.is_empty() => data(std::mem::take(beginning)),
            Self::Endless(_) => data(Bytes::from_static(FILLING)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Dripping { rest, .. } => rest.is_empty(),
            Self::CutOff { .. } | Self::Endless(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Dripping { rest, .. } => SizeHint::with_exact(rest.len() as u64),
            Self::CutOff { announced, .. } => SizeHint::with_exact(*announced),
            Self::Endless(_) => SizeHint::default(),
        }
    }
}
