//! What was chosen where the vendor's pages are silent.

use serde::Serialize;

/// One thing that the simulator does, and whether SnapEngage's pages say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Choice {
    /// What it is about.
    pub what: &'static str,
    /// What the simulator does.
    pub value: &'static str,
    /// `true` if the vendor's pages say or show it, `false` if it was chosen.
    pub documented: bool,
}

/// Returns what the simulator does, row by row: [the table](super#what-was-chosen) of this page.
pub fn choices() -> &'static [Choice] {
    CHOICES
}

const fn says(what: &'static str, value: &'static str) -> Choice {
    Choice { what, value, documented: true }
}

const fn chosen(what: &'static str, value: &'static str) -> Choice {
    Choice { what, value, documented: false }
}

const CHOICES: &[Choice] = &[
    says("status of success", "201 for a user or a widget that was created, 200 for all else"),
    says("escapes in JSON", "Gson's: \\u003c \\u003e \\u0026 \\u003d \\u0027"),
    chosen("body of an error", "{\"code\", \"message\"}"),
    says("not found in Visitor Chat", "404 without a body"),
    says("error of Widget Availability", "200 with {\"statusCode\", \"error\"}"),
    chosen("statusCode of an unknown widget", "404"),
    chosen("other origins in browsers", "Widget Availability lets any read it, nothing else does"),
    chosen("longest body", "1 MiB, then 413"),
    chosen("longest message of a visitor", "64 KiB, then 400"),
    chosen("most that calls may leave behind", "256 MiB, then 503"),
    chosen("wrong method", "405 with Allow, at every address"),
    says("Agent Status: statuses that can be set", "online and pause"),
    chosen("Agent Status: any other status", "400"),
    chosen("Agent Status: unknown agent", "404"),
    chosen("Agent Status: agent who is signed out", "signed in by it"),
    chosen("Agent Status: longest sub_status", "256 characters, then 400"),
    says("Logs: cases of a page", "100, and a link if there are more"),
    says("Logs: link of the last page", "empty"),
    chosen("Logs: address of the link", "the one that was asked, with next"),
    says("Logs: several widgets, or none", "no link"),
    chosen("Logs: more than 100 of several widgets", "cut off without a sign, by time of creation"),
    chosen("Logs: several widgets", "separated by commas"),
    chosen("Logs: unknown widget", "404"),
    chosen("Logs: another organization", "403"),
    chosen("Logs: order of the cases", "by time of creation, the oldest first"),
    chosen("Logs: time that start and end are of", "the creation of the case"),
    chosen("Logs: end that is a day", "included"),
    chosen(
        "Logs: start or end with a time of day",
        "that moment, in the time zone if it names none",
    ),
    chosen("Logs: time zone", "moves where days begin; 400 if the system does not know it"),
    says("Logs: dates", "epoch milliseconds"),
    says("Logs: survey", "5 minutes after it was given"),
    says("Logs: visitor's line", "id and alias are empty; no line has a sender"),
    says("users: emails", "in lower case, under 100 characters"),
    says("users: password", "5 to 99 characters, never returned"),
    chosen("users: created twice", "400"),
    chosen("users: unknown, or unknown account type", "404, 400"),
    chosen("users: update without phone, type or password", "keeps them"),
    chosen("users: templateId of a user who is known", "the account type is that one's"),
    chosen("users: DELETE user.json with a widget's uuid", "deletes the user of the email"),
    chosen("users: widgets of a deleted user", "stay"),
    says("widgets: email", "that of a user, else 400"),
    chosen("widgets: email of another user", "404"),
    chosen("widgets: email, for one that the simulator started with", "any, unless it has one"),
    says("widgets: agents", "one at least; in lower case; with wc: in answers"),
    chosen("widgets: update", "replaces the agents; what else is left out stays"),
    says("widgets: enableProactiveChat", "a text in answers"),
    chosen("widgets: enableProactiveChat of one that never said", "false"),
    says("widgets: enableConversations", "not in the answer of get"),
    says("widgets: conversationSchedule", "checked, and never returned"),
    chosen("widgets: agents nobody knew", "known from then on, signed out"),
    chosen("online", "while an agent of the widget is"),
    says("Visitor Chat: parameters", "in the query; of POST in a form as well"),
    chosen("Visitor Chat: start while offline", "400"),
    chosen("Visitor Chat: offline message", "in the logs at once; 404 when polled"),
    says("Visitor Chat: texts of a poll", "end with a space"),
    says("Visitor Chat: indexes of a poll", "from 2, without those of the visitor"),
    says(
        "Visitor Chat: codes for the widget",
        "those of the sample, as a chat starts and is taken",
    ),
    chosen("Visitor Chat: name in the first codes", "the first agent of the widget who is online"),
    chosen("Visitor Chat: agentTyping", "false"),
    chosen("Visitor Chat: poll of a chat that has ended", "what is left of it, then 404"),
    chosen("Visitor Chat: say in a chat that has ended", "404"),
    chosen("Visitor Chat: close a chat that has ended", "200, and nothing happens"),
    chosen("files: address", "/files/NAME"),
    chosen("files: content type", "application/octet-stream"),
    chosen("files: unknown, or another organization", "404, 403"),
    chosen("ids", "in the form of a UUID, by seed and number"),
    chosen("case: what is not known of a visitor", "unknown@example.com, page unknown"),
    chosen("case: IP address", "one of 198.18.0.0/15, by number"),
];
