//! Finished conversations, fetched page by page as they are needed.

use std::fmt;
use std::time::Duration;
use std::vec;

use http::Uri;
use tokio::time::{Instant, sleep_until};

use super::day::Day;
use super::fingerprints::Fingerprints;
use super::page::LogPage;
use super::walk::{Arrival, Step, Walk, day_in};
use crate::client::Account;
use crate::client::attempts::after;
use crate::client::call::Call;
use crate::client::error::{ClientError, Failure};
use crate::client::operation::Operation;
use crate::id::CaseId;
use crate::integration::SupportRequest;

/// Finished conversations of the logs, in the order in which SnapEngage has them.
///
/// Pages are fetched as their cases are needed, and one is in memory at a time. A future may be
/// dropped: nothing is lost, and the page that was on its way is asked for anew. After an error,
/// the next call asks for the same page.
///
/// ```no_run
/// use snapengage::client::{ClientError, Cases};
///
/// async fn export(mut cases: Cases) -> Result<(), ClientError> {
///     while let Some(case) = cases.next().await? {
///         println!("{}: {} lines", case.id, case.transcripts.len());
///     }
///     if cases.may_be_cut_short() {
///         eprintln!("there may be more on {:?}", cases.full_days());
///     }
///     Ok(())
/// }
/// ```
#[must_use = "nothing is fetched until `next` is called"]
pub struct Cases {
    account: Account,
    time_zone: Option<String>,
    pause: Duration,
    walk: Result<Walk, String>,
    /// Case to resume after, which has not come yet.
    resume_after: Option<CaseId>,
    except: Fingerprints,
    left_out: u64,
    /// End of the pause after the last page.
    not_before: Option<Instant>,
    page: vec::IntoIter<SupportRequest>,
    day: Option<Day>,
    unreadable: u64,
}

impl Cases {
    pub(super) fn new(account: Account, walk: Result<Walk, String>, pause: Duration) -> Self {
        Self {
            account,
            time_zone: None,
            pause,
            walk,
            resume_after: None,
            except: Fingerprints::default(),
            left_out: 0,
            not_before: None,
            page: Vec::new().into_iter(),
            day: None,
            unreadable: 0,
        }
    }

    pub(super) fn in_time_zone(mut self, time_zone: Option<String>) -> Self {
        self.time_zone = time_zone;
        self
    }

    pub(super) fn resumed_after(mut self, case: Option<CaseId>) -> Self {
        self.resume_after = case;
        self
    }

    pub(super) fn except(mut self, ids: Fingerprints) -> Self {
        self.except = ids;
        self
    }

    /// Returns the next case; `None` after the last one.
    ///
    /// # Errors
    ///
    /// If a page cannot be fetched, or its link to the next one leads to another host or to a page
    /// that was there before, or never to an end; at the end, if the case to resume after did not
    /// come. The same page is asked for when this is called again.
    pub async fn next(&mut self) -> Result<Option<SupportRequest>, ClientError> {
        while self.page.as_slice().is_empty() {
            if !self.fetch().await? {
                return Ok(None);
            }
        }
        let case = self.page.next();
        self.note_day(case.as_ref());
        Ok(case)
    }

    /// Returns the next cases, a page of up to 100 or what is left of it; `None` after the last.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next).
    pub async fn next_page(&mut self) -> Result<Option<Vec<SupportRequest>>, ClientError> {
        let Some(first) = self.next().await? else { return Ok(None) };
        let mut page = vec![first];
        page.extend(&mut self.page);
        self.note_day(page.last());
        Ok(Some(page))
    }

    fn note_day(&mut self, case: Option<&SupportRequest>) {
        let time = case.and_then(SupportRequest::created_at);
        if let (Some(time), Ok(walk)) = (time, &self.walk) {
            self.day = Some(day_in(walk.window(), time));
        }
    }

    /// Returns `true` if SnapEngage may have cut off the cases of a day, which it does without a
    /// sign where it does not page: with no widget, after 100 cases.
    pub fn may_be_cut_short(&self) -> bool {
        !self.full_days().is_empty()
    }

    /// Returns the days of which there may be more cases than came. Ask for them widget by widget.
    pub fn full_days(&self) -> &[Day] {
        self.walk.as_ref().map_or(&[], Walk::full_days)
    }

    /// Returns the number of cases so far that could not be read, for want of an id. The log has a
    /// warning for each page that had some.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Returns the number of cases so far that were left out as
    /// [asked for](crate::client::Logs::except).
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Returns the day of the case that was returned last, in UTC, but within the days asked for.
    pub fn day(&self) -> Option<Day> {
        self.day
    }

    /// Returns the number of days whose cases have been fetched, of [`days`](Self::days): for a
    /// progress bar, since SnapEngage tells no number of cases. It never falls.
    ///
    /// A widget whose last page is not there yet counts the days between the earliest case and the
    /// latest one.
    pub fn days_done(&self) -> u64 {
        self.walk.as_ref().map_or(0, Walk::days_done)
    }

    /// Returns the number of days asked for, each counted once a widget.
    pub fn days(&self) -> u64 {
        self.walk.as_ref().map_or(0, Walk::days)
    }

    /// Fetches a page, or finds out that a window has to be halved. `false` at the end.
    ///
    /// Whatever is dropped here leaves everything as it was: it changes after the last `await`.
    async fn fetch(&mut self) -> Result<bool, ClientError> {
        let Some(call) = self.call()? else { return Ok(false) };
        if let Some(not_before) = self.not_before {
            sleep_until(not_before).await;
        }
        let address = call.address();
        let answer = call.send().await;
        self.not_before = Some(after(self.pause));
        let Ok(walk) = &mut self.walk else { return Ok(false) };
        match answer {
            Ok(answer) => {
                let page = answer.read_by(LogPage::logged)?;
                self.take(page, &address.unwrap_or_default());
            }
            // After all attempts: there is too much in the window for SnapEngage, and most gateways
            // take longer to say so than an attempt does.
            Err(error) if error.is_timeout() && walk.halve() => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Returns the next request; `None` at the end.
    fn call(&self) -> Result<Option<Call>, ClientError> {
        let walk =
            self.walk.as_ref().map_err(|mistake| self.error(Failure::Mistake(mistake.clone())))?;
        match (walk.step(), &self.resume_after) {
            (Ok(Some(step)), _) => Ok(Some(self.request(&step))),
            (Ok(None), None) => Ok(None),
            (Ok(None), Some(_)) => {
                let mistake = "the case to resume after is not in these logs";
                Err(self.error(Failure::Mistake(mistake.to_owned())))
            }
            (Err(why), _) => Err(self.error(Failure::Astray(why))),
        }
    }

    fn request(&self, step: &Step<'_>) -> Call {
        let client = &self.account.client;
        let call = match step.link {
            Some(link) => client.call_address(Operation::Logs, link.clone()),
            None => self.first_page(step),
        };
        call.authorization(&self.account.token)
    }

    fn first_page(&self, step: &Step<'_>) -> Call {
        let org = self.account.org.to_string();
        let mut call = self.account.client.call(Operation::Logs, &["api", "v2", &org, "logs"]);
        if let Some(widget) = step.widget {
            call = call.query("widgetId", widget.as_str());
        }
        if let Some(time_zone) = &self.time_zone {
            call = call.query("timezone", time_zone);
        }
        let (from, to) = (step.window.from.to_string(), step.window.to.to_string());
        call.query("start", &from).query("end", &to)
    }

    /// Returns an error for which nothing was sent.
    fn error(&self, failure: Failure) -> ClientError {
        self.account.client.call(Operation::Logs, &[]).error(failure, 0, false)
    }

    fn take(&mut self, page: LogPage, from: &Uri) {
        let Ok(walk) = &mut self.walk else { return };
        if walk.arrived(&page, from, self.account.client.origins()) != Arrival::Taken {
            return;
        }
        self.unreadable += page.unreadable() as u64;
        let mut cases = page.cases;
        if let Some(last) = &self.resume_after {
            let found = cases.iter().position(|case| case.id == *last);
            cases.drain(..found.map_or(cases.len(), |last| last + 1));
            self.resume_after = self.resume_after.take().filter(|_| found.is_none());
        }
        let fetched = cases.len();
        cases.retain(|case| !self.except.contains(case.id.as_str()));
        self.left_out += (fetched - cases.len()) as u64;
        self.page = cases.into_iter();
    }
}

impl fmt::Debug for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cases")
            .field("day", &self.day)
            .field("days_done", &self.days_done())
            .field("days", &self.days())
            .finish_non_exhaustive()
    }
}
