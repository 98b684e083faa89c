//! A device login from codes to token, with every event shown.
//!
//! ```sh
//! cargo run -p mock-server -- --port 8080
//! cargo run -p oauth-client --example device_login -- http://127.0.0.1:8080 device
//! ```
#![allow(clippy::disallowed_methods, reason = "an example is an application")]
#![allow(clippy::print_stdout)] // An example may talk.

use oauth_client::{Client, DeviceLoginEvent, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let client_id = arguments.next().unwrap_or_else(|| "device".into());

    let client = Client::builder(client_id).issuer(issuer).build()?;
    let mut login = client.device_login("openid profile").await?;
    while let Some(event) = login.next_event().await {
        match event {
            DeviceLoginEvent::DeviceCodeIssued { user_code, verification_uri, .. } => {
                println!("Visit {verification_uri} and enter {user_code}");
            }
            DeviceLoginEvent::Pending { next_poll_in, .. } => {
                println!("waiting, next poll in {} s", next_poll_in.as_secs());
            }
            DeviceLoginEvent::SlowDown { interval } => println!("slower: every {} s", interval.as_secs()),
            DeviceLoginEvent::Retrying { cause, .. } => println!("trying again: {cause}"),
            DeviceLoginEvent::Authorized(tokens) => {
                let identity = client.identity(&tokens).await?;
                let who = identity.map_or("somebody".into(), |identity| identity.display_name().to_string());
                println!("signed in as {who}");
            }
            DeviceLoginEvent::Failed(error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
