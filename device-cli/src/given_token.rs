//! `login --with-token`: a token from elsewhere.

use std::io::{self, Read as _};
use std::thread;

use oauth_client::token_store::UnixTime;
use oauth_client::{AccessTokenResponse, HttpResponse, Secret};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::device_flow::SignedIn;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::secret_entry;
use crate::terminal::Terminal;

/// Longer than any token.
const MOST_BYTES: usize = 1024 * 1024;

const PROMPT: &str = "Paste the token, then Enter; it is not shown: ";

/// Reads it from standard input: where a person sits there, without showing it. Nothing but the server knows whether
/// it works.
pub(crate) async fn read(
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<SignedIn, Failure> {
    let given = if terminal.capabilities().keys {
        secret_entry::read(PROMPT, MOST_BYTES, terminal, interruption).await?
    } else {
        // Ctrl-C ends the program at the other end of the pipe too: its end is not what happened.
        tokio::select! {
            biased;
            code = interruption.next() => return Err(Failure::interrupted(code)),
            given = from_standard_input() => given?,
        }
    };
    let Some(given) = given else {
        return Err(Failure::usage("no token came on standard input: device-cli login --with-token < FILE"));
    };
    let given = given.expose().trim();
    let json = if given.starts_with('{') {
        Zeroizing::new(given.to_owned())
    } else if given.contains(char::is_whitespace) {
        return Err(Failure::usage(
            "what came on standard input is several words, and a token is one (RFC 6750 section 2.1)",
        ));
    } else {
        // What cannot stand in a JSON text is no token either.
        Zeroizing::new(serde_json::json!({ "access_token": given, "token_type": "Bearer" }).to_string())
    };
    let response = HttpResponse::new(200, [("content-type", "application/json")], json.as_bytes());
    let tokens = AccessTokenResponse::process_response(&response).map_err(|error| {
        Failure::usage(format!(
            "what came on standard input is neither a token nor a token endpoint's JSON: {error}"
        ))
    })?;
    Ok(SignedIn { tokens: Box::new(tokens), requested_at: UnixTime::now() })
}

/// On a thread of its own, which a signal need not wait for.
async fn from_standard_input() -> Result<Option<Secret>, Failure> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let mut given = Zeroizing::new(String::with_capacity(MOST_BYTES));
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let result = io::stdin().lock().take(most).read_to_string(&mut given);
        let _ = sender.send(result.map(|_| given));
    });
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("the token cannot be read from standard input: {error}"))
    };
    let given = receiver.await.map_err(|error| cannot(&error))?.map_err(|error| cannot(&error))?;
    Ok((!given.trim().is_empty()).then(|| Secret::from(given.as_str())))
}
