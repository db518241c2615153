//! The verb of the program.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use snapengage::contract::{Contract, ContractApi, ContractReading};

use crate::tools::text;

fn run(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_snapengage"));
    program.arg("contract").args(arguments).output().expect("the program")
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).expect("JSON")
}

#[test]
fn a_document_with_all_goes_to_stdout() {
    let contract = Contract::new();
    assert_eq!(json(&run(&["json-schema"])), contract.json_schema());
    assert_eq!(json(&run(&["openapi"])), contract.openapi());
    assert_eq!(json(&run(&["asyncapi"])), contract.asyncapi());
}

#[test]
fn an_api_and_a_reading_can_be_chosen() {
    for api in ContractApi::ALL {
        let written = json(&run(&["json-schema", "--api", api.as_str()]));
        assert_eq!(written, Contract::of([api]).json_schema(), "{api}");
    }
    let documented = Contract::of([ContractApi::Bot]).reading(ContractReading::Documented);
    let written = json(&run(&["openapi", "--api", "bot", "--reading", "documented"]));
    assert_eq!(written, documented.openapi());
}

#[test]
fn files_are_written_to_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new/contract");
    let path = out.to_str().expect("UTF-8");
    for form in ["json-schema", "openapi", "asyncapi"] {
        assert_eq!(text(&run(&[form, "--out", path])), "");
    }
    let repository = crate::tools::root().join("contract");
    let mut names = vec!["openapi.json".to_owned(), "asyncapi.json".to_owned()];
    names.extend(ContractApi::ALL.map(|api| format!("json-schema/{api}.json")));
    for name in names {
        let [written, kept] = [&out, &repository].map(|folder| fs::read(folder.join(&name)));
        assert!(written.expect("a file") == kept.expect("a file"), "{name}");
    }
    let one = folder.path().join("one");
    let path = one.to_str().expect("UTF-8");
    assert_eq!(text(&run(&["json-schema", "--api", "hub", "--out", path])), "");
    assert_eq!(fs::read_dir(one.join("json-schema")).expect("a folder").count(), 1);
}

#[test]
fn what_it_does_not_know_is_refused() {
    for arguments in
        [&["yaml"][..], &["openapi", "--api", "guests"], &["openapi", "--reading", "loose"], &[]]
    {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let output = run(&["openapi", "--out", file.path().to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1), "a file is no folder");
}
