//! Redaction: nothing planted is left, equal stays equal, and what is redacted stays as it is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use proptest::prelude::*;
use snapengage::record::{Exchange, Redaction, Texts};
use snapengage::testing::samples;
use snapengage::{Api, agent_status, bot, contact, conversation, integration};

use crate::planted::{Dice, WHAT, WRITTEN, What, Written, base64, exchange, percent, readings};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, file: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, file).expect("a file");
        path
    }

    fn redact(&self) {
        Redaction::new().rewrite(&[self.path()]).expect("recordings");
    }

    fn get(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.path().join(name)).expect("a file")).expect("UTF-8")
    }

    /// Returns what is left, without the name of the folder.
    fn left(&self) -> Vec<String> {
        let left = Redaction::new().check(&[self.path()]).expect("recordings");
        let start = format!("{}/", self.path().display());
        left.iter().map(|left| left.to_string().replace(&start, "")).collect()
    }
}

/// Redacts one file, and returns its request's body.
fn redacted(line: &str, head: &str, body: &str) -> String {
    let folder = Folder::new();
    folder.put("1.http", &exchange(1, line, head, body.as_bytes()));
    folder.redact();
    folder.get("1.http")
}

/// Value, and the sentence that it is planted in.
struct Plant {
    what: What,
    value: String,
    number: usize,
}

impl Plant {
    fn sentence(&self) -> String {
        let (before, after) = self.what.around();
        format!("q{} is {before}{}{after} done{}", self.number, self.value, self.number)
    }

    /// Finds what stands in place of the value.
    fn found<'r>(&self, readings: &'r [String]) -> Option<&'r str> {
        let (before, after) = self.what.around();
        let (start, end) =
            (format!("q{} is {before}", self.number), format!("{after} done{}", self.number));
        readings.iter().find_map(|text| {
            let rest = &text[text.find(&start)? + start.len()..];
            let found = &rest[..rest.find(&end)?];
            self.what.is_pseudonym(found, &self.value).then_some(found)
        })
    }

    fn is_left_in<'r>(&self, readings: &'r [String]) -> Option<&'r String> {
        readings.iter().find(|text| text.contains(&self.value))
    }
}

#[test]
fn nothing_planted_is_left_and_equal_stays_equal() {
    let folder = Folder::new();
    let mut dice = Dice::new(12);
    let mut plants = Vec::new();
    for what in WHAT {
        for at in 0..WRITTEN.len() * 4 {
            let plant = Plant { what, value: what.make(&mut dice), number: plants.len() };
            // Once in each of two ways, in two files.
            for (side, written) in [(0, at), (1, at + 1 + at / WRITTEN.len())] {
                let written = WRITTEN[written % WRITTEN.len()];
                let name = format!("{side}/{:05}.http", plant.number);
                folder.put(&name, &written.file(plant.number * 2 + side, &plant.sentence()));
            }
            plants.push(plant);
        }
    }
    assert!(plants.len() >= 500);
    folder.redact();
    let mut pseudonyms = HashMap::new();
    let mut lost = Vec::new();
    for plant in &plants {
        let at = plant.number % (WRITTEN.len() * 4);
        for (side, written) in [(0, at), (1, at + 1 + at / WRITTEN.len())] {
            let written = WRITTEN[written % WRITTEN.len()];
            let file = fs::read(folder.path().join(format!("{side}/{:05}.http", plant.number)));
            let file = file.expect("a file");
            let readings = readings(&file);
            if let Some(text) = plant.is_left_in(&readings) {
                lost.push(format!("LEFT {written:?} {:?} {}: {text}", plant.what, plant.value));
                continue;
            }
            let Some(found) = plant.found(&readings) else {
                lost.push(format!(
                    "{written:?} {:?} {}\n{}",
                    plant.what,
                    plant.value,
                    String::from_utf8_lossy(&file)
                ));
                continue;
            };
            let first = pseudonyms.entry(plant.number).or_insert_with(|| found.to_owned());
            assert_eq!(first, found, "{written:?} {:?} {}", plant.what, plant.value);
        }
    }
    assert!(lost.is_empty(), "{} of {}: {}", lost.len(), plants.len(), lost.join("\n\n"));
    let different: HashSet<_> = pseudonyms.values().collect();
    assert_eq!(different.len(), plants.len(), "different ones stay different");
    assert_eq!(folder.left(), [""; 0]);
}

const CHAT: &str = r#"{"id": "b88d3c4d-c402-4673-8e5b-68778eac45cb", "widget_id": "short-1", "city": "Boulder",
 "requester_details": {"name": "Jürgen Müller", "emails": ["jm@shop.example"], "phones": ["12 34 56"],
 "address": "12 Long Lane", "zip": "80301", "company_name": "Shop Ltd"},
 "chat_agent_id": "wc:agent-7", "chat_agent_alias": "Mia", "chat_duration": 5556178980,
 "transcripts": [{"id": "", "alias": "visitor", "message": "hi", "sender": "VISITOR"}],
 "javascript_variables": [{"name": "plan", "value": "gold"}, {"name": "mail", "value": "jm@shop.example"}],
 "labels": [{"name": "topic", "value": "returns"}],
 "new": {"a": [1, true, null, "gold", 4111111111111111], "b": "{\"c\": \"gold\"}"}}"#;

/// Puts a chat and its other files into a folder, and redacts it.
fn a_case() -> Folder {
    let folder = Folder::new();
    folder.put("chat.http", &exchange(1, "POST / HTTP/1.1", "", CHAT.as_bytes()).integration());
    let text = "J\u{fc}rgen m\u{fc}ller of 12 long lane, J\u{fc}rgen to Mia: b88d3c4d-c402-4673-8e5b-68778eac45cb gold mia";
    let json = serde_json::to_string(text).expect("JSON");
    let inside = base64("I am Jürgen Müller".as_bytes());
    let bot = format!(
        r#"{{"event": "message", "widget_id": "short-1", "case_id": "b88d3c4d-c402-4673-8e5b-68778eac45cb", "text": {json}, "context_id": "{inside}"}}"#
    );
    folder.put("a/bot.http", &exchange(1, "POST / HTTP/1.1", "", bot.as_bytes()));
    let xml = "<case><id><![CDATA[b88d3c4d-c402-4673-8e5b-68778eac45cb]]></id><requester_details>\
        <name>\n <![CDATA[Jürgen Müller]]>\n</name></requester_details><description>J&#xfc;rgen M&#252;ller</description>\
        <javascript_variables type=\"array\"><javascript_variable><name>plan</name><value>gold</value>\
        </javascript_variable></javascript_variables><priority type=\"integer\">3</priority><mood>gold</mood></case>";
    folder.put("b/xml.http", &exchange(1, "POST / HTTP/1.1", "", xml.as_bytes()));
    let line = "GET /look-up?email=jm%40shop.example&ip=127.0.0.1&url=https%3A%2F%2Fx.example%2F%3Fq%3DJ%25C3%25BCrgen%2BM%25C3%25BCller&caseId=b88d3c4d-c402-4673-8e5b-68778eac45cb&plan=gold HTTP/1.1";
    folder.put("b/query.http", &exchange(1, line, "", b""));
    folder.redact();
    folder
}

trait OfIntegration {
    fn integration(self) -> Vec<u8>;
}

impl OfIntegration for Vec<u8> {
    fn integration(self) -> Vec<u8> {
        String::from_utf8(self)
            .expect("UTF-8")
            .replacen("# api: bot", "# api: integration", 1)
            .into()
    }
}

/// Returns what follows this in a text, up to a quote, a bracket or a space.
#[track_caller]
fn after<'t>(text: &'t str, start: &str) -> &'t str {
    let at = text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len();
    text[at..].split(['"', '<', '&', ' ', '\n', ']', ',', '\\']).next().expect("a word")
}

#[test]
fn what_a_case_names_is_found_in_all_its_files() {
    let folder = a_case();
    let files = ["chat.http", "a/bot.http", "b/xml.http", "b/query.http"];
    let gone = [
        "Jürgen",
        "Müller",
        "jm@shop.example",
        "Long Lane",
        "long lane",
        "Mia",
        "agent-7",
        "gold\"",
        ">gold",
        "=gold",
        "b88d3c4d",
        "short-1",
        "returns",
        "4111111111111111",
        "12 34 56",
        "127.0.0.1",
    ];
    for file in files {
        for text in readings(folder.get(file).as_bytes()) {
            for value in gone {
                assert!(!text.contains(value), "{value} in {file}: {text}");
            }
        }
    }
    let [chat, bot, xml, query] = files.map(|file| folder.get(file));
    let name = after(&chat, r#""name": ""#);
    assert!(name.starts_with("Name-"), "{name}");
    assert_eq!(after(&bot, r#""text": ""#), name);
    assert_eq!(after(&xml, "<name>\n <![CDATA["), name);
    assert_eq!(after(&xml, "<description>"), name);
    assert!(readings(query.as_bytes()).iter().any(|text| text.contains(&format!("?q={name}"))));
    assert!(readings(bot.as_bytes()).iter().any(|text| text == &format!("I am {name}")), "{bot}");
    let street = after(&chat, r#""address": ""#);
    assert!(street.starts_with("Street-") && bot.contains(&format!("of {street}, Name-")), "{bot}");
    let id = after(&chat, r#"{"id": ""#);
    assert!(id.starts_with("5eda5eda-") && bot.contains(&format!(": {id} gold mia")), "{bot}");
    for file in [&bot, &xml, &query] {
        assert!(file.contains(id), "{file}");
    }
    let widget = after(&chat, r#""widget_id": ""#);
    assert!(widget.starts_with("id-") && bot.contains(&format!(r#""widget_id": "{widget}""#)));
    let email = after(&chat, r#""emails": [""#);
    assert!(
        query
            .contains(&format!("email={}", percent(email).replace("%2D", "-").replace("%2E", "."))),
        "{query}"
    );
    assert_eq!(after(&chat, r#""mail", "value": ""#), email);
    let masked = after(&chat, r#""plan", "value": ""#);
    assert!(masked.starts_with("masked-"), "{masked}");
    assert_eq!(after(&xml, "<value>"), masked);
    assert_eq!(after(&xml, "<mood>"), masked);
    assert_eq!(after(&query, "plan="), masked);
    assert!(chat.contains(&format!(r#""a": [1, true, null, "{masked}", 999999"#)), "{chat}");
    assert!(chat.contains(&format!(r#"{{\"c\": \"{masked}\"}}"#)), "{chat}");
    for kept in
        ["Boulder", "80301", "Shop Ltd", "5556178980", "topic", r#""alias": "visitor""#, "wc:id-"]
    {
        assert!(chat.contains(kept), "{kept} in {chat}");
    }
    assert!(xml.contains("<priority type=\"integer\">3</priority>"), "{xml}");
    assert_eq!(folder.left(), [""; 0]);
}

#[test]
fn what_is_redacted_stays_as_it_is() {
    let folder = a_case();
    let before: Vec<_> = files(&folder);
    for texts in [Texts::Keep, Texts::Mask, Texts::Mask, Texts::Drop, Texts::Drop] {
        Redaction::new().texts(texts).rewrite(&[folder.path()]).expect("recordings");
        let once = files(&folder);
        assert!(texts != Texts::Keep || once == before);
        let changed = Redaction::new().texts(texts).rewrite(&[folder.path()]).expect("recordings");
        assert_eq!((changed, files(&folder)), (0, once), "{texts:?}");
    }
}

fn files(folder: &Folder) -> Vec<Vec<u8>> {
    let mut paths = vec![folder.path().to_owned()];
    let mut files = BTreeMap::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(
                fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()),
            );
        } else {
            files.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    files.into_values().collect()
}

#[test]
fn credentials_leave_nothing_but_their_names() {
    let head = "authorization: my-token\nCookie: a=b\nSet-Cookie: c=d\nX-Api-Key: e\n\
        Proxy-Authorization: Basic Zm9vOmJhcg==\nX-Other: plain\nX-Forwarded-For: 203.0.113.9, 2a00::1\n";
    let file = redacted("POST /hooks/kT4~mZ0-qv/bot HTTP/1.1", head, "{}");
    for line in [
        "POST /hooks/<secret>/bot HTTP/1.1\n",
        "\nauthorization: <redacted:right>\nCookie: <redacted>\nSet-Cookie: <redacted>\nX-Api-Key: <redacted>\n",
        "\nProxy-Authorization: <redacted>\nX-Other: plain\n",
    ] {
        assert!(file.contains(line), "{file}");
    }
    assert!(!file.contains("203.0.113.9") && !file.contains("2a00::1"), "{file}");
    let named = redacted("POST / HTTP/1.1", "Authorization: <redacted:right:blue>\n", "{}");
    assert!(named.contains("Authorization: <redacted:right:blue>\n"), "{named}");
}

#[test]
fn a_wrong_token_is_told_from_a_right_one() {
    let file = exchange(1, "POST / HTTP/1.1", "Authorization: wrong\n", b"{}");
    let file = String::from_utf8(file).expect("UTF-8").replace("response: 200", "response: 401");
    let folder = Folder::new();
    folder.put("1.http", file.as_bytes());
    folder.redact();
    assert!(folder.get("1.http").contains("Authorization: <redacted:refused>\n"));
}

#[test]
fn escapes_of_untouched_text_stay_to_the_byte() {
    let body = r#"{ "event":"message" ,"text" : "a\u003db \/ \u00fc jo@x.example \u0026","from":"visitor", "timestamp":1551461879355,
"page_url":"https:\/\/example.com\/?a=1" }"#;
    let file = redacted("POST / HTTP/1.1", "", body);
    let email = after(&file, r"\u00fc ");
    assert!(email.starts_with("p-"), "{file}");
    assert!(file.contains(&body.replace("jo@x.example", email)), "{file}");
}

#[test]
fn texts_are_masked_or_dropped_by_choice() {
    let body = r#"{"event": "message", "text": "Call Jo (12) at jo@x.example, \"now\"!", "context_id": "step 3"}"#;
    for (texts, expected) in
        [(Texts::Mask, r#""xxxx xx (00) xx p-"#), (Texts::Drop, r#""text": """#)]
    {
        let folder = Folder::new();
        folder.put("1.http", &exchange(1, "POST / HTTP/1.1", "", body.as_bytes()));
        Redaction::new().texts(texts).rewrite(&[folder.path()]).expect("a recording");
        let file = folder.get("1.http");
        assert!(file.contains(expected) && file.contains("step 3"), "{file}");
        assert!(texts != Texts::Mask || file.contains(r#"@example.invalid, \"xxx\"!"#), "{file}");
        assert_eq!(folder.left(), [""; 0]);
    }
}

#[test]
fn a_bot_s_answer_is_redacted_too() {
    let answer = r#"{"widget_id": "w", "case_id": "c-1", "content": [
        {"type": "message", "text": "Mail jo@x.example", "display_responses": [{"text": "555-617-8980", "id": "b1"}]},
        {"type": "command", "operation": "LABEL", "parameters": "[{\"topic\": [\"returns\"]}]"},
        {"type": "command", "operation": "TRANSFER", "parameters": "wc:jo@x.example"},
        {"type": "command", "operation": "WIDGET_TRANSFER", "parameters": "w"},
        {"type": "command", "operation": "TAG_TRANSFER", "parameters": "w [\"vip\"]"},
        {"type": "command", "operation": "GOTO", "parameters": "https://x.example/?t=0123456789abcdefg"}]}"#;
    let file = exchange(
        1,
        "POST / HTTP/1.1",
        "",
        br#"{"event": "message", "case_id": "c-1", "widget_id": "w"}"#,
    );
    let file = String::from_utf8(file).expect("UTF-8").replace("\nok\n", &format!("\n{answer}\n"));
    let file =
        file.replace("response-body: text 2", &format!("response-body: text {}", answer.len()));
    let folder = Folder::new();
    folder.put("1.http", file.as_bytes());
    folder.redact();
    let file = folder.get("1.http");
    for gone in ["jo@x", "555-617", "returns", "\"w\"", "c-1", "0123456789abcdefg"] {
        assert!(!file.contains(gone), "{gone}: {file}");
    }
    let widget = after(&file, r#""widget_id": ""#).to_owned();
    let email = after(&file, "Mail ").to_owned();
    for kept in [
        r#""operation": "LABEL", "parameters": "[{\"topic\": [\"masked-"#.to_owned(),
        format!(r#""parameters": "wc:{email}""#),
        format!(r#""WIDGET_TRANSFER", "parameters": "{widget}""#),
        format!(r#""parameters": "{widget} [\"vip\"]""#),
        r#""parameters": "https://x.example/?t=5eda5eda"#.to_owned(),
        r#""id": "b1""#.to_owned(),
    ] {
        assert!(file.contains(&kept), "{kept}: {file}");
    }
}

#[test]
fn whatever_is_broken_is_redacted_all_the_same() {
    for body in [
        r#"{"event": "message", "text": "write to jo@x.example"#,
        r#"{"event": "message", "text": "write to jo@x.exam"#,
        r#"{"text": jo@x.example, 203.0.113.9}"#,
        r#"{"case_id": 2a00::9, "text": "jo@x.example""#,
        r#"{"requester_details": {"name": "Jo@x.example Do"#,
        r#"]]}} "jo@x.example" : "555-617-8980" ]"#,
        "jo@x.example",
        "<case><description>jo@x.example",
        "<case><description jo@x.example=\"",
        "<case><![CDATA[ jo@x.example",
        "<!-- jo@x.example --><case>",
        "< jo@x.example",
        "\u{feff}{\"text\": \"jo@x.example\"}",
        "'{'text': 'jo@x.example'}",
    ] {
        let file = redacted("POST / HTTP/1.1", "", body);
        for gone in ["jo@x", "203.0.113.9", "2a00::9", "555-617", "Jo@x"] {
            assert!(!file.contains(gone), "{body}: {file}");
        }
    }
}

#[test]
fn check_names_file_line_and_look_of_whatever_is_left() {
    let folder = a_case();
    assert_eq!(folder.left(), [""; 0]);
    let clean = folder.get("a/bot.http");
    for (planted, what) in [
        ("jo@x.example", "email address"),
        ("555-617-8980", "phone number"),
        ("203.0.113.9", "IPv4 address"),
        ("2a00:1450::9", "IPv6 address"),
        ("4111 1111 1111 1111", "card number"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "JWT"),
        ("0123456789abcdef0123456789abcdef", "long hex or a secret in an address"),
        ("https://x.example/?k=0123456789abcdefg", "long hex or a secret in an address"),
    ] {
        let file = clean.replace(r#""context_id": ""#, &format!("\n\"context_id\": \"{planted} "));
        let grown = clean.lines().find(|line| line.starts_with("# request-body")).expect("a note");
        let length: usize = grown.rsplit(' ').next().expect("a length").parse().expect("a number");
        let file =
            file.replace(grown, &format!("# request-body: text {}", length + planted.len() + 2));
        folder.put("a/bot.http", file.as_bytes());
        assert_eq!(folder.left(), [format!("a/bot.http:15: {what}")], "{file}");
    }
    let chat = folder.get("chat.http");
    folder.put("a/bot.http", clean.as_bytes());
    for (from, to, what) in [
        (r#""city": "Boulder""#, r#""citi": "Boulder""#, "undocumented value"),
        ("# case: id-", "# case: ie-", "id of a case or a widget"),
        ("Host: bot.example.com", "Cookie: t.example.com", "credential"),
        ("POST / HTTP/1.1\nHost", "POST /a1b2c3d4 HTTP/1.1\nHost", "secret in a path"),
        ("HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\nX-By: jo@x.example\n", "email address"),
    ] {
        let file = chat.replacen(from, to, 1);
        assert_ne!(file, chat, "{from}");
        folder.put("chat.http", file.as_bytes());
        let left = folder.left();
        assert!(left.len() == 1 && left[0].ends_with(what), "{left:?} {what}");
        assert!(left[0].starts_with("chat.http:"), "{left:?}");
    }
}

#[test]
fn samples_are_still_read_as_the_same_events() {
    let folder = Folder::new();
    for (number, sample) in samples().iter().enumerate() {
        let line = match sample.query() {
            Some(query) => format!("GET /look-up?{query} HTTP/1.1"),
            None => "POST / HTTP/1.1".to_owned(),
        };
        let file =
            String::from_utf8(exchange(number + 1, &line, "", sample.body())).expect("UTF-8");
        let api = file.lines().find(|line| line.starts_with("# api")).expect("a note");
        let file = file.replacen(api, &format!("# api: {}", sample.api().as_str()), 1);
        folder.put(&format!("{number:03}.http"), file.as_bytes());
    }
    folder.redact();
    for (number, sample) in samples().iter().enumerate() {
        let file = folder.get(&format!("{number:03}.http"));
        let exchange = Exchange::from_file(file.as_bytes()).expect("a recording");
        let query = exchange.target().split_once('?').map(|(_, query)| query);
        let before = event(sample.api(), sample.body(), sample.query());
        let after = event(sample.api(), exchange.body(), query);
        assert_eq!(after, before, "{}: {file}", sample.name());
    }
    assert_eq!(folder.left(), [""; 0]);
}

fn event(api: Api, body: &[u8], query: Option<&str>) -> String {
    match api {
        Api::Bot => bot::Event::from_json(body).expect("a bot's event").name().to_owned(),
        Api::Integration => {
            let case = integration::SupportRequest::from_body(body).expect("a case");
            format!("{:?} {}", case.kind, case.transcripts.len())
        }
        Api::Conversation => {
            conversation::Event::from_json(body).expect("an event").kind.as_str().to_owned()
        }
        Api::AgentStatus => agent_status::StatusChange::from_json(body)
            .expect("a status")
            .status
            .as_str()
            .to_owned(),
        _ => {
            let query = contact::Query::from_query(query.expect("a query")).expect("a query");
            format!("{} {}", query.extra.len(), query.case_id.is_some())
        }
    }
}

#[test]
fn what_only_looks_like_a_detail_is_left() {
    let body = r#"{"event": "message", "timestamp": 1551461879355, "text": "order 4839-22 of 2026-11-25T20:11:03.512Z, 1.234.567,89 EUR, v10.0.45, 12:30:45, 1551461879355, Chrome/120.0.0.0, 39.914700, std::vec", "page_url": "https://example.com/a/b?lang=en&step=2#top", "user_agent": "Mozilla/5.0 (X11) Chrome/120.0.6099.1 Edg/120.0.0.0"}"#;
    let file = redacted(
        "POST /hooks/bot HTTP/1.1",
        "Content-Length: 4111111111111111\nUser-Agent: probe/1.2.3.4\n",
        body,
    );
    assert!(file.contains(body), "{file}");
    assert!(file.contains("User-Agent: probe/1.2.3.4\n"), "{file}");
}

#[test]
fn a_key_file_keeps_equality_across_runs() {
    let keys = Folder::new();
    let key = keys.path().join("key");
    let run = || {
        let folder = Folder::new();
        folder.put("1.http", &exchange(1, "POST / HTTP/1.1", "X-By: jo@x.example\n", b"{}"));
        Redaction::new().key_file(&key).rewrite(&[folder.path()]).expect("a recording");
        folder.get("1.http")
    };
    assert_eq!(run(), run());
    assert_ne!(run(), redacted("POST / HTTP/1.1", "X-By: jo@x.example\n", "{}"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = fs::metadata(&key).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn those_that_want_a_key_at_once_get_the_same() {
    const AT_ONCE: usize = 16;
    let keys = Folder::new();
    let key = keys.path().join("key");
    let start = Barrier::new(AT_ONCE);
    let run = || {
        let folder = Folder::new();
        folder.put("1.http", &exchange(1, "POST / HTTP/1.1", "X-By: jo@x.example\n", b"{}"));
        start.wait();
        Redaction::new().key_file(&key).rewrite(&[folder.path()]).expect("a recording");
        folder.get("1.http")
    };
    let redacted: HashSet<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().expect("no panic")).collect()
    });
    assert_eq!(redacted.len(), 1);
    assert_eq!(fs::read_dir(keys.path()).expect("a folder").count(), 1, "the key alone");
}

#[test]
fn a_key_in_the_recording_or_without_a_key_is_refused() {
    let folder = Folder::new();
    folder.put("sub/1.http", &exchange(1, "POST / HTTP/1.1", "", b"{}"));
    let refused = |key: &Path| {
        let error = Redaction::new().key_file(key).rewrite(&[folder.path()]).expect_err("no key");
        error.to_string()
    };
    let within = refused(&folder.path().join("sub/key"));
    assert!(within.ends_with(": is within the recording's folder"), "{within}");
    assert!(!folder.path().join("sub/key").exists());
    let error = Redaction::new().key_file(folder.path().join("sub/key"));
    let error = error.rewrite(&[folder.path().join("sub/1.http")]).expect_err("beside the file");
    assert!(error.to_string().ends_with(": is within the recording's folder"), "{error}");
    let keys = Folder::new();
    let odd = refused(&keys.put("key", b"my secret"));
    assert!(odd.ends_with(": does not hold 32 hexadecimal digits"), "{odd}");
}

#[test]
fn files_are_gone_through_in_the_order_of_their_numbers() {
    let folder = Folder::new();
    for name in ["999999-x.http", "1000000-x.http", ".hidden.http", "notes.txt", "a/000001-x.http"]
    {
        folder.put(name, &exchange(1, "POST / HTTP/1.1", "X-By: jo@x.example\n", b"{}"));
    }
    let left = folder.left().into_iter().filter(|left| left.ends_with(": email address"));
    let expected = ["999999-x.http", "1000000-x.http", "a/000001-x.http"];
    assert!(left.eq(expected.map(|name| format!("{name}:13: email address"))));
}

#[test]
fn a_file_that_is_no_recording_is_named_and_left() {
    let folder = Folder::new();
    let path = folder.put("1.http", b"GET / HTTP/1.1\n");
    let error = Redaction::new().rewrite(&[folder.path()]).expect_err("no recording");
    let expected = format!("recording {path:?}: expected `# snapengage recording 1` at line 1");
    assert_eq!(error.to_string(), expected);
    assert_eq!(folder.get("1.http"), "GET / HTTP/1.1\n");
}

#[test]
fn a_file_without_an_end_is_not_read() {
    let folder = Folder::new();
    let path = folder.put("1.http", b"");
    let file = fs::File::options().write(true).open(&path).expect("a file");
    file.set_len(65 << 20).expect("a file with a hole");
    let error = Redaction::new().check(&[folder.path()]).expect_err("too large");
    assert_eq!(error.to_string(), format!("recording {path:?}: larger than 64 MiB"));
}

#[test]
fn hostile_bodies_take_linear_time() {
    const SIZE: usize = 32 * 1024;
    for unit in [
        "[",
        "{\"a\":",
        "\"",
        "\\\"",
        "\\u00",
        "%25",
        "%2525%40",
        "&amp;",
        "a@",
        "@.",
        "1-",
        "1.",
        "+1 ",
        "(1",
        "eyJ.",
        "eyJa.",
        "5eda5eda",
        "f",
        ":",
        "::1",
        "?a=",
        "?a=?b=",
        "a?b=%3Fc=",
        "<a>",
        "<a b=\"",
        "<![CDATA[",
        "</",
        "&#x26;",
        "QUJD",
        "a/",
        "=?=",
        "#a=b&",
        "0123-",
        "+",
        "(",
        "{\"name\":\"Jo\"},",
    ] {
        let text: String = unit.repeat(SIZE / unit.len());
        for body in
            [text.clone(), format!(r#"{{"text": "{text}"#), format!("<case><description>{text}")]
        {
            let folder = Folder::new();
            folder.put("1.http", &exchange(1, "POST / HTTP/1.1", "", body.as_bytes()));
            let start = std::time::Instant::now();
            folder.redact();
            let took = start.elapsed();
            assert!(took.as_secs() < 10, "{unit}: {took:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_around_a_detail_it_is_gone(
        seed in any::<u64>(),
        what in 0..WHAT.len(),
        first in 0..WRITTEN.len(),
        second in 0..WRITTEN.len(),
        before in "[ -~äöü€]{0,12} ",
        after in " [ -~äöü€]{0,12}",
    ) {
        let mut dice = Dice::new(seed);
        let plant = Plant { what: WHAT[what], value: WHAT[what].make(&mut dice), number: 7 };
        let folder = Folder::new();
        let text = format!("{before}{}{after}", plant.sentence());
        let ways = [WRITTEN[first], WRITTEN[second]];
        for (side, written) in ways.into_iter().enumerate() {
            // Entities and quotes of the noise are its own.
            let text = if written == Written::Attribute { text.replace('"', "'") } else { text.clone() };
            folder.put(&format!("{side}.http"), &written.file(side, &text));
        }
        folder.redact();
        let once = files(&folder);
        for (file, written) in once.iter().zip(ways) {
            let readings = readings(file);
            prop_assert!(plant.is_left_in(&readings).is_none(), "{written:?} {text} {readings:?}");
        }
        folder.redact();
        prop_assert_eq!(files(&folder), once);
        prop_assert_eq!(folder.left(), Vec::<String>::new());
    }
}

#[cfg(feature = "cli")]
mod program {
    use std::process::{Command, Output};

    use super::*;

    fn run(arguments: &[&str], paths: &[&Path]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_snapengage"));
        program.arg("redact").args(arguments).args(paths).output().expect("the program")
    }

    #[test]
    fn check_exits_with_1_until_a_folder_is_redacted() {
        let folder = Folder::new();
        let file = exchange(1, "POST / HTTP/1.1", "Cookie: a=b\n", b"{\"text\": \"jo@x.example\"}");
        let path = folder.put("sub/1.http", &file);
        let checked = run(&["--check"], &[folder.path()]);
        assert_eq!(checked.status.code(), Some(1));
        let told = String::from_utf8(checked.stdout).expect("UTF-8");
        let line = |number: usize, what: &str| format!("{}:{number}: {what}\n", path.display());
        let expected = [
            line(7, "id of a case or a widget"),
            line(13, "credential"),
            line(15, "email address"),
        ];
        assert_eq!(told, expected.concat());
        assert_eq!(fs::read(&path).expect("a file"), file, "--check changes nothing");
        let redacted = run(&["--texts", "mask"], &[folder.path()]);
        assert_eq!(
            (redacted.status.code(), &*redacted.stdout),
            (Some(0), &b"redacted files: 1\n"[..])
        );
        let checked = run(&["--check"], &[&path]);
        assert_eq!((checked.status.code(), &*checked.stdout), (Some(0), &b""[..]));
    }

    #[test]
    fn a_key_within_the_folder_is_an_error() {
        let folder = Folder::new();
        folder.put("1.http", &exchange(1, "POST / HTTP/1.1", "", b"{}"));
        let key = folder.path().join("key");
        let refused = run(&["--key-file", key.to_str().expect("UTF-8")], &[folder.path()]);
        assert_eq!(refused.status.code(), Some(1));
        let told = String::from_utf8(refused.stderr).expect("UTF-8");
        assert!(told.contains("is within the recording's folder"), "{told}");
        assert_eq!(run(&[], &[]).status.code(), Some(2), "a folder is needed");
    }
}
