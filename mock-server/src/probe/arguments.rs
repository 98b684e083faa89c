//! The command line of `mock-server probe`.

use std::path::PathBuf;

use clap::Parser;

/// Run the checklist against an authorization server, over HTTP and from outside.
///
/// Every line says pass, FAIL (the server misses a MUST), warn (a SHOULD) or skip, with the reason. A mock-server needs no
/// flags: its ready-made clients and its control interface are used, and its clock is moved. Any other server needs a
/// client that is registered there, and for the lines about a decision somebody who decides.
#[derive(Debug, Parser)]
#[command(name = "mock-server probe", bin_name = "mock-server probe", version, after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The issuer: its metadata is read from both well-known paths
    #[arg(value_name = "URL", required_unless_present = "list")]
    pub(super) url: Option<String>,
    /// Client of the device grant; public unless it has a secret
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// File with its secret
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub(super) client_secret_file: Option<PathBuf>,
    /// A second client of the device grant, which must not get what the first one asked for
    #[arg(long, value_name = "ID")]
    pub(super) other_client_id: Option<String>,
    /// File with its secret
    #[arg(long, value_name = "FILE", requires = "other_client_id")]
    pub(super) other_client_secret_file: Option<PathBuf>,
    /// Client of the authorization code grant, where it is not that of --client-id
    #[arg(long, value_name = "ID", requires = "redirect_uri")]
    pub(super) code_client_id: Option<String>,
    /// File with its secret
    #[arg(long, value_name = "FILE", requires = "code_client_id")]
    pub(super) code_client_secret_file: Option<PathBuf>,
    /// Registered redirect URI of that client; nothing needs to listen there
    #[arg(long, value_name = "URI")]
    pub(super) redirect_uri: Option<String>,
    /// Client with a secret, for client credentials, introspection and all that is about secrets
    #[arg(long, value_name = "ID")]
    pub(super) confidential_client_id: Option<String>,
    /// File with its secret
    #[arg(long, value_name = "FILE", requires = "confidential_client_id")]
    pub(super) confidential_client_secret_file: Option<PathBuf>,
    /// Scope to ask for; with two or more, narrowing is looked at too
    #[arg(long, value_name = "SCOPE")]
    pub(super) scope: Option<String>,
    /// A resource that takes access tokens, where it is not the metadata's `userinfo_endpoint`
    #[arg(long, value_name = "URL")]
    pub(super) resource: Option<String>,
    /// Where the metadata does not name it
    #[arg(long, value_name = "URL")]
    pub(super) device_authorization_endpoint: Option<String>,
    /// Where the metadata does not name it
    #[arg(long, value_name = "URL")]
    pub(super) token_endpoint: Option<String>,
    /// Where the metadata does not name it
    #[arg(long, value_name = "URL")]
    pub(super) authorization_endpoint: Option<String>,
    /// Where the metadata does not name it
    #[arg(long, value_name = "URL")]
    pub(super) revocation_endpoint: Option<String>,
    /// Where the metadata does not name it
    #[arg(long, value_name = "URL")]
    pub(super) introspection_endpoint: Option<String>,
    /// Shell command that approves as a person does
    #[arg(long, value_name = "CMD")]
    pub(super) approve: Option<String>,
    /// Shell command that denies as a person does
    #[arg(long, value_name = "CMD")]
    pub(super) deny: Option<String>,
    /// How long a single wait may be; what takes longer, such as the expiry of a code, is skipped
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(super) patience: u64,
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Write a report to a file, as JSON or as JUnit's XML; may be repeated
    #[arg(long, value_name = "json:FILE|junit:FILE", value_parser = report_file)]
    pub(super) report: Vec<ReportFile>,
    /// Look at these checks alone, by name
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Say what the checks are, and end
    #[arg(long)]
    pub(super) list: bool,
}

const AFTER_HELP: &str = "\
Secrets may also come in the variables MOCK_SERVER_PROBE_CLIENT_SECRET, MOCK_SERVER_PROBE_OTHER_CLIENT_SECRET,
MOCK_SERVER_PROBE_CODE_CLIENT_SECRET and MOCK_SERVER_PROBE_CONFIDENTIAL_CLIENT_SECRET.

The commands of --approve and --deny are run by sh, one at a time and several times each. For a device login they find
USER_CODE, VERIFICATION_URI and, if the server sent it, VERIFICATION_URI_COMPLETE in their environment. For an
authorization code they find AUTHORIZATION_URL and REDIRECT_URI, and print as last line the URL on which the browser
ended: the redirect URI with its code or error.

Exit code: 0 all that was looked at is met or warned of, 1 a MUST is missed, 2 the probe could not be run.";

/// Where a report goes.
#[derive(Clone, Debug)]
pub(super) enum ReportFile {
    Json(PathBuf),
    Junit(PathBuf),
}

fn report_file(argument: &str) -> Result<ReportFile, String> {
    match argument.split_once(':') {
        Some(("json", file)) if !file.is_empty() => Ok(ReportFile::Json(file.into())),
        Some(("junit", file)) if !file.is_empty() => Ok(ReportFile::Junit(file.into())),
        _ => Err("expected json:FILE or junit:FILE".to_owned()),
    }
}
