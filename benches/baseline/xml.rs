//! Legacy XML by hand: the events of quick-xml into a struct.

use std::mem::take;

use quick_xml::events::{BytesRef, Event};
use quick_xml::reader::Reader;

use super::model::{Pair, SupportRequest, TranscriptLine};

/// Reads a support request.
pub fn support_request(xml: &str) -> Option<SupportRequest> {
    let mut reader = Reader::from_str(xml);
    let mut request = SupportRequest::default();
    let (mut line, mut pair) = (TranscriptLine::default(), Pair::default());
    let mut is_in_line = false;
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                is_in_line |= tag.name().as_ref() == b"transcript";
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content().ok()?),
            Event::CData(part) => text.push_str(&part.xml10_content().ok()?),
            Event::GeneralRef(reference) => text.push(resolve(&reference)?),
            Event::End(tag) => match tag.name().as_ref() {
                b"id" if is_in_line => line.id = take(&mut text),
                b"date" => line.date = Some(take(&mut text)),
                b"alias" => line.alias = Some(take(&mut text)),
                b"message" => line.message = take(&mut text),
                b"transcript" => {
                    request.transcripts.push(take(&mut line));
                    is_in_line = false;
                }
                b"name" => pair.name = take(&mut text),
                b"value" | b"code" => pair.value = take(&mut text),
                b"language" => request.languages.push(take(&mut pair)),
                b"plugin" => request.plugins.push(take(&mut pair)),
                b"javascript_variable" => request.javascript_variables.push(take(&mut pair)),
                b"operator_variable" => request.operator_variables.push(take(&mut pair)),
                b"label" => request.labels.push(take(&mut pair)),
                b"id" => request.id = take(&mut text),
                name => field(&mut request, name, &mut text)?,
            },
            Event::Eof => return (!request.id.is_empty()).then_some(request),
            _ => {}
        }
    }
}

fn field(request: &mut SupportRequest, name: &[u8], text: &mut String) -> Option<()> {
    match name {
        b"url" => request.url = Some(take(text)),
        b"requested_by" => request.requested_by = Some(take(text)),
        b"description" => request.description = Some(take(text)),
        b"created_at" => request.created_at_date = Some(take(text)),
        b"page_url" => request.page_url = Some(take(text)),
        b"referrer_url" => request.referrer_url = Some(take(text)),
        b"entry_url" => request.entry_url = Some(take(text)),
        b"ip_address" => request.ip_address = Some(take(text)),
        b"browser" => request.browser = Some(take(text)),
        b"os" => request.os = Some(take(text)),
        b"country_code" => request.country_code = Some(take(text)),
        b"country" => request.country = Some(take(text)),
        b"region" => request.region = Some(take(text)),
        b"city" => request.city = Some(take(text)),
        b"latitude" => request.latitude = Some(text.parse().ok()?),
        b"longitude" => request.longitude = Some(text.parse().ok()?),
        b"source_id" => request.source_id = Some(text.parse().ok()?),
        b"chat_waittime" => request.chat_waittime = Some(text.parse().ok()?),
        b"chat_duration" => request.chat_duration = Some(text.parse().ok()?),
        _ => {}
    }
    Some(())
}

fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character);
    }
    match &**reference {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}
