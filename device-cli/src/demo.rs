//! `demo`: a whole device login on this machine.

use std::time::Duration;

use mock_server::MockServer;
use oauth_client::{Client, DeviceLoginEvent};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::terminal::Terminal;

const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn run(terminal: &mut Terminal) -> Result<(), Failure> {
    let server = MockServer::builder().interval(INTERVAL).auto_approve(true).start().await?;
    let issuer = server.issuer();
    let client = Client::builder("device").issuer(issuer).resource_origin(issuer).build()?;
    let mut login = client.device_login("read").await?;
    terminal.say(&format!("Using a browser on another device, visit: {}", login.verification_uri()));
    terminal.say(&format!("And enter the code: {}", login.user_code()));
    let tokens = loop {
        match login.next_event().await {
            Some(DeviceLoginEvent::Authorized(tokens)) => break tokens,
            Some(DeviceLoginEvent::Failed(error)) => return Err(error.into()),
            Some(_) => {}
            None => return Err(Failure::new(ExitCode::General, "the login ended without a result")),
        }
    };
    let resource = client.get_resource(&format!("{issuer}/resource"), &tokens.access_token).await?;
    let body = String::from_utf8_lossy(resource.body()).into_owned();
    if resource.status() != 200 {
        let status = resource.status();
        return Err(Failure::new(ExitCode::Refused, format!("the resource answered HTTP {status}")));
    }
    terminal.result(body.trim_end())?;
    Ok(())
}
