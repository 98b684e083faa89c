//! How the program says that it is ready: the port file, the file of the certificate authority, a line on stdout.

use std::io::{self, Write as _};
use std::path::Path;

use mock_server::MockServer;
use serde_json::{Map, Value};

/// Whoever waits for a file reads it whole or not at all; the line comes when the files are there.
pub(crate) fn announce(
    server: &MockServer,
    port_file: Option<&Path>,
    ca_file: Option<&Path>,
) -> io::Result<()> {
    let mut ready = Map::new();
    ready.insert("event".to_owned(), "ready".into());
    ready.insert("issuer".to_owned(), server.issuer().into());
    ready.insert("port".to_owned(), server.port().into());
    if let Some(file) = port_file {
        write_whole(file, &format!("{}\n", server.port()), "the port")?;
    }
    if let Some(pem) = server.ca_certificate_pem() {
        if let Some(file) = ca_file {
            write_whole(file, &pem, "the certificate of the authority")?;
            ready.insert("ca_file".to_owned(), file.to_string_lossy().into());
        }
        ready.insert("ca_certificate".to_owned(), pem.into());
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", Value::Object(ready))?;
    stdout.flush()
}

fn write_whole(file: &Path, content: &str, what: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    std::fs::write(&beside, content).and_then(|()| std::fs::rename(&beside, file)).map_err(|error| {
        // It may not be there at all.
        let _ = std::fs::remove_file(&beside);
        io::Error::new(error.kind(), format!("cannot write {what} to {}: {error}", file.display()))
    })
}
