//! `demo`: a whole device login on this machine, with an authorization server inside.

use std::time::Duration;

use mock_server::MockServer;
use oauth_client::Client;

use crate::device_flow::{DeviceFlow, SignedIn};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::styled_line::Line;
use crate::terminal::Terminal;

const INTERVAL: Duration = Duration::from_secs(1);
const CLIENT_ID: &str = "device";
const SCOPE: &str = "openid profile read";

/// Without a person at the keyboard the server approves after two polls; else it waits for the page, or
/// for the key `a`.
pub(crate) async fn run(is_verbose: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut interruption = Interruption::listen().map_err(|error| no_demo(&error))?;
    let has_person = terminal.capabilities().keys;
    let server = MockServer::builder().interval(INTERVAL).auto_approve(!has_person).start().await;
    let server = server.map_err(|error| no_demo(&error))?;
    let issuer = server.issuer();
    let client = Client::builder(CLIENT_ID).issuer(issuer).resource_origin(issuer).build()?;
    terminal.notice(&format!("This demo runs its own authorization server at {issuer}."));
    if !has_person {
        terminal.say("Nobody is at the keyboard: the server approves by itself, after two polls.");
    }
    let approve = |user_code: &str| {
        // A code that was decided or has expired in the meantime stays what it is.
        let _ = server.approve(user_code);
    };
    let flow = DeviceFlow {
        client: &client,
        scope: SCOPE,
        timeout: None,
        renewals: 0,
        is_json: false,
        is_verbose,
        approve: has_person.then_some(&approve),
    };
    let SignedIn { tokens, .. } = flow.sign_in(terminal, &mut interruption).await?;
    let who =
        client.identity(&tokens).await?.map_or_else(String::new, |who| format!(" as {}", who.display_name()));
    terminal.say_line(&Line::strong(format!("Signed in{who}.")));
    terminal.say("The protected resource, fetched with the token:");
    let resource = client.get_resource(&format!("{issuer}/resource"), &tokens.access_token).await?;
    if resource.status() != 200 {
        let status = resource.status();
        let message = format!("the protected resource answered HTTP {status}");
        return Err(Failure::new(ExitCode::Refused, "invalid_response", message));
    }
    terminal.result(String::from_utf8_lossy(resource.body()).trim_end())?;
    terminal.say("Nothing was stored. With a server of yours:");
    terminal.say("  device-cli login --issuer URL --client-id ID");
    Ok(())
}

fn no_demo(error: &std::io::Error) -> Failure {
    Failure::new(ExitCode::General, "demo", format!("the demo cannot start: {error}"))
}
