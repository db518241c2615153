//! The verb `file`: a file that was uploaded in a chat.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::credentials::Access;
use super::output::{self, legible};

/// Downloads a file that was uploaded in a chat.
///
/// Needs SNAPENGAGE_API_TOKEN and SNAPENGAGE_ORG, which are sent to SnapEngage's own host alone.
#[derive(Args)]
pub(crate) struct FileArgs {
    /// Address of the file, as the transcript has it.
    #[arg(value_name = "URL")]
    address: String,
    /// File to be written; one of this name is replaced, once all of it has come.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Size of the largest file to be downloaded; 100 MiB by default.
    #[arg(long, value_name = "BYTES")]
    limit: Option<u64>,
    /// Other host that may be sent the token, by https: that of files, if it is SnapEngage's too.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Writes JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: FileArgs, access: &Access) -> Outcome<ExitCode> {
    let FileArgs { address, out, limit, hosts, json } = args;
    let mut file = access.account_at(hosts)?.file(&address)?;
    if let Some(limit) = limit {
        file = file.limit(limit);
    }
    let bytes = file.save_to(&out).await?.bytes;
    let name = out.display().to_string();
    output::print(&if json {
        output::json(&json!({ "file": name, "bytes": bytes }))?
    } else {
        format!("{}: {bytes} bytes\n", legible(&name))
    })?;
    Ok(ExitCode::SUCCESS)
}
