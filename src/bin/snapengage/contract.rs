//! The verb `contract`: descriptions of the payloads, for other languages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde_json::Value;
use snapengage::contract::{Contract, ContractApi, ContractReading};

use super::Outcome;
use super::output;

/// Describes the payloads for other languages: JSON Schema 2020-12, OpenAPI 3.1, AsyncAPI 3.0.
///
/// For tests, and to generate types; never to be checked at the door. With --out, JSON Schema goes
/// to a file for each API, json-schema/API.json, and the others to openapi.json and asyncapi.json.
#[derive(Args)]
pub(crate) struct ContractArgs {
    /// Form of the description.
    form: DocumentForm,
    /// API to describe. All by default.
    #[arg(long, value_parser = apis())]
    api: Option<String>,
    /// Reading to describe: the forms that are read, or the documented ones alone.
    #[arg(long, value_name = "READING", default_value = "accepted")]
    reading: ReadingArg,
    /// Folder to write to, in place of stdout. It is made if there is none.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn apis() -> PossibleValuesParser {
    ContractApi::ALL.map(ContractApi::as_str).into()
}

#[derive(Clone, Copy, ValueEnum)]
enum DocumentForm {
    JsonSchema,
    Openapi,
    Asyncapi,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReadingArg {
    /// Forms that are read: numbers and booleans as text, too. To validate with.
    Accepted,
    /// Documented forms alone. To write, and to generate types from.
    Documented,
}

pub(crate) fn run(args: &ContractArgs) -> Outcome<ExitCode> {
    let api = args.api.as_deref().and_then(ContractApi::from_name);
    let contract = api.map_or_else(Contract::new, |api| Contract::of([api]));
    let contract = contract.reading(match args.reading {
        ReadingArg::Accepted => ContractReading::Accepted,
        ReadingArg::Documented => ContractReading::Documented,
    });
    match &args.out {
        None => output::print(&output::json(&document(&contract, args.form))?)?,
        Some(folder) => write_all(&contract, args, folder)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn document(contract: &Contract, form: DocumentForm) -> Value {
    match form {
        DocumentForm::JsonSchema => contract.json_schema(),
        DocumentForm::Openapi => contract.openapi(),
        DocumentForm::Asyncapi => contract.asyncapi(),
    }
}

fn write_all(contract: &Contract, args: &ContractArgs, folder: &Path) -> Outcome<()> {
    let document = document(contract, args.form);
    match args.form {
        DocumentForm::Openapi => write(&folder.join("openapi.json"), &document),
        DocumentForm::Asyncapi => write(&folder.join("asyncapi.json"), &document),
        DocumentForm::JsonSchema => contract.apis().iter().try_for_each(|api| {
            let path = folder.join("json-schema").join(format!("{api}.json"));
            write(&path, &contract.only(*api).json_schema())
        }),
    }
}

fn write(path: &Path, document: &Value) -> Outcome<()> {
    let wrong = |error| format!("{}: {error}", path.display());
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(wrong)?;
    fs::write(path, output::json(document)?).map_err(wrong)?;
    Ok(())
}
