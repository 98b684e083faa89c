//! A transport that answers from a list and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use oauth_client::{BoxFuture, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportFailure};
use tokio::sync::Notify;

use crate::virtual_clock::VirtualClock;

/// What comes back from one request.
pub(crate) enum Answer {
    Json(u16, &'static str),
    With(u16, &'static [(&'static str, &'static str)], &'static str),
    Failure(TransportFailure, &'static str),
    /// Only after [`ScriptedTransport::release`].
    Held(u16, &'static str),
}

/// Clones share the list. A request beyond its end is a failure of the test.
#[derive(Clone)]
pub(crate) struct ScriptedTransport {
    clock: VirtualClock,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
    released: Arc<Notify>,
}

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at_millis: u64,
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) authorization: Option<String>,
}

impl ScriptedTransport {
    pub(crate) fn new(clock: &VirtualClock, answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            clock: clock.clone(),
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            sent: Arc::default(),
            released: Arc::default(),
        }
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

impl HttpTransport for ScriptedTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let header =
            |wanted| request.headers().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
        self.sent.lock().unwrap().push(Sent {
            at_millis: self.clock.millis(),
            url: request.url().to_string(),
            body: request.body().to_owned(),
            authorization: header("authorization"),
        });
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            let json = [("content-type", "application/json")];
            match answer {
                Some(Answer::Json(status, body)) => Ok(HttpResponse::new(status, json, body)),
                Some(Answer::With(status, headers, body)) => {
                    Ok(HttpResponse::new(status, headers.iter().copied(), body))
                }
                Some(Answer::Failure(failure, detail)) => Err(TransportError::with_detail(failure, detail)),
                Some(Answer::Held(status, body)) => {
                    self.released.notified().await;
                    Ok(HttpResponse::new(status, json, body))
                }
                None => panic!("a request too many: {request:?}"),
            }
        })
    }
}
