//! The way through the logs: one widget after the other, in windows of days, from link to link.

use http::Uri;

use super::day::Day;
use super::fingerprints::Fingerprints;
use super::page::LogPage;
use crate::client::origin::Origins;
use crate::id::WidgetId;
use crate::integration::SupportRequest;
use crate::timestamp::Timestamp;

/// Days of one request, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Day,
    pub(super) to: Day,
}

impl Window {
    fn days(self) -> u64 {
        u64::try_from(self.from.days_until(self.to)).map_or(0, |days| days + 1)
    }

    /// Returns the earlier half and the later one; `None` of a single day.
    fn halves(self) -> Option<[Self; 2]> {
        let days = self.from.days_until(self.to);
        let middle = self.from.later(days / 2);
        (days > 0).then(|| {
            [Self { from: self.from, to: middle }, Self { from: middle.next(), to: self.to }]
        })
    }
}

/// Place in the logs, and what is left.
pub(super) struct Walk {
    window: Window,
    /// Widgets left, the current one last. `None` is all of them at once.
    widgets: Vec<Option<WidgetId>>,
    /// Windows left of the current widget, the current one last.
    windows: Vec<Window>,
    next: Next,
    /// Addresses that the pages of the current window came from.
    seen: Fingerprints,
    /// Cases of the last page of the current window.
    last: Fingerprints,
    /// Pages of the current window.
    pages: u32,
    /// Pages in a row that had a link and no case.
    empty: u32,
    full_days: Vec<Day>,
    days: u64,
    days_done: u64,
    /// First and last day of the cases of the current window.
    span: Option<(Day, Day)>,
}

/// Next request of a window.
enum Next {
    FirstPage,
    Page(Uri),
    /// Link that is not followed, and why.
    Astray(&'static str),
}

/// Request to be made.
pub(super) struct Step<'w> {
    pub(super) widget: Option<&'w WidgetId>,
    pub(super) window: Window,
    /// Link to be followed, in place of a request of one's own.
    pub(super) link: Option<&'w Uri>,
}

/// Outcome of a page for those who wait for its cases.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Taken,
    /// Not all of it came. It is asked for again, in two halves.
    Halved,
    /// Its cases are those of the page before.
    Repeated,
}

impl Walk {
    /// Most cases of a page.
    const PAGE: usize = 100;

    /// Pages without a case and with a new link each are not followed for ever.
    const MOST_EMPTY: u32 = 1000;

    /// Ten million cases.
    const MOST_PAGES: u32 = 100_000;

    pub(super) fn new(mut widgets: Vec<Option<WidgetId>>, window: Window) -> Self {
        widgets.reverse();
        let days = window.days().saturating_mul(widgets.len() as u64);
        Self {
            window,
            widgets,
            windows: vec![window],
            next: Next::FirstPage,
            seen: Fingerprints::default(),
            last: Fingerprints::default(),
            pages: 0,
            empty: 0,
            full_days: Vec::new(),
            days,
            days_done: 0,
            span: None,
        }
    }

    /// Returns the next request; `None` at the end.
    ///
    /// # Errors
    ///
    /// If it would be to a link that is not followed.
    pub(super) fn step(&self) -> Result<Option<Step<'_>>, &'static str> {
        let (Some(widget), Some(window)) = (self.widgets.last(), self.windows.last()) else {
            return Ok(None);
        };
        let link = match &self.next {
            Next::FirstPage => None,
            Next::Page(link) => Some(link),
            Next::Astray(why) => return Err(why),
        };
        Ok(Some(Step { widget: widget.as_ref(), window: *window, link }))
    }

    /// Takes the page that came from the address of the current request.
    pub(super) fn arrived(&mut self, page: &LogPage, from: &Uri, origins: &Origins) -> Arrival {
        if self.is_cut_short(page) {
            if self.halve() {
                return Arrival::Halved;
            }
            self.full_days.extend(self.windows.last().map(|window| window.from));
        }
        if page.link_to_next.is_some() && self.is_repeated(page) {
            let why = "the link to the next page leads to the same cases again";
            self.next = Next::Astray(why);
            return Arrival::Repeated;
        }
        self.note_days(page);
        self.seen.insert(&from.to_string());
        self.pages += 1;
        self.last.clear();
        self.last.extend(page.cases.iter().map(|case| &case.id));
        match &page.link_to_next {
            Some(link) => self.next = self.follow(link, page, origins),
            None => self.end_window(),
        }
        Arrival::Taken
    }

    /// Halves the current window, if none of its pages has been taken and it has more than one
    /// day.
    pub(super) fn halve(&mut self) -> bool {
        let is_first = matches!(self.next, Next::FirstPage);
        let halves = self.windows.last().filter(|_| is_first).and_then(|window| window.halves());
        let Some([earlier, later]) = halves else { return false };
        self.windows.pop();
        self.windows.extend([later, earlier]);
        true
    }

    /// Returns `true` if there may be more cases than came: SnapEngage pages for a single widget
    /// alone, and cuts off the rest without a sign.
    fn is_cut_short(&self, page: &LogPage) -> bool {
        let widget = self.widgets.last().and_then(Option::as_ref);
        // A comma makes it a list.
        let is_paged = widget.is_some_and(|widget| !widget.as_str().contains(','));
        let is_whole = matches!(self.next, Next::FirstPage) && page.link_to_next.is_none();
        !is_paged && is_whole && page.cases.len() + page.unreadable() >= Self::PAGE
    }

    fn is_repeated(&self, page: &LogPage) -> bool {
        let is_on_the_last = |case: &SupportRequest| self.last.contains(case.id.as_str());
        !page.cases.is_empty() && page.cases.iter().all(is_on_the_last)
    }

    fn follow(&mut self, link: &str, page: &LogPage, origins: &Origins) -> Next {
        self.empty = if page.cases.is_empty() { self.empty + 1 } else { 0 };
        if self.empty > Self::MOST_EMPTY {
            return Next::Astray(
                "a thousand pages in a row were empty, each with a link to another",
            );
        }
        if self.pages >= Self::MOST_PAGES {
            return Next::Astray(
                "a hundred thousand pages have links to another; ask for fewer days",
            );
        }
        let Some(address) = link.parse::<Uri>().ok().filter(|link| link.scheme().is_some()) else {
            return Next::Astray("the link to the next page is no address");
        };
        if !origins.may_have_credentials(&address) {
            return Next::Astray("the link to the next page leads to another host");
        }
        if self.seen.contains(&address.to_string()) {
            return Next::Astray("the link to the next page leads to one that came before");
        }
        Next::Page(address)
    }

    fn end_window(&mut self) {
        self.days_done += self.windows.pop().map_or(0, Window::days);
        (self.next, self.span) = (Next::FirstPage, None);
        (self.pages, self.empty) = (0, 0);
        self.seen.clear();
        self.last.clear();
        if self.windows.is_empty() {
            self.widgets.pop();
            self.windows.extend((!self.widgets.is_empty()).then_some(self.window));
        }
    }

    fn note_days(&mut self, page: &LogPage) {
        let Some(window) = self.windows.last() else { return };
        for time in page.cases.iter().filter_map(SupportRequest::created_at) {
            let day = day_in(*window, time);
            let (first, last) = self.span.unwrap_or((day, day));
            self.span = Some((first.min(day), last.max(day)));
        }
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn full_days(&self) -> &[Day] {
        &self.full_days
    }

    /// Returns the days asked for, each once a widget.
    pub(super) fn days(&self) -> u64 {
        self.days
    }

    /// Returns those whose cases came. The order of cases is not documented: of the current
    /// window, it is the days between the earliest and the latest one.
    pub(super) fn days_done(&self) -> u64 {
        let current = self.span.map_or(0, |(from, to)| Window { from, to }.days());
        self.days_done + current
    }
}

/// Returns the day of a case: within the window, whatever the time zone.
pub(super) fn day_in(window: Window, time: Timestamp) -> Day {
    Day::of(time).clamp(window.from, window.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_without_an_end_are_left() {
        let origins = Origins::new(Origins::SNAPENGAGE, &[]).expect("a base address");
        let day = Day::MIN;
        let mut walk = Walk::new(vec![Some("w".into())], Window { from: day, to: day });
        let mut from = Uri::from_static(Origins::SNAPENGAGE);
        for number in 1_u64.. {
            let link = format!("{}/{number}", Origins::SNAPENGAGE);
            let mut page = LogPage::new();
            page.cases.push(SupportRequest::new(number.to_string()));
            page.link_to_next = Some(link.clone());
            assert_eq!(walk.arrived(&page, &from, &origins), Arrival::Taken);
            from = link.parse().expect("an address");
            if let Err(why) = walk.step() {
                assert_eq!((number, &why[..22]), (100_000, "a hundred thousand pag"));
                break;
            }
        }
    }
}
