//! Choices made where the vendor's pages are silent.

use serde::Serialize;

/// One thing that the simulator does, and whether SnapEngage's pages say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Choice {
    /// Subject of the choice.
    pub what: &'static str,
    /// Behaviour of the simulator.
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
    chosen(
        "other origins in browsers",
        "may read what is below /public/, /js/ and /_v/, errors and faults as well; nothing else",
    ),
    chosen("longest body", "1 MiB, then 413"),
    chosen("longest text of a visitor or an agent", "64 KiB, then 400"),
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
    chosen("online", "while the widget has a bot, or an agent of it is"),
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
    chosen(
        "chat: with a bot",
        "the bot's; chatStarted with the first message as text; no caseAssigned",
    ),
    chosen("chat: without a bot", "caseQueued, after caseBroadcasted if several agents are online"),
    chosen("chat: nobody there", "409, and an offline message can be left"),
    chosen("chat: malformed email or IP address, empty text", "400, but in Visitor Chat"),
    chosen("chat: an agent takes it", "caseAssigned; their first line is caseResponded"),
    chosen("chat: agent who is not online, or chat that a bot has", "cannot take, cannot be taken"),
    chosen("chat: silence that ends it", "30 minutes, timed_out; not while somebody looks at it"),
    chosen(
        "chat: silence with a seed",
        "the seconds of events do not count, only time that is added",
    ),
    chosen("chat: end", "chatClosed to a bot that had it, caseClosed, Integration"),
    chosen("bot: time for an answer", "10 s of real time; the same for all feeds"),
    chosen(
        "bot: late, failing, unreadable or not 2xx",
        "a system line, and the chat goes to a human as by HUMAN_TRANSFER",
    ),
    chosen("bot: answer that is unreadable", "in its delivery, with the field as error"),
    chosen("bot: redirect", "a failure, never followed"),
    chosen("bot: empty content, no body, 204", "shows nothing"),
    chosen("bot: answer to chatClosed", "not read"),
    chosen(
        "bot: answer to commandResult",
        "carried out; a failure there is a system line and no more",
    ),
    chosen("bot: longest answer", "1 MiB, then a failure"),
    chosen("bot: context_id", "back with the next request of the chat, whatever it is"),
    says("bot: context_id, once", "sent back once"),
    chosen("bot: jsVariables", "name=value, with commas between them"),
    chosen("bot: hmacVerificationResult", "NOT_VERIFIED if the signature is wrong, old or used"),
    chosen("bot: age of a signature", "5 minutes, by the simulated time or by the clock"),
    chosen(
        "transfers: an agent of the target is online",
        "caseTransferred, and the chat waits to be taken by any of the widget",
    ),
    chosen(
        "transfers: nobody is online",
        "commandResult NO_AGENTS_AVAILABLE, a system line; stays with the bot",
    ),
    chosen("transfers: unknown widget", "commandResult WIDGET_NOT_FOUND"),
    chosen("transfers: no or unreadable parameters", "commandResult MISSING_PARAM"),
    chosen("transfers: agent not of the widget", "commandResult TRANSFER_NOT_ALLOWED"),
    chosen(
        "transfers: by an agent to a widget with a bot",
        "the bot's, and chatStarted for it, without a text",
    ),
    chosen("transfers: by an agent to the same one", "409"),
    chosen("transfers: by tags", "to agents who have all of them"),
    chosen("transfers: several in a reply", "the first that succeeds is the last"),
    chosen("transfers: failures that a bot is told of", "5 until the visitor does something"),
    chosen(
        "transfers: feeds after one to a widget without",
        "those of the widget the chat began on",
    ),
    chosen("LABEL", "one caseLabeled a value"),
    chosen("LABEL, CARDS or GOTO that cannot be read", "a system line and no more"),
    chosen("BYE, BAN, BAN_IP", "the chat has ended, by agent; what follows is not carried out"),
    says("BAN", "bans the visitor for a while"),
    chosen("BAN: while", "an hour, by cookie: 409"),
    says("BAN_IP", "bans the address for good"),
    chosen("agent_* in events", "left out before an agent has taken the chat, and in caseQueued"),
    chosen("survey", "caseSurveyed at once; in Integration if given before the end"),
    says("Integration: repeated", "on anything but 2xx, for about 2 hours; then an email"),
    chosen(
        "Integration: time between attempts",
        "5 minutes, 25 attempts, the same body; the last one is mailed",
    ),
    says("Get Contact: asked", "at the start with an email address, and when one is given"),
    chosen("Get Contact: without a page", "an empty url"),
    chosen(
        "Get Contact: address in deliveries",
        "without the last segment of its path and the values of its query",
    ),
    chosen("Conversation Events, Agent Status, Get Contact: failed", "not repeated"),
    says("Authorization", "the token as it is"),
    chosen("User-Agent", "SnapEngage-Simulator/VERSION"),
    chosen("Content-Type", "application/json or text/xml, with charset=utf-8"),
    chosen("transcripts: id of a bot's and of a system's lines", "bot, system"),
    chosen("transcripts: GOTO and CARDS", "the address; titles and links"),
    chosen("time with a seed", "stands still, but for a second with each event"),
    chosen("addresses of visitors who come by the script", "127.0.0.1"),
    chosen(
        "request held back by reorder",
        "nobody waits for it; held in its delivery, and a system line if a bot is told later",
    ),
    chosen("order of requests", "as caused, for each chat and feed; side by side otherwise"),
];
