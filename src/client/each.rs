//! Lists whose items are read one by one: one that cannot be read costs itself alone.

use serde::de::MapAccess;
use serde_json::Value;

use crate::wire::json;
use crate::wire::lenient::{Extra, keep};
use crate::wire::model::Model;

/// Object as it came.
pub(super) struct AnyObject(pub(super) Extra);

impl Model for AnyObject {
    fn read_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut fields = Extra::new();
        while let Some(name) = map.next_key()? {
            keep(&mut fields, name, &mut map)?;
        }
        Ok(Self(fields))
    }
}

/// Returns the items of a list that can be read, and those that cannot. `None`: it is no list.
pub(super) fn each<M: Model>(what: &str, list: Option<Value>) -> Option<(Vec<M>, Vec<Value>)> {
    let list = match list {
        Some(Value::Array(list)) => list,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return None,
    };
    let (mut items, mut unreadable) = (Vec::with_capacity(list.len()), Vec::new());
    for item in list.into_iter().filter(|item| !item.is_null()) {
        match json::from_json(what, item.to_string().as_bytes()) {
            Ok(item) => items.push(item),
            Err(_) => unreadable.push(item),
        }
    }
    Some((items, unreadable))
}
