//! JSON and XML read plainly: paths of fields, and their values.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// Values by their paths, such as `transcripts[0].alias`; an attribute is `created_at@type`. What is
/// empty, `[]` or `{}`, is not there.
pub(crate) type Fields = BTreeMap<String, Value>;

pub(crate) fn fields_of_json(json: &str) -> Fields {
    let mut fields = Fields::new();
    add(serde_json::from_str(json).expect("JSON"), String::new(), &mut fields);
    fields
}

fn add(value: Value, path: String, fields: &mut Fields) {
    match value {
        Value::Object(object) => {
            let dot = if path.is_empty() { "" } else { "." };
            object.into_iter().for_each(|(name, value)| {
                add(value, format!("{path}{dot}{name}"), fields);
            });
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items.for_each(|(i, item)| add(item, format!("{path}[{i}]"), fields));
        }
        value => drop(fields.insert(path, value)),
    }
}

/// The fields of a document without the name of its root, and the names in the root in their order.
///
/// An element that is one of an array has an index.
pub(crate) fn fields_of_xml(xml: &str) -> (Fields, Vec<String>) {
    let (mut fields, mut names) = (Fields::new(), Vec::new());
    let mut open: Vec<Element> = Vec::new();
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(start) => {
                let name = String::from_utf8(start.name().0.to_vec()).expect("UTF-8");
                if open.len() == 1 {
                    names.push(name.clone());
                }
                let path = open.last_mut().map_or(String::new(), |parent| parent.path_of(&name));
                let mut element = Element { path, ..Element::default() };
                for attribute in start.attributes() {
                    let attribute = attribute.expect("an attribute");
                    let name = String::from_utf8(attribute.key.0.to_vec()).expect("UTF-8");
                    let value = String::from_utf8(attribute.value.to_vec()).expect("UTF-8");
                    element.is_array = value == "array";
                    fields.insert(format!("{}@{name}", element.path), value.into());
                }
                open.push(element);
            }
            Event::Text(text) => {
                let text = text.decode().expect("UTF-8");
                open.iter_mut().last().into_iter().for_each(|element| element.text += &text);
            }
            Event::CData(text) => {
                let text = text.decode().expect("UTF-8");
                open.iter_mut().last().expect("an element").text += &text;
            }
            Event::GeneralRef(name) => {
                let name = name.decode().expect("UTF-8");
                let text = match &*name {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "#13" => "\r",
                    other => panic!("an entity that the vendor does not send: {other}"),
                };
                open.iter_mut().last().expect("an element").text += text;
            }
            Event::End(_) => {
                let element = open.pop().expect("an element");
                if element.children.is_empty() && !element.is_array {
                    fields.insert(element.path, element.text.into());
                }
            }
            Event::Eof => return (fields, names),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Element {
    path: String,
    text: String,
    is_array: bool,
    children: Vec<String>,
}

impl Element {
    /// The path of one more element within it.
    fn path_of(&mut self, name: &str) -> String {
        let index = self.children.iter().filter(|child| *child == name).count();
        self.children.push(name.to_owned());
        let dot = if self.path.is_empty() { "" } else { "." };
        let index = if self.is_array { format!("[{index}]") } else { String::new() };
        format!("{}{dot}{name}{index}", self.path)
    }
}

/// The path with `[]` for any item.
pub(crate) fn without_indices(path: &str) -> String {
    let mut kept = String::new();
    let mut is_index = false;
    for c in path.chars() {
        is_index &= c != ']';
        if !is_index {
            kept.push(c);
        }
        is_index |= c == '[';
    }
    kept
}

/// What can be said of a value that is another one each time: its type, and of a date the form.
pub(crate) fn kind(path: &str, value: &Value) -> String {
    match value {
        Value::String(text) if path.contains("date") || path.ends_with("created_at") => form(text),
        Value::String(_) => "text".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        other => other.to_string(),
    }
}

/// The text with `9` for any digits and `a` for any letters.
fn form(text: &str) -> String {
    let mut form = String::new();
    for c in text.chars() {
        let c = match c {
            '0'..='9' => '9',
            c if c.is_alphabetic() => 'a',
            c => c,
        };
        if !(c.is_alphanumeric() && form.ends_with(c)) {
            form.push(c);
        }
    }
    form
}
