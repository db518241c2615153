//! Elements in XML.

use std::fmt::Write as _;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Returns the document with the content of an element set, all else as it is to the byte; or the
/// reason why it has no room for it.
pub(super) fn set(xml: &[u8], steps: &[&str], text: &str) -> Result<Vec<u8>, String> {
    let root = tree(xml).ok_or("the XML cannot be read")?;
    let (element, rest) = find(&root, steps);
    let mut content = escaped(text);
    for step in rest.iter().rev() {
        if !is_name(step) {
            return Err(format!("there is no element `{step}` in `{}`", element.name));
        }
        content = format!("<{step}>{content}</{step}>");
    }
    let (start, end) = match &element.content {
        // What is missing goes behind what is there.
        Some(inner) if !rest.is_empty() => (inner.end, inner.end),
        Some(inner) => (inner.start, inner.end),
        None => {
            let tag = xml[element.start..element.end].trim_ascii_end();
            let tag = tag.strip_suffix(b"/>").unwrap_or(tag).trim_ascii_end();
            let element_with =
                [tag, b">", content.as_bytes(), b"</", element.name.as_bytes(), b">"];
            let replaced = element_with.concat();
            return Ok([&xml[..element.start], &replaced[..], &xml[element.end..]].concat());
        }
    };
    Ok([&xml[..start], content.as_bytes(), &xml[end..]].concat())
}

fn is_name(step: &str) -> bool {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    step.starts_with(is_start) && step.chars().all(|c| is_start(c) || c.is_numeric() || c == '-')
}

/// Escapes all that is not ASCII as well: the document may be in any encoding.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !matches!(c, '&' | '<' | '>') {
            escaped.push(c);
        } else {
            // Infallible for a `String`.
            let _ = write!(escaped, "&#{};", u32::from(c));
        }
    }
    escaped
}

/// XmlNode and its place, in bytes.
struct XmlNode {
    name: String,
    start: usize,
    end: usize,
    /// Place of what is between its tags; `None` if it is one tag.
    content: Option<std::ops::Range<usize>>,
    children: Vec<XmlNode>,
}

/// Returns the innermost element on a path that is there, and the rest of the path.
fn find<'e, 's>(root: &'e XmlNode, steps: &'s [&'s str]) -> (&'e XmlNode, &'s [&'s str]) {
    let (mut element, mut rest) = (root, steps);
    while let Some((step, after)) = rest.split_first() {
        let child = match step.parse::<usize>() {
            Ok(index) => element.children.get(index),
            Err(_) => element.children.iter().find(|child| child.name == *step),
        };
        let Some(child) = child else { break };
        (element, rest) = (child, after);
    }
    (element, rest)
}

/// Depth of the deepest element: what holds others is dropped with them, one in the other.
const DEPTH: usize = 100;

/// Reads where the elements are; `None` if the document is cut, has no root, or is deeper than
/// [`DEPTH`].
fn tree(xml: &[u8]) -> Option<XmlNode> {
    // Only the places matter here, and those are the same whatever the encoding.
    let ascii = xml.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '_' });
    let ascii: String = ascii.collect();
    let mut reader = Reader::from_str(&ascii);
    let mut open: Vec<XmlNode> = Vec::new();
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let end = usize::try_from(reader.buffer_position()).ok()?;
        let closed = match event {
            Event::Start(_) if open.len() >= DEPTH => return None,
            Event::Start(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                let content = Some(end..end);
                open.push(XmlNode { name, start, end, content, children: Vec::new() });
                continue;
            }
            Event::Empty(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                XmlNode { name, start, end, content: None, children: Vec::new() }
            }
            Event::End(_) => {
                let element = open.pop()?;
                let content = element.content.map(|inner| inner.start..start);
                XmlNode { end, content, ..element }
            }
            Event::Eof => return None,
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => return Some(closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<?xml version=\"1.0\"?>\n<case a='1'>\n <id><![CDATA[1]]></id> <none/>\n \
        <list><it><m>a</m></it><it><m>b</m></it></list>\n</case>\n";

    #[track_caller]
    fn changed(name: &str, text: &str) -> Result<String, String> {
        let steps: Vec<_> = name.split('.').collect();
        set(XML.as_bytes(), &steps, text).map(|xml| String::from_utf8(xml).expect("UTF-8"))
    }

    #[test]
    fn an_element_is_replaced_and_all_else_stays() {
        for (name, old, new) in [
            ("id", "<![CDATA[1]]>", "x"),
            ("none", "<none/>", "<none>x</none>"),
            ("list.1.m", "<m>b</m>", "<m>x</m>"),
            ("list.it.m", "<m>a</m>", "<m>x</m>"),
        ] {
            assert_eq!(changed(name, "x"), Ok(XML.replace(old, new)), "{name}");
        }
    }

    #[test]
    fn what_is_missing_is_added_at_the_end() {
        assert_eq!(changed("city", "x"), Ok(XML.replace("\n</case>", "\n<city>x</city></case>")));
        let nested = XML.replace("<none/>", "<none><a><b>x</b></a></none>");
        assert_eq!(changed("none.a.b", "x"), Ok(nested));
    }

    #[test]
    fn a_text_is_escaped() {
        assert_eq!(changed("id", "<é&"), Ok(XML.replace("<![CDATA[1]]>", "&#60;&#233;&#38;")));
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let problem = Err("there is no element `2` in `list`".to_owned());
        assert_eq!(changed("list.2.m", "x"), problem);
        assert!(set(b"<case><id>", &["id"], "x").is_err());
    }
}
