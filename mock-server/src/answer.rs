//! What the server decides to send.

use std::time::Duration;

use hyper::body::Bytes;

use crate::misbehaviour::delivery::Delivery;

/// What goes back to the client.
#[derive(Debug)]
pub enum Answer {
    /// An HTTP response.
    Respond(hyper::Response<Bytes>),
    /// No byte of an answer: the connection is to be reset.
    ResetConnection,
    /// An HTTP response that the transport is to mistreat.
    Deliver(hyper::Response<Bytes>, Delivery),
}

/// Marks an answer that says "nothing yet": the listener asks again when something has happened, for so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotYet(pub(crate) Duration);

/// Marks an answer that no journal tells of: who only looks on does nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unrecorded;

/// Marks an answer whose body is to be a stream of the requests after the one of this number.
#[derive(Clone, Debug)]
pub(crate) struct StreamRequests {
    /// Whose; `None` for the server itself.
    pub(crate) tenant: Option<String>,
    pub(crate) since: u64,
    /// Whether to tell, too, that anything else has changed.
    pub(crate) with_changes: bool,
}

/// How long the question may be asked again.
pub(crate) fn not_yet(answer: &Answer) -> Option<Duration> {
    match answer {
        Answer::Respond(response) => response.extensions().get::<NotYet>().map(|not_yet| not_yet.0),
        Answer::ResetConnection | Answer::Deliver(..) => None,
    }
}

/// Whether it is one that no journal tells of.
pub(crate) fn is_unrecorded(answer: &Answer) -> bool {
    matches!(answer, Answer::Respond(response) if response.extensions().get::<Unrecorded>().is_some())
}
