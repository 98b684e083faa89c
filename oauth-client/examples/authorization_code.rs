//! A login with a browser on this machine: authorization code, PKCE, loopback redirect.
//!
//! ```sh
//! cargo run -p mock-server -- --port 8080
//! cargo run -p oauth-client --example authorization_code -- http://127.0.0.1:8080 native
//! ```
#![allow(clippy::disallowed_methods, reason = "an example is an application")]
#![allow(clippy::print_stdout)] // An example may talk.

use oauth_client::{Client, Error, Loopback};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let client_id = arguments.next().unwrap_or_else(|| "native".into());

    let client = Client::builder(client_id).issuer(issuer).build()?;
    let login = client.loopback_login("openid profile", &Loopback::default()).await?;
    println!("Open {}", login.authorization_url());
    let tokens = login.wait().await?;
    println!("signed in; the token is valid for {:?}", tokens.expires_in);

    if let Some(refresh_token) = &tokens.refresh_token {
        let fresh = client.refresh(refresh_token).await?;
        println!("refreshed; the new one is valid for {:?}", fresh.expires_in);
    }
    Ok(())
}
