//! JSON documents that a verb is given.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Outcome;
use super::output::legible;

/// Warns of fields that are not documented, which are sent all the same: one that SnapEngage has
/// added can be used, and one that is misspelt is noticed.
pub(crate) fn warn_of_unknown(extra: &BTreeMap<String, Value>) -> io::Result<()> {
    extra.keys().try_for_each(|name| {
        let name = legible(name);
        writeln!(io::stderr(), "warning: `{name}` is no documented field; it is sent as it is")
    })
}

#[derive(Args)]
pub(crate) struct JsonInput {
    /// File of JSON, with SnapEngage's names of the fields. stdin by default.
    #[arg(long)]
    file: Option<PathBuf>,
}

impl JsonInput {
    /// Reads the document. The errors say where, and nothing of what is there.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Outcome<T> {
        let name = self.file.as_deref().unwrap_or(Path::new("stdin")).display();
        let text = match &self.file {
            Some(path) => fs::read_to_string(path),
            None => io::read_to_string(io::stdin()),
        };
        let text = text.map_err(|error| format!("{name}: {error}"))?;
        let value: Value =
            serde_json::from_str(&text).map_err(|error| format!("{name}: not JSON: {error}"))?;
        if !value.is_object() {
            return Err(format!("{name}: expected a JSON object").into());
        }
        serde_json::from_value(value).map_err(|error| format!("{name}: {error}").into())
    }
}
