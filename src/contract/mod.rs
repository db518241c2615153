//! Contract of all payloads for other languages: JSON Schema 2020-12, OpenAPI 3.1 and AsyncAPI 3.0.
//!
//! The names, the types and the descriptions are those of the tables that this crate reads and
//! writes with: what it understands, the contract says. In the repository and in the package they
//! are the files of `contract/`:
//!
//! | file | content |
//! |---|---|
//! | `json-schema/*.json` | the payloads of [one API](ContractApi) each |
//! | `openapi.json` | `webhooks`: what SnapEngage sends and reads back; `paths`: its APIs |
//! | `asyncapi.json` | the same as channels, the bot with its reply, and the Hub |
//!
//! ```
//! use snapengage::contract::{Contract, ContractApi, ContractReading};
//!
//! let contract = Contract::of([ContractApi::AgentStatus]);
//! let schema = contract.json_schema();
//! let note = &schema["$defs"]["StatusChange"]["properties"]["sub_status"];
//! let description = "Details of the status, in the agent's words: \"Gone to lunch\".";
//! assert_eq!(note["description"], description);
//!
//! let documented = contract.reading(ContractReading::Documented).json_schema();
//! let note = &documented["$defs"]["StatusChange"]["properties"]["sub_status"];
//! assert_eq!(note["type"], "string");
//! ```
//!
//! The program writes them, too: `snapengage contract openapi --api bot --reading documented`.
//!
//! # Use
//!
//! To validate a payload in the tests of a service, or to generate types. The payload of one kind
//! is a definition below `$defs`; the whole schema allows each of the API's.
//!
//! ```python
//! bot = json.load(open("contract/json-schema/bot.json"))
//! jsonschema.validate(body, {**bot, "anyOf": [{"$ref": "#/$defs/BotEvent"}]})
//! ```
//!
//! **Never check requests of SnapEngage with it at the door.** On the day that SnapEngage changes a
//! field it would refuse real traffic; a service reads what it can, as this crate does.
//!
//! # Readings
//!
//! - [`Accepted`](ContractReading::Accepted), the default: every form that this crate reads.
//!   Numbers and booleans may be text and text may be one of them, an optional field may be `null`
//!   or empty. This is what to validate with.
//! - [`Documented`](ContractReading::Documented): the forms of SnapEngage's documentation. This is
//!   what to write, and to generate types from.
//!
//! In either, sets of values are open (`anyOf: [enum, string]`), fields that are not documented are
//! allowed, and `required` is what this crate requires. Events that are told apart by a name are
//! one of the documented ones, or one with a name that is not among those.
//!
//! Uploaded files are not in it: the form of their addresses is not documented.

mod api;
mod asyncapi;
mod calls;
mod openapi;
mod webhooks;
mod xml;

use serde_json::{Value, json};

pub use self::api::ContractApi;
pub use crate::wire::described::ContractReading;

use crate::wire::described::Definitions;

/// Description of payloads, for some APIs or for all.
///
/// The documents have their fields in alphabetical order, and are the same at every call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Contract {
    apis: Vec<ContractApi>,
    reading: ContractReading,
}

impl Contract {
    /// Creates the contract of all APIs, in the reading [`Accepted`](ContractReading::Accepted).
    pub fn new() -> Self {
        Self::of(ContractApi::ALL)
    }

    /// Creates the contract of some APIs.
    pub fn of(apis: impl IntoIterator<Item = ContractApi>) -> Self {
        let mut apis: Vec<_> = apis.into_iter().collect();
        apis.sort_unstable();
        apis.dedup();
        Self { apis, reading: ContractReading::default() }
    }

    /// Returns the contract of one API, in the same reading.
    pub fn only(&self, api: ContractApi) -> Self {
        Self::of([api]).reading(self.reading)
    }

    /// Sets the reading.
    pub fn reading(self, reading: ContractReading) -> Self {
        Self { reading, ..self }
    }

    /// Returns the APIs, in the order of [`ContractApi::ALL`].
    pub fn apis(&self) -> &[ContractApi] {
        &self.apis
    }

    /// Returns a JSON Schema, 2020-12: of any of the payloads, each of which has a definition.
    pub fn json_schema(&self) -> Value {
        let mut definitions = Definitions::new(self.reading, "#/$defs/");
        let payloads: Vec<_> =
            self.apis.iter().flat_map(|api| api.payloads(&mut definitions)).collect();
        sorted(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("urn:snapengage:contract:{}:{}", self.name(), self.reading_name()),
            "title": self.title(),
            "description": self.description(),
            "anyOf": payloads,
            "$defs": definitions.into_schemas(),
        }))
    }

    /// Returns an OpenAPI document, 3.1: `webhooks` for what SnapEngage sends, with what it reads
    /// back, and `paths` for what it answers. The Hub has no requests, and is not in it.
    pub fn openapi(&self) -> Value {
        sorted(openapi::document(self))
    }

    /// Returns an AsyncAPI document, 3.0: a channel for each API.
    pub fn asyncapi(&self) -> Value {
        sorted(asyncapi::document(self))
    }

    fn has(&self, api: ContractApi) -> bool {
        self.apis.contains(&api)
    }

    fn name(&self) -> String {
        if self.apis == ContractApi::ALL {
            return "all".to_owned();
        }
        self.apis.iter().map(|api| api.as_str()).collect::<Vec<_>>().join("+")
    }

    fn reading_name(&self) -> &'static str {
        match self.reading {
            ContractReading::Accepted => "accepted",
            ContractReading::Documented => "documented",
        }
    }

    fn title(&self) -> String {
        match &self.apis[..] {
            [api] => format!("SnapEngage, {}", api.title()),
            _ => "SnapEngage".to_owned(),
        }
    }

    fn description(&self) -> String {
        let reading = match self.reading {
            ContractReading::Accepted => {
                "Forms that the crate snapengage reads: to validate with, in tests."
            }
            ContractReading::Documented => {
                "Forms of SnapEngage's documentation: to write, and to generate types from."
            }
        };
        format!(
            "{reading} Fields and values that are not documented are allowed. Never to be checked \
            at the door: real requests may have other forms tomorrow. Uploaded files have no \
            documented path, and are left out."
        )
    }

    /// Returns the head of an OpenAPI or AsyncAPI document.
    fn info(&self) -> Value {
        json!({
            "title": self.title(),
            "version": env!("CARGO_PKG_VERSION"),
            "description": self.description(),
            "license": { "name": "MIT OR Apache-2.0" },
        })
    }
}

impl Default for Contract {
    fn default() -> Self {
        Self::new()
    }
}

/// Host of SnapEngage's APIs.
const HOST: &str = "www.snapengage.com";

/// Page of SnapEngage's documentation.
const DOCS: &str = "https://developer.snapengage.com/";

/// Sorts fields by name, in programs as well in which `serde_json` keeps another order.
fn sorted(mut document: Value) -> Value {
    document.sort_all_objects();
    document
}
