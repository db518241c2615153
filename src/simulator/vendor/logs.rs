//! Logs API: finished conversations.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use http::StatusCode;

use super::answer::{Answer, JSON};
use super::call::Call;
use super::refusal::Refusal;
use super::zone::{self, Side};
use super::{gson, log_case};
use crate::id::WidgetId;
use crate::simulator::archive::{Place, Stored};
use crate::simulator::world::World;
use crate::timestamp::Timestamp;

/// Cases of a page.
const PAGE: usize = 100;

/// Name of the field with the address of the next page.
pub(in crate::simulator) const LINK: &str = "linkToNextSetOfResults";

struct Page {
    cases: Vec<Bytes>,
    link: String,
}

impl Page {
    /// Writes the page around its cases, which are JSON already.
    fn written(&self) -> Bytes {
        let length = self.cases.iter().map(|case| case.len() + 1).sum::<usize>();
        let mut page = BytesMut::with_capacity(length + self.link.len() + 64);
        page.extend_from_slice(b"{\"cases\":[");
        for (number, case) in self.cases.iter().enumerate() {
            page.extend_from_slice(if number == 0 { b"" } else { b"," });
            page.extend_from_slice(case);
        }
        page.extend_from_slice(format!("],\"{LINK}\":").as_bytes());
        page.extend_from_slice(&gson::write(&self.link));
        page.extend_from_slice(b"}");
        page.freeze()
    }
}

pub(super) fn page(world: &World, call: &Call) -> Result<Answer, Refusal> {
    call.checks_token(&world.keys)?;
    if call.subject != world.keys.org {
        return Err(Refusal::forbidden("the token is not of this organization"));
    }
    let time = window(call)?;
    let after = call.parameter("next").map(read_next).transpose()?;
    let page = match call.parameter("widgetId").map(|ids| widgets(world, ids)).transpose()? {
        Some(ids) if ids.len() == 1 => one(world, call, &ids[0], &time, after),
        Some(ids) => several(world, ids.iter(), &time),
        None => several(world, world.widgets.keys(), &time),
    };
    Ok(Answer::new(StatusCode::OK, JSON, page.written()))
}

/// Returns a page of one widget, with the address of the next.
fn one(
    world: &World,
    call: &Call,
    widget: &WidgetId,
    time: &RangeInclusive<Timestamp>,
    after: Option<Place>,
) -> Page {
    let mut cases: Vec<_> = world.archive.of(widget, time, after).take(PAGE + 1).collect();
    let has_more = cases.len() > PAGE;
    cases.truncate(PAGE);
    let last = cases.last().map(|(place, _)| *place).filter(|_| has_more);
    let link = last.map(|place| call.page(Some(&next(place)))).unwrap_or_default();
    Page { cases: written(world, cases), link }
}

/// Returns the first cases of several widgets: what is more than a page is cut off without a sign.
fn several<'i>(
    world: &World,
    widgets: impl Iterator<Item = &'i WidgetId>,
    time: &RangeInclusive<Timestamp>,
) -> Page {
    let firsts = widgets.flat_map(|widget| world.archive.of(widget, time, None).take(PAGE));
    let mut cases: Vec<_> = firsts.collect();
    cases.sort_by_key(|(place, _)| *place);
    cases.truncate(PAGE);
    Page { cases: written(world, cases), link: String::new() }
}

fn written(world: &World, cases: Vec<(Place, &Stored)>) -> Vec<Bytes> {
    let now = world.time.now();
    let written = cases.into_iter().filter_map(|(_, stored)| match stored {
        Stored::Given(case) => Some(case.clone()),
        Stored::Chat(id) => Some(gson::write(&log_case::of(world.cases.get(id)?, now))),
    });
    written.collect()
}

fn window(call: &Call) -> Result<RangeInclusive<Timestamp>, Refusal> {
    let zone = zone::find(call.parameter("timezone").unwrap_or("Etc/UTC"))?;
    let moment = |name, side| {
        let moment = zone::moment(call.required(name)?, &zone, side);
        moment.ok_or_else(|| Refusal::malformed(format!("`{name}` is not an ISO 8601 date")))
    };
    let (start, end) = (moment("start", Side::Start)?, moment("end", Side::End)?);
    if start > end {
        return Err(Refusal::malformed("`start` is after `end`"));
    }
    Ok(start..=end)
}

/// Reads one widget's id, or several with commas between.
fn widgets(world: &World, ids: &str) -> Result<Vec<WidgetId>, Refusal> {
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    let known = ids.map(|id| match world.widgets.get_key_value(id) {
        Some((id, _)) => Ok(id.clone()),
        None => Err(Refusal::not_found("widget")),
    });
    let mut known = known.collect::<Result<Vec<_>, _>>()?;
    known.dedup();
    Ok(known)
}

fn next(place: Place) -> String {
    let mut text = String::new();
    for part in [place.created_at.as_millis().unsigned_abs(), place.number] {
        // A text takes whatever is written to it.
        let _ = write!(text, "{part:016x}");
    }
    text
}

fn read_next(text: &str) -> Result<Place, Refusal> {
    let place = text.split_at_checked(16).and_then(|(time, number)| {
        let time = i64::from_str_radix(time, 16).ok()?;
        let number = u64::from_str_radix(number, 16).ok()?;
        Some(Place { created_at: Timestamp::from_millis(time)?, number })
    });
    place.ok_or_else(|| Refusal::malformed("`next` is not of a link"))
}
