//! kubectl's exec plugins (`client.authentication.k8s.io`): one object `ExecCredential`.

use oauth_client::token_store::UnixTime;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::token;
use crate::arguments::KubectlArguments;
use crate::environment::variable;
use crate::failure::Failure;
use crate::terminal::Terminal;

const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo {
    api_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    api_version: &'a str,
    kind: &'static str,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
}

pub(super) fn run(
    arguments: &KubectlArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let api_version = api_version(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    let token = token(profile, terminal)?;
    let status = if arguments.id_token {
        // It has an end of its own: kubectl asks again when the cluster refuses it.
        Status { token: token.id_token()?.expose(), expiration_timestamp: None }
    } else {
        let expiration_timestamp = token.expires_at().and_then(rfc_3339);
        Status { token: token.secret().expose(), expiration_timestamp }
    };
    let credential = ExecCredential { api_version, kind: "ExecCredential", status };
    // Strings: this cannot fail.
    Ok(terminal.result(&serde_json::to_string(&credential).unwrap_or_default())?)
}

/// The version that kubectl asks for, which the answer must have too.
fn api_version(exec_info: Option<&str>) -> Result<&'static str, Failure> {
    let Some(exec_info) = exec_info else { return Ok(VERSIONS[0]) };
    let asked: ExecInfo = serde_json::from_str(exec_info).map_err(|error| {
        Failure::usage(format!("KUBERNETES_EXEC_INFO is not what kubectl writes: {error}"))
    })?;
    VERSIONS.into_iter().find(|version| *version == asked.api_version).ok_or_else(|| {
        Failure::usage(format!(
            "kubectl asks for {}: set the user's exec.apiVersion to {}",
            asked.api_version, VERSIONS[0]
        ))
    })
}

fn rfc_3339(moment: UnixTime) -> Option<String> {
    let seconds = i64::try_from(moment.as_seconds()).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use oauth_client::token_store::UnixTime;

    use super::{api_version, rfc_3339};

    #[test]
    fn the_answer_has_the_version_that_was_asked_for() {
        let info =
            |version: &str| format!(r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{}}}}"#);
        for version in super::VERSIONS {
            assert_eq!(api_version(Some(&info(version))).unwrap(), version);
        }
        assert_eq!(api_version(None).unwrap(), "client.authentication.k8s.io/v1");
        let refused = api_version(Some(&info("client.authentication.k8s.io/v1alpha1"))).unwrap_err();
        assert!(refused.message.contains("exec.apiVersion"), "{}", refused.message);
        assert!(api_version(Some("{")).is_err());
    }

    #[test]
    fn a_moment_is_written_as_kubernetes_reads_it() {
        assert_eq!(rfc_3339(UnixTime::from_seconds(1_700_000_000)).unwrap(), "2023-11-14T22:13:20Z");
    }
}
