//! Two validators that know nothing of each other: the crate `jsonschema`, and Python's.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};
use snapengage::contract::{Contract, ContractApi, ContractReading};

use crate::tools::{python, told};

/// Place of a payload in the contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Payload {
    pub(crate) api: ContractApi,
    pub(crate) definition: &'static str,
}

impl Payload {
    pub(crate) const fn new(api: ContractApi, definition: &'static str) -> Self {
        Self { api, definition }
    }

    /// Returns the schema of this payload alone.
    pub(crate) fn schema(&self, reading: ContractReading) -> Value {
        let mut schema = Contract::of([self.api]).reading(reading).json_schema();
        let known = schema["$defs"].get(self.definition);
        assert!(known.is_some(), "{self:?}");
        schema["anyOf"] = json!([{ "$ref": format!("#/$defs/{}", self.definition) }]);
        schema
    }
}

#[track_caller]
pub(crate) fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).expect("a schema")
}

/// Values, each with what validators are to say of it.
#[derive(Default)]
pub(crate) struct Cases {
    schemas: BTreeMap<String, Value>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    schema: String,
    instance: Value,
    is_valid: bool,
}

impl Cases {
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        (payload, reading): (&Payload, ContractReading),
        instance: Value,
        is_valid: bool,
    ) {
        let schema = format!("{payload:?} {reading:?}");
        let new = || payload.schema(reading);
        self.schemas.entry(schema.clone()).or_insert_with(new);
        self.cases.push(Case { name: name.into(), schema, instance, is_valid });
    }

    pub(crate) fn len(&self) -> usize {
        self.cases.len()
    }

    /// Asserts that both validators say of each value what it is.
    #[track_caller]
    pub(crate) fn assert_both(&self) {
        let of_rust = self.in_rust();
        let of_python = self.in_python();
        assert_eq!(of_python.len(), self.cases.len());
        let told = self.cases.iter().zip(of_rust.into_iter().zip(of_python));
        let wrong = told.filter(|(case, told)| *told != (case.is_valid, case.is_valid));
        let wrong: Vec<_> = wrong
            .map(|(case, told)| {
                let Case { name, schema, instance, is_valid } = case;
                format!("{name}: {schema}: {told:?}, expected {is_valid}: {instance}")
            })
            .collect();
        assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), self.cases.len(), wrong);
    }

    pub(crate) fn in_rust(&self) -> Vec<bool> {
        let validators = self.schemas.iter().map(|(name, schema)| (name, validator(schema)));
        let validators: BTreeMap<_, _> = validators.collect();
        self.cases.iter().map(|case| validators[&case.schema].is_valid(&case.instance)).collect()
    }

    fn in_python(&self) -> Vec<bool> {
        let cases = self.cases.iter().map(|case| json!([case.schema, case.instance]));
        let asked = json!({ "schemas": self.schemas, "cases": cases.collect::<Vec<_>>() });
        let told = told(&mut python("validate.py"), &asked.to_string());
        serde_json::from_str(&told).expect("a list of booleans")
    }
}
