//! Replies as lines of a chat script.

use crate::bot::{Button, Card, Cards, Command, Content, Reply, Text};

/// Writes the lines of a reply; an empty text for an empty reply.
pub(super) fn reply(reply: &Reply) -> String {
    let mut lines: Vec<String> = reply.content().iter().map(content).collect();
    lines.extend(reply.returned_context_id().map(|id| line("bot context:", id)));
    lines.join("\n")
}

/// Writes a keyword and the text after it. White space at either end does not show, so it does not
/// count.
pub(super) fn line(keyword: &str, rest: &str) -> String {
    format!("{keyword} {}", rest.trim()).trim_end().to_owned()
}

/// Writes a text of one line or more behind a keyword.
pub(super) fn text(keyword: &str, text: &str) -> String {
    let mut rows = text.split('\n');
    let first = line(keyword, rows.next().unwrap_or_default());
    rows.fold(first, |lines, row| lines + "\n" + &line("  |", row))
}

/// Writes `[Yes]`, or `[Yes](id)`.
pub(super) fn button(button: &Button) -> String {
    link(&button.text, button.id.as_deref())
}

/// Reads a button's text and id from `[Yes](id)`; anything else is a text.
pub(super) fn read_button(text: &str) -> Button {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(')'));
    match inner.and_then(|inner| inner.rsplit_once("](")) {
        Some((text, id)) => Button::new(text).id(id),
        None => Button::new(text),
    }
}

fn link(text: &str, target: Option<&str>) -> String {
    let target = target.map(|target| format!("({target})"));
    format!("[{text}]{}", target.unwrap_or_default())
}

fn content(content: &Content) -> String {
    match content {
        Content::Message(message) => self::message(message),
        Content::Command(command) => self::command(command),
        Content::Other(value) => line("bot sends:", &value.to_string()),
    }
}

fn message(message: &Text) -> String {
    let buttons = message.display_responses.iter();
    buttons.fold(text("bot:", &message.text), |lines, each| lines + "\n  " + &button(each))
}

fn command(command: &Command) -> String {
    let parameters = match (command, command.parameters()) {
        (Command::Cards(cards), _) => return self::cards(cards),
        (Command::Other { .. }, Some(value)) => value.to_string(),
        (_, Some(value)) => value.as_str().map_or_else(|| value.to_string(), escaped),
        (_, None) => String::new(),
    };
    line("bot does:", &format!("{} {parameters}", command.operation()))
}

/// Escapes a parameter, so that it fits on one line.
fn escaped(text: &str) -> String {
    text.replace('\n', "\\n")
}

fn cards(cards: &Cards) -> String {
    let first = line("bot does:", &format!("CARDS {}", cards.layout));
    cards.cards.iter().fold(first, |lines, each| lines + "\n" + &card(each))
}

fn card(card: &Card) -> String {
    let excerpt = card.excerpt.as_deref().map(escaped);
    line(&format!("  {}", link(&card.title, card.link.as_deref())), &excerpt.unwrap_or_default())
}
