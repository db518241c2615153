//! `docs/first-bot.md`, done as it says: its files in a folder, its commands, and its requests.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Block of code of the page.
#[derive(Debug, PartialEq)]
struct Block {
    language: String,
    /// File that it is, by the line above it: one that ends in `` `src/lib.rs`: ``.
    file: Option<String>,
    text: String,
}

/// The course, and the section on bots that are not of this crate.
fn page() -> (&'static str, &'static str) {
    let page = include_str!("../../docs/first-bot.md");
    page.split_once("## A bot in any language").expect("a section")
}

fn blocks(page: &str) -> VecDeque<Block> {
    let (mut blocks, mut above) = (VecDeque::new(), "");
    let mut rows = page.lines().filter(|row| !row.is_empty());
    while let Some(row) = rows.next() {
        if let Some(language) = row.strip_prefix("```") {
            let text = rows.by_ref().take_while(|row| *row != "```");
            let text: String = text.flat_map(|row| [row, "\n"]).collect();
            let file = above.strip_suffix("`:").and_then(|above| above.rsplit_once('`'));
            let file = file.map(|(_, file)| file.to_owned());
            blocks.push_back(Block { language: language.to_owned(), file, text });
        }
        above = row;
    }
    blocks
}

/// Project of the page, after what comes before the first test.
pub(crate) struct Project {
    /// Where it is, as long as somebody looks at it.
    folder: tempfile::TempDir,
    rest: VecDeque<Block>,
    /// Bot and simulator, in the order in which they were started.
    running: Vec<Process>,
}

impl Project {
    /// Makes the project and starts its bot, and SnapEngage's side of it.
    pub(crate) fn started() -> Self {
        // Two would be built into the same files.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut project = Self::of(page().0);
        while project.running.len() < 2 {
            project.next();
        }
        project
    }

    fn of(page: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, rest: blocks(page), running: Vec::new() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("first-bot")
    }

    /// Returns the address of the bot, or of the simulator.
    pub(crate) fn address(&self, which: usize) -> &str {
        &self.running[which].address
    }

    /// Returns the next line that the bot prints.
    pub(crate) fn bot_prints(&mut self) -> String {
        self.running[0].line()
    }

    /// Takes the next block, which only shows something.
    #[track_caller]
    pub(crate) fn shown(&mut self, language: &str) -> String {
        let block = self.rest.pop_front().expect("another block");
        assert_eq!((block.language.as_str(), block.file), (language, None), "{}", block.text);
        block.text
    }

    /// Does what the next block says.
    fn next(&mut self) {
        let block = self.rest.pop_front().expect("another block");
        if let Some(file) = &block.file {
            let path = self.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            // Its port may be another's here.
            let text = block.text.replace("127.0.0.1:8080", "127.0.0.1:0");
            let text = text.replace(r#"("127.0.0.1", 8080)"#, r#"("127.0.0.1", 0)"#);
            fs::write(path, text).expect("written");
        }
        if block.language == "sh" {
            block.text.replace("\\\n", "").lines().for_each(|command| self.run(command));
        }
    }

    /// Takes the next file, and returns its text.
    #[track_caller]
    pub(crate) fn file(&mut self, name: &str) -> String {
        let block = self.rest.front().expect("another block");
        assert_eq!(block.file.as_deref(), Some(name));
        let text = block.text.clone();
        self.next();
        text
    }

    /// Sends the next requests, about this case, and returns the last answer and what is said of it.
    #[track_caller]
    fn requests(&mut self, case_id: &str) -> (Value, Value) {
        let (commands, expected) = (self.shown("sh"), self.shown("json"));
        let send = |command: &str| {
            let command = command.replace("CASE", case_id);
            let rest = command.strip_prefix("curl ").expect("a request").replace('\'', "");
            let (url, body) = rest.split_once(" -d ").unwrap_or((&rest, ""));
            let path = url.strip_prefix("http://127.0.0.1:7070").expect("of the simulator");
            ask(self.address(1), path, body)
        };
        let answer = commands.lines().map(send).reduce(|_, last| last).expect("a request");
        (answer, serde_json::from_str(&expected.replace("CASE", case_id)).expect("JSON"))
    }

    fn run(&mut self, command: &str) {
        let words: Vec<_> = command.split_whitespace().collect();
        let folder = self.folder.path();
        match &*words {
            ["cargo", "install", "snapengage", "--features", "cli"] => {}
            ["cd", "first-bot"] => assert!(self.path().is_dir()),
            ["curl", ..] => panic!("its answer is to be looked at: {command}"),
            ["cargo", "new", name] => {
                cargo(folder, ["new", "--quiet", name]);
                // What this crate was built with is there without a network.
                let lock = in_package("Cargo.lock");
                fs::copy(lock, self.path().join("Cargo.lock")).expect("copied");
            }
            ["cargo", "add", arguments @ ..] => {
                let mut arguments: Vec<_> = ["add", "--quiet"].iter().chain(arguments).collect();
                if arguments.contains(&&"snapengage") {
                    arguments.extend([&"--path", &env!("CARGO_MANIFEST_DIR")]);
                }
                cargo(&self.path(), arguments);
            }
            ["cargo", "test"] => cargo(&self.path(), ["test", "--quiet"]),
            ["SNAPENGAGE_TOKEN=my-token", "cargo", "run"] => {
                cargo(&self.path(), ["build", "--quiet"]);
                let mut bot = Command::new(built("first-bot"));
                bot.env("SNAPENGAGE_TOKEN", "my-token");
                self.running.push(Process::start(&mut bot));
            }
            ["python3", file] => {
                let mut bot = Command::new("python3");
                // It writes a line for each request.
                bot.arg(file).current_dir(self.path()).stderr(Stdio::null());
                self.running.push(Process::start(&mut bot));
            }
            ["snapengage", "simulate", options @ .., "--open"] => {
                let bot = self.address(0);
                let options = options.iter().map(|each| each.replace("http://127.0.0.1:8080", bot));
                let mut program = Command::new(env!("CARGO_BIN_EXE_snapengage"));
                program.args(["simulate", "--listen", "127.0.0.1:0"]).args(options);
                self.running.push(Process::start(&mut program));
            }
            _ => panic!("a command that is not known here: {command}"),
        }
    }
}

#[track_caller]
fn cargo<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(folder);
    cargo.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", target());
    let output = cargo.output().expect("cargo runs");
    let out = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{cargo:?}:\n{out}\n{error}");
}

/// Where this crate was built, and with it most of what the project needs.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder").to_owned()
}

fn built(name: &str) -> PathBuf {
    target().join("debug").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Program that listens, and ends with the value.
struct Process {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Process {
    #[track_caller]
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
        let out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut process = Self { child, out, address: String::new() };
        let first = process.line();
        process.address = first.strip_prefix("listening on ").expect("an address").to_owned();
        process
    }

    #[track_caller]
    fn line(&mut self) -> String {
        self.out.next().expect("another line").expect("text")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gets, or posts if there is a body.
#[track_caller]
fn ask(address: &str, path: &str, body: &str) -> Value {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    let agent = config.build().new_agent();
    let url = format!("{address}{path}");
    let answer = if body.is_empty() { agent.get(url).call() } else { agent.post(url).send(body) };
    let mut answer = answer.expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    assert_eq!(answer.status(), 200, "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// Asserts that all that is documented is there; of numbers and times, that there is one.
#[track_caller]
fn assert_shows(actual: &Value, documented: &Value) {
    match documented {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "n" | "at" => assert!(actual[name].is_u64(), "{name} in {actual}"),
                    _ => assert_shows(&actual[name], value),
                }
            }
        }
        Value::Array(values) => {
            let actual = actual.as_array().expect("an array");
            assert_eq!(actual.len(), values.len(), "{actual:?}");
            actual.iter().zip(values).for_each(|(actual, value)| assert_shows(actual, value));
        }
        _ => assert_eq!(actual, documented),
    }
}

/// Asserts that the bot has printed what the page says, but for the id.
#[track_caller]
pub(crate) fn assert_finished(project: &mut Project, case_id: &str) {
    let expected = project.shown("text").replace("1b6f2a1c-…", case_id);
    assert_eq!(project.bot_prints(), expected.trim_end());
}

#[test]
fn first_bot_goes_as_its_page_says() {
    let mut project = Project::started();
    let simulator = project.address(1).to_owned();
    let visit = ask(&simulator, "/_/visits", r#"{"text":"Hello"}"#);
    let case_id = visit["case_id"].as_str().expect("an id").to_owned();
    let does = |path: &str, body: Value| ask(&simulator, path, &body.to_string());
    let visitor = |verb: &str, text: &str| {
        does(&format!("/_/visits/{case_id}/{verb}"), serde_json::json!({ "text": text }))
    };
    let jane = |verb: &str, text: Option<&str>| {
        let body = serde_json::json!({ "case_id": case_id, "text": text });
        let body = if text.is_some() { body } else { serde_json::json!({ "case_id": case_id }) };
        does(&format!("/_/agents/jane@example.com/{verb}"), body)
    };
    visitor("click", "Opening hours");
    assert_eq!(visitor("click", "Talk to somebody")["state"], "queued");
    assert_eq!(jane("take", None)["state"], "agent");
    jane("say", Some("Hi, Jane here. Is it the brakes?"));
    visitor("say", "Yes, both");
    assert_eq!(jane("close", None)["state"], "closed");
    assert_finished(&mut project, &case_id);

    project.file("tests/nobody.chat");
    project.next();
    project.file("tests/chats.rs");
    project.next();

    let (visit, documented) = project.requests("CASE");
    let case_id = visit["case_id"].as_str().expect("an id").to_owned();
    let documented = documented.to_string().replace("CASE", &case_id);
    assert_shows(&visit, &serde_json::from_str(&documented).expect("JSON"));
    let (deliveries, documented) = project.requests(&case_id);
    assert_shows(&deliveries, &documented);
    assert!(project.bot_prints().contains(&case_id));
    assert_eq!(project.rest, []);
}

#[test]
fn bot_in_python_is_chatted_with_and_hands_over() {
    let mut project = Project::of(page().1);
    project.file("bot.py");
    project.next();
    assert_eq!(project.rest, []);
    let simulator = project.address(1);
    let visit = ask(simulator, "/_/visits", r#"{"text":"Hello"}"#);
    let line = &visit["lines"][1];
    assert_eq!((&line["from"], &line["text"]), (&"bot".into(), &"You said: Hello".into()));
    assert_eq!(line["buttons"], serde_json::json!([{ "text": "Talk to somebody" }]));
    let visits = format!("/_/visits/{}", visit["case_id"].as_str().expect("an id"));
    let click = r#"{"text":"Talk to somebody"}"#;
    let visit = ask(simulator, &format!("{visits}/click"), click);
    assert_eq!(visit["state"], "queued", "{visit}");
    assert_eq!(ask(simulator, &format!("{visits}/leave"), "{}")["state"], "closed");
    let sent = ask(simulator, "/_/deliveries?feed=bot", "");
    let statuses = sent.as_array().expect("a list").iter().map(|each| &each["response"]["status"]);
    assert_eq!(statuses.collect::<Vec<_>>(), [200; 3]);
    // Whoever has no token is refused.
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    let refused = config.build().new_agent().post(project.address(0)).send("{}");
    assert_eq!(refused.expect("an answer").status(), 401);
}
