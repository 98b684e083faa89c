//! A service that signs in as itself and calls an API.
//!
//! ```sh
//! cargo run -p mock-server -- --port 8080
//! echo -n service-secret > secret
//! cargo run -p oauth-client --example client_credentials -- http://127.0.0.1:8080 service secret
//! ```
#![allow(clippy::disallowed_methods, reason = "an example is an application")]
#![allow(clippy::print_stdout)] // An example may talk.

use oauth_client::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let client_id = arguments.next().unwrap_or_else(|| "service".into());
    // Never from the command line: every user of the machine can read that.
    let secret = std::fs::read_to_string(arguments.next().unwrap_or_else(|| "secret".into()))?;

    let client = Client::builder(client_id)
        .client_secret(secret.trim_end())
        .issuer(&issuer)
        .resource_origin(&issuer)
        .build()?;
    let tokens = client.client_credentials("read").await?;
    match client.get_resource(&format!("{issuer}/resource"), &tokens.access_token).await {
        Ok(answer) => println!("HTTP {}: {}", answer.status(), String::from_utf8_lossy(answer.body())),
        Err(Error::Unavailable(unavailable)) => println!("try again later: HTTP {}", unavailable.status),
        Err(other) => return Err(other.into()),
    }
    Ok(())
}
