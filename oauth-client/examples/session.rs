//! A program that stays signed in: the first run signs in, the later ones find the login, refreshed by whichever of
//! them comes first. Run several at once, or kill one in the middle.
//!
//! ```sh
//! cargo run -p mock-server -- --port 8080
//! cargo run -p oauth-client --example session -- http://127.0.0.1:8080 device ./tokens
//! cargo run -p oauth-client --example session -- http://127.0.0.1:8080 device ./tokens logout
//! ```
#![allow(clippy::disallowed_methods, reason = "an example is an application")]
#![allow(clippy::print_stdout)] // An example may talk.

use std::error::Error;
use std::sync::Arc;

use oauth_client::token_store::PlainFileStore;
use oauth_client::{Client, ResourceClient, ResourceError, Revocation, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let client_id = arguments.next().unwrap_or_else(|| "device".into());
    // Readable by this user alone, not encrypted. SealedFileStore takes the same place.
    let store = PlainFileStore::new(arguments.next().unwrap_or_else(|| "./tokens".into()));

    let client = Client::builder(client_id).issuer(&issuer).resource_origin(&issuer).build()?;
    let session = Session::open(client, Arc::new(store), "default");
    if arguments.next().as_deref() == Some("logout") {
        return log_out(&session).await;
    }
    let api = session.resource_client()?;
    let answer = match read(&api, &issuer).await {
        Err(error) if error.is_login_needed() => {
            println!("{error}");
            sign_in(&session).await?;
            read(&api, &issuer).await?
        }
        answer => answer?,
    };
    println!("{answer}");
    Ok(())
}

/// The token is refreshed before it expires, and when the API refuses it.
async fn read(api: &ResourceClient, issuer: &str) -> Result<String, ResourceError> {
    let response = api.send(api.http().get(format!("{issuer}/resource"))).await?;
    Ok(format!("HTTP {}: {}", response.status().as_u16(), response.text().await?))
}

async fn sign_in(session: &Session) -> Result<(), Box<dyn Error>> {
    // Before anybody is sent away: tokens that cannot be kept are no use.
    session.prepare().await?;
    let login = session.client().device_login("read offline_access").await?;
    println!("Visit {} and enter {}", login.verification_uri(), login.user_code());
    let record = session.finish_device_login(login).await?;
    let place = session.store().describe();
    println!("signed in for {:?}; {} in {:?}", record.scopes.to_string(), place.name, place.location);
    Ok(())
}

async fn log_out(session: &Session) -> Result<(), Box<dyn Error>> {
    let logout = session.logout().await;
    println!("here: {}", if logout.erased? { "erased" } else { "nobody was signed in" });
    match logout.revoked {
        Revocation::Revoked => println!("at the server: revoked"),
        Revocation::Failed(error) => println!("at the server: not revoked: {error}"),
        Revocation::Unread(error) => {
            println!("at the server: not revoked, since it could not be read: {error}");
        }
        _ => println!("at the server: nothing done"),
    }
    Ok(())
}
