//! The dialogue of `booking_bot`: its next reply, by the state of the conversation.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use snapengage::bot::{Button, Message, Reply};
use snapengage::dialogue::{Dialogue, Input, Step};
use snapengage::{HandlerError, async_trait};

const HELLO: &str = "Hello! I book you in.";

/// Books a haircut or a shave.
#[derive(Debug)]
pub(crate) struct Barber;

/// State of a conversation: the question that the visitor is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Booking {
    /// Nothing yet: the chat has just opened.
    New,
    /// What shall it be?
    Service,
    /// On which day?
    Day { service: Service },
    /// Under which email address?
    Email { service: Service, day: String },
    /// Is that right?
    Confirm { service: Service, day: String, email: String },
    /// Anything else?
    Booked,
    /// Nothing: a human is to take over. The conversation was here before.
    HandedOver { before: Box<Booking> },
}

/// Services that can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Service {
    Haircut,
    Shave,
}

impl Service {
    const ALL: [Self; 2] = [Self::Haircut, Self::Shave];

    fn name(self) -> &'static str {
        match self {
            Self::Haircut => "haircut",
            Self::Shave => "shave",
        }
    }
}

#[async_trait]
impl Dialogue for Barber {
    type State = Booking;

    fn start(&self) -> Booking {
        Booking::New
    }

    async fn step(&self, state: Booking, input: Input) -> Result<Step<Booking>, HandlerError> {
        Ok(match input {
            Input::Opened(_) => start_with(HELLO),
            Input::Said(message) if wants_a_human(&message.text) => hand_over(state),
            Input::Clicked { id, .. } if id == "human" => hand_over(state),
            Input::Clicked { id, message } => answered(state, &id, &message),
            Input::Said(message) => answered(state, message.text.trim(), &message),
            Input::TransferFailed(_) => nobody_came(state),
            _ => Step::stay(Reply::new()),
        })
    }
}

/// Returns the step that follows an answer: the id of a button, or the typed text.
fn answered(state: Booking, answer: &str, message: &Message) -> Step<Booking> {
    match state {
        Booking::New => service_chosen(answer).unwrap_or_else(|| start_with(HELLO)),
        Booking::Service => {
            service_chosen(answer).unwrap_or_else(|| start_with("We do not do that."))
        }
        Booking::Day { service } => day_given(service, answer, message),
        Booking::Email { service, day } => email_given(service, day, answer),
        Booking::Confirm { service, day, email } => match answer {
            "yes" => booked(service, &day, &email),
            "no" => start_with("Then once more."),
            _ => again(Booking::Confirm { service, day, email }, "Yes or no?"),
        },
        Booking::Booked => match answer {
            "again" => start_with("With pleasure."),
            _ => Step::end(Reply::say("See you!").bye()),
        },
        Booking::HandedOver { .. } => Step::stay(Reply::new()),
    }
}

/// Finds the service in a text, in "I need a haircut" as well.
fn service_chosen(answer: &str) -> Option<Step<Booking>> {
    let service = Service::ALL.into_iter().find(|service| names(answer, &[service.name()]))?;
    Some(ask(Booking::Day { service }))
}

fn day_given(service: Service, answer: &str, message: &Message) -> Step<Booking> {
    match open_day(answer, today(message)) {
        Ok(day) => ask(Booking::Email { service, day: day.to_string() }),
        Err(problem) => again(Booking::Day { service }, problem),
    }
}

/// Reads a day of the form `2026-05-29` on which the shop is open, from tomorrow on.
fn open_day(text: &str, today: Date) -> Result<Date, &'static str> {
    let day: Date = text.parse().map_err(|_| "I cannot read that.")?;
    if day <= today {
        return Err("That is too soon.");
    }
    if day.weekday() == Weekday::Sunday {
        return Err("We are closed on Sundays.");
    }
    Ok(day)
}

/// Returns the day on which the visitor wrote, which is not always the day on which it is read.
fn today(message: &Message) -> Date {
    let sent =
        message.timestamp.and_then(|time| Timestamp::from_millisecond(time.as_millis()).ok());
    sent.unwrap_or_else(Timestamp::now).to_zoned(TimeZone::UTC).date()
}

fn email_given(service: Service, day: String, answer: &str) -> Step<Booking> {
    let is_email = answer.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !answer.contains(char::is_whitespace)
    });
    if is_email {
        return ask(Booking::Confirm { service, day, email: answer.to_owned() });
    }
    again(Booking::Email { service, day }, "That is no email address.")
}

fn booked(service: Service, day: &str, email: &str) -> Step<Booking> {
    let done = Reply::say(format!("Booked. A note is on its way to {email}."))
        .label("service", [service.name()])
        .label("day", [day]);
    Step::go(Booking::Booked, question(&Booking::Booked, done))
}

fn hand_over(state: Booking) -> Step<Booking> {
    match state {
        Booking::HandedOver { .. } => Step::stay(Reply::new()),
        Booking::New => hand_over(Booking::Service),
        before => Step::go(
            Booking::HandedOver { before: Box::new(before) },
            Reply::say("One moment, please.").to_human(),
        ),
    }
}

/// Apologizes for a human who did not come, and goes back to the previous state.
fn nobody_came(state: Booking) -> Step<Booking> {
    match state {
        Booking::HandedOver { before } => again(*before, "Nobody is free right now, sorry."),
        other => again(other, "That did not work, sorry."),
    }
}

/// Returns `true` if one of the words asks for a human. `agent@example.com` does not.
fn wants_a_human(text: &str) -> bool {
    names(text, &["human", "agent", "somebody"])
}

/// Returns `true` if one of the words of a text is one of these.
fn names(text: &str, wanted: &[&str]) -> bool {
    let mut words =
        text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphabetic()));
    words.any(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
}

fn start_with(text: &str) -> Step<Booking> {
    again(Booking::Service, text)
}

/// Goes to a state and asks its question.
fn ask(state: Booking) -> Step<Booking> {
    let reply = question(&state, Reply::new());
    Step::go(state, reply)
}

/// Goes to a state and asks its question, after another message.
fn again(state: Booking, text: &str) -> Step<Booking> {
    let reply = question(&state, Reply::say(text));
    Step::go(state, reply)
}

/// Appends the question of a state to a reply.
fn question(state: &Booking, reply: Reply) -> Reply {
    match state {
        Booking::New | Booking::Service => {
            let reply = reply.and_say("What shall it be?");
            let services = Service::ALL.into_iter().map(Service::name);
            let reply = services
                .fold(reply, |reply, name| reply.button(Button::new(format!("A {name}")).id(name)));
            reply.button(Button::new("Talk to somebody").id("human"))
        }
        Booking::Day { service } => {
            reply.and_say(format!("A {}. On which day? Like 2026-05-29.", service.name()))
        }
        Booking::Email { day, .. } => reply.and_say(format!("{day} it is. Your email address?")),
        Booking::Confirm { service, day, email } => reply
            .and_say(format!("A {} on {day}, for {email}. Right?", service.name()))
            .button(Button::new("Yes").id("yes"))
            .button(Button::new("No").id("no")),
        Booking::Booked => reply
            .and_say("Anything else?")
            .button(Button::new("Another one").id("again"))
            .button(Button::new("No, thanks").id("no")),
        Booking::HandedOver { .. } => reply,
    }
}
