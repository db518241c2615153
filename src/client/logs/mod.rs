//! Logs API: finished conversations, of a range of days.

mod cases;
mod day;
mod fingerprints;
mod page;
mod walk;

use std::time::Duration;

use self::fingerprints::Fingerprints;
use self::walk::{Walk, Window};
use crate::client::Account;
use crate::id::{CaseId, WidgetId};

pub use self::cases::Cases;
pub use self::day::{Day, DayError};
pub use self::page::LogPage;

impl Account {
    /// Starts a request for the finished conversations of a widget.
    ///
    /// ```no_run
    /// use snapengage::client::{Account, Day};
    ///
    /// async fn november(account: &Account) -> Result<(), Box<dyn std::error::Error>> {
    ///     let (first, last) = (Day::new(2026, 11, 1)?, Day::new(2026, 11, 30)?);
    ///     let logs = account.logs("a7e91ae8-d4f4").from(first).to(last);
    ///     let mut cases = logs.time_zone("Europe/Berlin").cases();
    ///     while let Some(case) = cases.next().await? {
    ///         println!("{}: {} lines", case.id, case.transcripts.len());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// See [SnapEngage docs/Logs API](https://developer.snapengage.com/#logs-api).
    pub fn logs(&self, widget: impl Into<WidgetId>) -> Logs {
        Logs::new(self, vec![Some(widget.into())])
    }

    /// Starts a request for the finished conversations of several widgets, one after the other.
    pub fn logs_of<W: Into<WidgetId>>(&self, widgets: impl IntoIterator<Item = W>) -> Logs {
        Logs::new(self, widgets.into_iter().map(|widget| Some(widget.into())).collect())
    }

    /// Starts a request for the finished conversations of all widgets that the token may see.
    ///
    /// SnapEngage pages for a single widget alone, and cuts off what is more than 100 cases without
    /// a sign. Days are asked for one by one where need be, and a day that is still full is
    /// [reported](Cases::may_be_cut_short): ask [by widget](Self::logs_of) where you can.
    pub fn all_logs(&self) -> Logs {
        Logs::new(self, vec![None])
    }
}

/// Request for finished conversations, of the days [from](Self::from) and [to](Self::to).
///
/// Days for which SnapEngage takes too long, after all attempts, are asked for in halves, down to a
/// single day.
///
/// SnapEngage stores a survey 5 minutes after the chat ends, or much later: fetch the last days
/// again to get it. A case is known by its [`key`](crate::integration::SupportRequest::key).
#[derive(Debug, Clone)]
#[must_use = "nothing is asked for until `cases` is called"]
pub struct Logs {
    account: Account,
    widgets: Vec<Option<WidgetId>>,
    from: Option<Day>,
    to: Option<Day>,
    time_zone: Option<String>,
    after: Option<CaseId>,
    except: Fingerprints,
    pause: Duration,
}

impl Logs {
    /// Time between two pages. The limit of calls is not documented, and this is what programs in
    /// use keep to.
    const PAUSE: Duration = Duration::from_millis(100);

    fn new(account: &Account, widgets: Vec<Option<WidgetId>>) -> Self {
        Self {
            account: account.clone(),
            widgets,
            from: None,
            to: None,
            time_zone: None,
            after: None,
            except: Fingerprints::default(),
            pause: Self::PAUSE,
        }
    }

    /// Sets the first day. Required.
    pub fn from(mut self, day: Day) -> Self {
        self.from = Some(day);
        self
    }

    /// Sets the last day, which is included. Required.
    pub fn to(mut self, day: Day) -> Self {
        self.to = Some(day);
        self
    }

    /// Sets the time zone in which a day begins and ends, by its IANA name: `Europe/Berlin`. UTC by
    /// default.
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = Some(name.into());
        self
    }

    /// Resumes after a case: those up to it are fetched and left out, and it too.
    ///
    /// It is safe only if the cases come in the order of then, which SnapEngage does not promise:
    /// days that were asked for in halves in one of the two runs alone may come in another. Where a
    /// case must not be missed, take [`except`](Self::except).
    ///
    /// All else has to be as it was then, and days that are still going on may have changed since.
    /// A case that does not come is an error at the end.
    pub fn after(mut self, case: impl Into<CaseId>) -> Self {
        self.after = Some(case.into());
        self
    }

    /// Leaves out the cases with these ids, in whatever order they come: those that are there
    /// already. They are fetched all the same.
    ///
    /// A million ids take some 40 MB of memory at most. A case that was left out is not looked at:
    /// a survey that came since is missed.
    pub fn except(mut self, ids: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.except.extend(ids);
        self
    }

    /// Sets the time from one page to the next. 100 milliseconds by default.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Returns the cases, which are fetched as they are needed.
    ///
    /// A mistake in the request is the error of the first of them, before anything is sent.
    pub fn cases(self) -> Cases {
        let walk = self.walk();
        Cases::new(self.account, walk, self.pause)
            .in_time_zone(self.time_zone)
            .resumed_after(self.after)
            .except(self.except)
    }

    fn walk(&self) -> Result<Walk, String> {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return Err("expected a first day and a last day, `from` and `to`".to_owned());
        };
        if from > to {
            return Err(format!("the first day, {from}, is after the last day, {to}"));
        }
        // Either would be asked for as all widgets.
        let is_empty = |widget: &Option<WidgetId>| {
            widget.as_ref().is_some_and(|widget| widget.as_str().trim().is_empty())
        };
        if self.widgets.is_empty() || self.widgets.iter().any(is_empty) {
            return Err("expected the id of a widget, found none".to_owned());
        }
        Ok(Walk::new(self.widgets.clone(), Window { from, to }))
    }
}
