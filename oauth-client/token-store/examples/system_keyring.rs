//! Keeps a login in files that a key from the system's keyring seals:
//! `system_keyring choose DIRECTORY` says whether that is the store to have here; then `system_keyring save
//! DIRECTORY`, and in another process `system_keyring load DIRECTORY`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example may talk")]

use std::process::ExitCode;

use oauth_protocol::{AccessTokenResponse, HttpResponse, Scope};
use oauth_token_store::{
    RefreshPoint, SealedFileStore, SystemKeyring, TokenKey, TokenRecord, TokenStore as _, UnixTime,
    automatic_store, save_login,
};

#[expect(clippy::disallowed_methods, reason = "the application has a command line")]
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [command, directory] = arguments.as_slice() else {
        eprintln!("system_keyring choose|save|load DIRECTORY");
        return ExitCode::from(2);
    };
    match run(command, directory) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, directory: &str) -> Result<String, Box<dyn std::error::Error>> {
    let keyring = SystemKeyring::new("oauth-token-store-example");
    if command == "choose" {
        return Ok(automatic_store(directory, &keyring)?.describe().name.to_owned());
    }
    let store = SealedFileStore::new(directory, keyring);
    let key = TokenKey::new("https://auth.example.com", "example", "me");
    if command == "save" {
        // Before the person is sent away: a keyring that is locked or not there shows now.
        store.prepare()?;
        let answer = br#"{"access_token":"kept","token_type":"Bearer"}"#;
        let response = HttpResponse::new(200, [("content-type", "application/json")], &answer[..]);
        let response = AccessTokenResponse::process_response(&response)?;
        let scope = Scope::parse("");
        let record = TokenRecord::new(key, &response, &scope, UnixTime::now(), RefreshPoint::draw());
        return Ok(format!("saved generation {}", save_login(&store, &record)?.generation));
    }
    Ok(match store.load(&key)? {
        Some(record) => format!("loaded generation {}", record.generation),
        None => "nobody is signed in".to_owned(),
    })
}
