//! What clients do, as server-sent events: one event a request, as it is answered; on demand one for each change.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::{mpsc, watch};

use crate::answer::StreamRequests;
use crate::control::requests_after;
use crate::revision::Revision;
use crate::running_state::{Shared, lock};
use crate::tenant::Tenant;

/// Events on their way; it ends with the server, and with the client.
pub(crate) struct RequestStream(mpsc::Receiver<Bytes>);

impl RequestStream {
    /// Follows the journal that was asked for.
    pub(crate) fn follow(
        shared: &Arc<Mutex<Shared>>,
        start: &StreamRequests,
        mut stopped: watch::Receiver<()>,
    ) -> Self {
        let (send, receive) = mpsc::channel(1);
        let mut changes = lock(shared).changed.subscribe();
        let (mut since, with_changes) = (start.since, start.with_changes);
        let tenant = Tenant::handle(Arc::clone(shared), start.tenant.as_deref());
        tokio::spawn(async move {
            // So that a client knows that it will miss nothing from now on.
            let mut events = String::from(": listening\n\n");
            let mut revision = None;
            loop {
                if !events.is_empty() && send.send(Bytes::from(std::mem::take(&mut events))).await.is_err() {
                    return;
                }
                changes.borrow_and_update();
                let until_expiry = tenant.with(|server, now| {
                    for (number, request) in requests_after(server, since) {
                        since = number;
                        events += "event: request\nid: ";
                        events += &number.to_string();
                        events += "\ndata: ";
                        events += &request.to_string();
                        events += "\n\n";
                    }
                    let last = revision.replace(server.revision);
                    if with_changes && last.is_some_and(|last| last != server.revision) {
                        events += &changed(server.revision);
                    }
                    server.until_next_expiry(now).filter(|_| with_changes)
                });
                if !events.is_empty() {
                    continue;
                }
                let expiry = async {
                    match until_expiry {
                        Some(wait) => tokio::time::sleep(wait).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    news = changes.changed() => if news.is_err() { return },
                    // No request tells of it.
                    () = expiry => events += &changed(revision.unwrap_or_default()),
                    _ = stopped.changed() => return,
                    () = send.closed() => return,
                }
            }
        });
        Self(receive)
    }
}

/// Says that it is time to look again; no `id`, so that a client that comes back goes on after the last request.
fn changed(revision: Revision) -> String {
    format!("event: changed\ndata: {{\"revision\":{}}}\n\n", revision.number())
}

impl Body for RequestStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
