//! Visitors, as a test plays them.

use std::fmt::Write as _;

use serde_json::Value;

use super::Simulator;
use super::visit::{LineAuthor, NewVisit, VisitLine, VisitState, VisitView};
use crate::bot::Button;
use crate::id::{CaseId, WidgetId};

/// Visitor who comes to a widget: [`Simulator::visit`].
#[derive(Debug, Clone)]
#[must_use]
pub struct SimulatedVisitor {
    simulator: Simulator,
    visit: NewVisit,
}

impl SimulatedVisitor {
    pub(super) fn new(simulator: Simulator, widget: WidgetId) -> Self {
        let visit = NewVisit { widget: Some(widget), ..NewVisit::default() };
        Self { simulator, visit }
    }

    /// Sets the email address.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.visit.email = Some(email.into());
        self
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.visit.name = Some(name.into());
        self
    }

    /// Sets the page that the chat is opened on.
    pub fn page_url(mut self, url: impl Into<String>) -> Self {
        self.visit.page_url = Some(url.into());
        self
    }

    /// Sets the first page of the site that they saw.
    pub fn entry_url(mut self, url: impl Into<String>) -> Self {
        self.visit.entry_url = Some(url.into());
        self
    }

    /// Sets the page that they came to the site from.
    pub fn referrer_url(mut self, url: impl Into<String>) -> Self {
        self.visit.referrer_url = Some(url.into());
        self
    }

    /// Sets the IP address. By default it is one of 198.18.0.0/15, by the number of the case.
    pub fn ip_address(mut self, address: impl Into<String>) -> Self {
        self.visit.ip_address = Some(address.into());
        self
    }

    /// Sets the name of the browser.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.visit.user_agent = Some(name.into());
        self
    }

    /// Sets the language.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.visit.locale = Some(locale.into());
        self
    }

    /// Sets who they are: a ban holds for all visits of one cookie. By default, somebody new.
    pub fn cookie(mut self, cookie: impl Into<String>) -> Self {
        self.visit.visitor = Some(cookie.into());
        self
    }

    /// Sets a variable of the page.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.visit.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the message that was shown to them unasked.
    pub fn proactive_message(mut self, text: impl Into<String>) -> Self {
        self.visit.proactive_message = Some(text.into());
        self
    }

    /// Starts the chat with a message, and waits for what its bot answers.
    ///
    /// # Panics
    ///
    /// If it cannot start, with the reason. [`Simulator::start_visit`] returns that.
    pub async fn start(mut self, text: impl Into<String>) -> SimulatedVisit {
        self.visit.text = Some(text.into());
        self.open().await
    }

    /// Starts the chat without a word.
    ///
    /// # Panics
    ///
    /// If it cannot start, with the reason.
    pub async fn open(self) -> SimulatedVisit {
        match self.simulator.start_visit(self.visit).await {
            Ok(case) => SimulatedVisit { simulator: self.simulator, case },
            Err(error) => panic!("the chat does not start: {error}"),
        }
    }
}

/// Chat of a visitor, as a test plays and looks at it.
///
/// All methods panic if something is not as it should be, and show the chat so far. Those that do
/// something return when all is through that it causes: the bot has answered, and the feeds have.
#[derive(Debug, Clone)]
pub struct SimulatedVisit {
    simulator: Simulator,
    case: CaseId,
}

impl SimulatedVisit {
    /// Returns the case of the chat.
    pub fn case_id(&self) -> &CaseId {
        &self.case
    }

    /// Returns the chat as it is now.
    ///
    /// # Panics
    ///
    /// If the simulator was [reset](Simulator::reset).
    #[track_caller]
    pub fn view(&self) -> VisitView {
        let view = self.simulator.visit_view(&self.case);
        view.unwrap_or_else(|| panic!("there is no such chat any more"))
    }

    /// Returns the lines, as people read them.
    ///
    /// # Panics
    ///
    /// If the simulator was [reset](Simulator::reset).
    #[track_caller]
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for line in self.view().lines {
            write_line(&mut text, &line);
        }
        text
    }

    /// Says something.
    ///
    /// # Panics
    ///
    /// If the chat has ended.
    pub async fn says(&self, text: impl AsRef<str>) -> &Self {
        let done = self.simulator.say(&self.case, text).await;
        self.check("say something", done)
    }

    /// Clicks a button of those shown last.
    ///
    /// # Panics
    ///
    /// If there is none of this text, or several.
    pub async fn click(&self, button: impl Into<Button>) -> &Self {
        let done = self.simulator.click(&self.case, button).await;
        self.check("click", done)
    }

    /// Gives an email address.
    ///
    /// # Panics
    ///
    /// If the chat has ended.
    pub async fn gives_email(&self, email: impl AsRef<str>) -> &Self {
        let done = self.simulator.email(&self.case, email).await;
        self.check("give an email address", done)
    }

    /// Says what it was like: a score from 0 to 100, and a comment.
    ///
    /// # Panics
    ///
    /// If the simulator was [reset](Simulator::reset).
    pub async fn survey(&self, score: u8, comment: impl AsRef<str>) -> &Self {
        let comment = Some(comment.as_ref()).filter(|comment| !comment.is_empty());
        let done = self.simulator.survey(&self.case, score, comment).await;
        self.check("say what it was like", done)
    }

    /// Leaves: the chat ends.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub async fn leaves(&self) -> &Self {
        let done = self.simulator.leave(&self.case).await;
        self.check("leave", done)
    }

    fn check(&self, what: &str, done: Result<(), super::LeverError>) -> &Self {
        if let Err(error) = done {
            panic!("the visitor cannot {what}: {error}\n\n{}", self.so_far());
        }
        self
    }

    /// Asserts that this text was shown since the visitor did something last.
    ///
    /// # Panics
    ///
    /// If it was not, with the chat so far.
    #[track_caller]
    pub fn sees(&self, text: &str) -> &Self {
        let seen = self.news();
        if !seen.iter().any(|line| line.text.as_deref() == Some(text)) {
            panic!("the visitor does not see {text:?}\n\n{}", self.so_far());
        }
        self
    }

    /// Asserts that nothing was shown since the visitor did something last.
    ///
    /// # Panics
    ///
    /// If something was, with the chat so far.
    #[track_caller]
    pub fn sees_nothing(&self) -> &Self {
        if !self.news().is_empty() {
            panic!("the visitor sees something\n\n{}", self.so_far());
        }
        self
    }

    /// Asserts that these are the buttons shown last.
    ///
    /// # Panics
    ///
    /// If they are not, with the chat so far.
    #[track_caller]
    pub fn sees_buttons<'b>(&self, buttons: impl IntoIterator<Item = &'b str>) -> &Self {
        let lines = self.view().lines;
        let shown = lines.iter().rev().find_map(|line| line.buttons.as_ref());
        let shown = shown.into_iter().flatten().map(|button| button.text.as_str());
        let (shown, expected): (Vec<_>, Vec<_>) = (shown.collect(), buttons.into_iter().collect());
        if shown != expected {
            panic!("the buttons are {shown:?}, not {expected:?}\n\n{}", self.so_far());
        }
        self
    }

    /// Asserts the state of the chat.
    ///
    /// # Panics
    ///
    /// If it is another one, with the chat so far.
    #[track_caller]
    pub fn assert_state(&self, expected: VisitState) -> &Self {
        let state = self.view().state;
        if state != expected {
            panic!("the chat is {state:?}, not {expected:?}\n\n{}", self.so_far());
        }
        self
    }

    /// Returns the lines since the last of the visitor's.
    #[track_caller]
    fn news(&self) -> Vec<VisitLine> {
        let mut lines = self.view().lines;
        let last = lines.iter().rposition(|line| line.from == LineAuthor::Visitor);
        lines.drain(..last.map_or(0, |last| last + 1));
        lines
    }

    fn so_far(&self) -> String {
        format!("the chat so far:\n{}", self.transcript())
    }
}

impl AsRef<str> for SimulatedVisit {
    fn as_ref(&self) -> &str {
        self.case.as_str()
    }
}

fn write_line(text: &mut String, line: &VisitLine) {
    let author = match line.from {
        LineAuthor::Visitor => "visitor",
        LineAuthor::Bot => "bot",
        LineAuthor::Agent => "agent",
        LineAuthor::System => "system",
    };
    let said = line.text.as_deref().or(line.goto.as_deref()).unwrap_or_default();
    let mark = if line.goto.is_some() { "-> " } else { "" };
    // A text can be written to.
    let _ = writeln!(text, "    {author}: {mark}{said}");
    for button in line.buttons.iter().flatten() {
        let _ = writeln!(text, "      [{}]", button.text);
    }
    for card in line.cards.iter().flat_map(|cards| &cards.cards) {
        let link = card.link.as_deref().unwrap_or_default();
        let _ = writeln!(text, "      [{}]({link})", card.title);
    }
}
