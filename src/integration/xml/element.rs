//! Elements as values that serde reads.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::super::request::SupportRequest;
use super::super::requester::RequesterDetails;
use super::document::{CharacterData, Document, Error, Tag, is_white_space};
use crate::wire::model::Model;

/// Name under which an element's own text is found beside its children.
pub(super) const TEXT: &str = "$text";

/// Fields of ids, names, addresses and the like, whose text neither starts nor ends with white
/// space.
const TOKENS: &[&str] = &[
    "alias",
    "chat_agent_id",
    "chat_ended_by",
    "code",
    "country_code",
    "created_at",
    "date",
    "email",
    "id",
    "ip_address",
    "language_code",
    "page_url",
    "requested_by",
    "sender",
    "type",
    "url",
    "widget_id",
];

/// Element whose start was read.
struct ElementDeserializer<'d, 'a> {
    document: &'d mut Document<'a>,
    tag: Tag<'a>,
}

impl<'a> Deserializer<'a> for ElementDeserializer<'_, 'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let Tag { name, is_array, is_empty } = self.tag;
        let mut children = Children::of(self.document, is_empty);
        children.first = children.next_tag()?;
        if children.first.is_some() {
            return if is_array || is_list(name) {
                visitor.visit_seq(children)
            } else {
                visitor.visit_map(children)
            };
        }
        match children.text.take() {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(without_layout(name, text)),
            Cow::Owned(text) => visitor.visit_str(without_layout(name, &text)),
        }
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Content of an element: elements, and text around them.
pub(super) struct Children<'d, 'a> {
    document: &'d mut Document<'a>,
    /// First child, if it was read ahead to see that there is one.
    first: Option<Tag<'a>>,
    /// Child whose name was handed out and whose value was not.
    current: Option<Tag<'a>>,
    text: CharacterData<'a>,
    is_over: bool,
}

impl<'d, 'a> Children<'d, 'a> {
    pub(super) fn of(document: &'d mut Document<'a>, is_empty: bool) -> Self {
        Self {
            document,
            first: None,
            current: None,
            text: CharacterData::default(),
            is_over: is_empty,
        }
    }

    fn next_tag(&mut self) -> Result<Option<Tag<'a>>, Error> {
        if self.first.is_some() {
            return Ok(self.first.take());
        }
        if self.is_over {
            return Ok(None);
        }
        let tag = self.document.next_inside(&mut self.text)?;
        self.is_over = tag.is_none();
        Ok(tag)
    }

    /// Takes the text around the elements, once, if there is more than white space.
    fn left_text(&mut self) -> Option<Cow<'a, str>> {
        let text = self.text.take();
        (!is_white_space(text.as_bytes())).then(|| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
            Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
        })
    }
}

impl<'a> MapAccess<'a> for Children<'_, 'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.next_tag()?;
        let name = match self.current {
            Some(tag) => tag.name,
            None if is_white_space(self.text.as_bytes()) => return Ok(None),
            None => TEXT,
        };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.current.take() {
            Some(tag) => seed.deserialize(ElementDeserializer { document: self.document, tag }),
            None => seed.deserialize(CowStrDeserializer::new(self.left_text().unwrap_or_default())),
        }
    }
}

impl<'a> SeqAccess<'a> for Children<'_, 'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if let Some(tag) = self.next_tag()? {
            return seed
                .deserialize(ElementDeserializer { document: self.document, tag })
                .map(Some);
        }
        let text = self.left_text().map(|text| seed.deserialize(CowStrDeserializer::new(text)));
        text.transpose()
    }
}

/// Returns `true` if an element is an array even without `type="array"`: the tables of the models
/// have lists of these names.
fn is_list(name: &str) -> bool {
    SupportRequest::is_list(name) || RequesterDetails::is_list(name)
}

/// Returns the text of an element, without the white space around it if that can be only layout.
fn without_layout<'t>(name: &str, text: &'t str) -> &'t str {
    let may_be_layout = |end: Option<&u8>| end.is_some_and(|byte| *byte <= b' ');
    let bytes = text.as_bytes();
    if (may_be_layout(bytes.first()) || may_be_layout(bytes.last())) && TOKENS.contains(&name) {
        return text.trim_ascii();
    }
    text
}
