//! The rules of the house: which file of `src/` may know which, and what is where alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Folders whose files are modules of their own here, if they are in the table.
const FOLDERS: &[&str] = &["endpoint", "receiver", "server", "storage", "wire"];

/// What the modules of the core may import of each other. A new file is put in here first.
const CORE: &[(&str, &[&str])] = &[
    ("server", &["error", "receiver", "server::acceptor", "server::listener", "server::settings"]),
    (
        "server::acceptor",
        &[
            "error",
            "panics",
            "receiver::observer",
            "server::connection",
            "server::listener",
            "server::service",
            "server::settings",
            "server::shutdown",
        ],
    ),
    (
        "server::connection",
        &[
            "caught",
            "error",
            "panics",
            "receiver::observer",
            "server::patience",
            "server::progress",
            "server::service",
            "server::shutdown",
            "server::socket",
        ],
    ),
    (
        "receiver",
        &[
            "agent_status",
            "api",
            "receiver::auth",
            "receiver::body",
            "bot",
            "wire::budget",
            "wire::charset",
            "wire::legible",
            "contact",
            "conversation",
            "endpoint",
            "endpoint::feed",
            "error",
            "receiver::health",
            "integration",
            "receiver::log",
            "receiver::observer",
            "wire::percent",
            "endpoint::rejection",
            "endpoint::room",
            "receiver::response",
            "receiver::run",
        ],
    ),
    ("agent_status", ROOM),
    ("bot", ROOM),
    ("contact", ROOM),
    ("conversation", ROOM),
    ("integration", ROOM),
    ("server::paced", &["server::progress"]),
    ("server::framing", &["endpoint::rejection"]),
    ("server::listener", &["panics"]),
    ("server::patience", &["server::progress"]),
    ("server::settings", &["error", "server::patience"]),
    ("server::progress", &["server::framing", "endpoint::rejection"]),
    (
        "server::service",
        &[
            "endpoint::rejection",
            "receiver",
            "receiver::observer",
            "receiver::response",
            "server::paced",
            "server::progress",
        ],
    ),
    ("server::socket", &["server::listener", "server::progress"]),
    (
        "receiver::health",
        &["endpoint", "error", "receiver::log", "receiver::run", "endpoint::rejection"],
    ),
    (
        "receiver::run",
        &["wire::budget", "panics", "endpoint", "receiver::log", "endpoint::rejection"],
    ),
    ("receiver::log", &["panics", "endpoint", "id", "wire::legible", "endpoint::rejection"]),
    ("receiver::response", &["endpoint", "endpoint::rejection"]),
    ("endpoint", &["id", "endpoint::rejection"]),
    ("endpoint::room", &["endpoint"]),
    ("journal", &["api", "error", "id", "timestamp"]),
    ("receiver::auth", &["wire::percent", "endpoint::rejection", "secret"]),
    ("secret", &[]),
    ("backoff", &[]),
    ("receiver::body", &["error", "receiver::observer", "endpoint::rejection"]),
    (
        "receiver::observer",
        &["api", "endpoint", "endpoint::rejection", "id", "panics", "receiver::response"],
    ),
    ("hook", &["panics"]),
    ("endpoint::rejection", &["panics", "error"]),
    ("wire::legible", &[]),
    (
        "wire::json",
        &["wire::charset", "wire::decoded", "error", "wire::lenient", "wire::mend", "wire::model"],
    ),
    ("wire::decoded", &["panics", "wire::lenient"]),
    ("wire::key", &["timestamp"]),
    ("wire::mend", &["wire::charset"]),
    ("wire::charset", &[]),
    ("wire::model", &["wire::described", "wire::lenient"]),
    ("wire::open_set", &["wire::described", "wire::lenient"]),
    ("wire::plain", &["wire::described"]),
    ("wire::described", &["id", "timestamp"]),
    ("wire::lenient", &["id", "timestamp"]),
    ("bin", &[]),
    ("wire", &[]),
    ("storage", &[]),
    ("wire::budget", &[]),
    ("api", &[]),
    ("panics", &[]),
    ("clock", &["timestamp"]),
    ("endpoint::closure", &[]),
    ("storage::files", &["storage::group_commit"]),
    ("storage::fresh", &[]),
    ("storage::group_commit", &["panics", "storage::sqlite"]),
    (
        "endpoint::feed",
        &[
            "api",
            "endpoint",
            "error",
            "journal",
            "wire::decoded",
            "wire::lenient",
            "endpoint::rejection",
            "timestamp",
        ],
    ),
    ("storage::nats", &[]),
    ("error", &[]),
    ("server::shutdown", &["panics"]),
    ("id", &[]),
    ("wire::percent", &[]),
    ("storage::sqlite", &[]),
    ("timestamp", &[]),
];

const ROOMS: &[&str] = &["agent_status", "bot", "contact", "conversation", "integration"];

const ROOM: &[&str] = &[
    "api",
    "wire::charset",
    "wire::decoded",
    "wire::described",
    "endpoint",
    "endpoint::closure",
    "endpoint::feed",
    "error",
    "id",
    "journal",
    "wire::json",
    "wire::key",
    "wire::lenient",
    "wire::mend",
    "wire::model",
    "wire::open_set",
    "wire::percent",
    "wire::plain",
    "endpoint::rejection",
    "timestamp",
];

/// Rooms built on the core, each behind a feature of its name. The core knows none of them, and
/// they know of the core what everybody may: the homes of what `lib.rs` makes public.
const FEATURES: &[&str] = &[
    "client",
    "contract",
    "dialogue",
    "hub",
    "identity",
    "inbox",
    "metrics",
    "record",
    "segment",
    "simulator",
    "testing",
];

/// What declares and reads payloads.
const PAYLOADS: &[&str] = &[
    "secret",
    "wire::decoded",
    "wire::described",
    "wire::json",
    "wire::lenient",
    "wire::model",
    "wire::open_set",
    "wire::percent",
];

/// Words that may stand in the code of some modules alone.
const ALONE: &[(&str, &[&str])] = &[("subtle", &["receiver::auth", "simulator"])];

/// The same, where rooms behind features may do as they like.
const ALONE_IN_THE_CORE: &[(&str, &[&str])] = &[
    ("StatusCode", &["endpoint::rejection"]),
    ("from_u16", &[]),
    ("AUTHORIZATION", &["receiver::auth"]),
    ("TcpListener", &["bin", "server::listener"]),
    ("TcpStream", &["server::listener"]),
    (
        "spawn",
        &["bin", "storage::group_commit", "storage::nats", "receiver::run", "server::acceptor"],
    ),
];

/// Words that may not stand in a room: a body is read, a refusal logged and a connection looked at
/// by the spine.
const NOT_IN_A_ROOM: &[&str] =
    &["tracing", "hyper", "http_body", "http_body_util", "tokio", "HeaderMap", "headers"];

/// A file of `src/` without comments, texts and tests.
struct Source {
    /// The path below `src/`.
    path: String,
    /// The file or folder right below `src/` that it is of; in one of `FOLDERS`, the file or folder
    /// below that.
    module: String,
    text: String,
    code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a file of UTF-8");
        let path = path.strip_prefix(root).expect("a file below src/").to_owned();
        let path = path.to_string_lossy().replace('\\', "/");
        let module = module(&path);
        let tests = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
        let code = in_full(&path, &code(&text[..tests]));
        Self { path, module, text, code }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.code)
    }
}

/// The module that a file is of: `wire::lenient` for `wire/lenient/read.rs`.
fn module(path: &str) -> String {
    let mut names = path.trim_end_matches(".rs").trim_end_matches("/mod").split('/');
    let first = names.next().expect("a name");
    match names.next().filter(|_| FOLDERS.contains(&first)) {
        Some(second) if is_in_table(&format!("{first}::{second}")) => format!("{first}::{second}"),
        _ => first.to_owned(),
    }
}

fn is_in_table(module: &str) -> bool {
    CORE.iter().any(|(name, _)| *name == module)
}

/// Code with the short ways within one of `FOLDERS` written out.
fn in_full(path: &str, code: &str) -> String {
    let (folder, rest) = path.split_once('/').unwrap_or_default();
    if !FOLDERS.contains(&folder) || rest.contains('/') {
        return code.to_owned();
    }
    let short = if rest == "mod.rs" { "self::" } else { "super::" };
    code.replace(short, &format!("crate::{folder}::"))
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    find(&root, &mut paths);
    assert!(paths.len() > 20, "src/ has more files than {paths:?}");
    paths.iter().map(|path| Source::read(&root, path)).collect()
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Rust without its comments and without what is in its quotes, a statement or an attribute a line.
fn code(text: &str) -> String {
    let mut code = String::new();
    write(text.parse().expect("Rust"), &mut code);
    code
}

fn write(tokens: TokenStream, code: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]\n"),
                    Delimiter::None => ("", ""),
                };
                code.push_str(open);
                write(group.stream(), code);
                code.push_str(close);
            }
            TokenTree::Ident(word) => {
                let is_after_a_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                code.push_str(if is_after_a_word { " " } else { "" });
                code.push_str(&word.to_string());
            }
            TokenTree::Punct(mark) => {
                code.push(mark.as_char());
                code.push_str(if mark.as_char() == ';' { "\n" } else { "" });
            }
            TokenTree::Literal(_) => code.push_str("\"\""),
        }
    }
}

/// The first two names, or the one, of a path.
fn start(path: &str) -> String {
    let end =
        path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(path.len());
    let names: Vec<_> = path[..end].split("::").filter(|name| !name.is_empty()).take(2).collect();
    names.join("::")
}

/// The module that a path leads into.
fn home(path: &str, modules: &BTreeSet<String>) -> String {
    if modules.contains(path) {
        return path.to_owned();
    }
    path.split("::").next().unwrap_or_default().to_owned()
}

/// The starts of the paths after `crate::`, in `crate::{a, b::c}` as well.
fn imports(code: &str) -> BTreeSet<String> {
    let mut imports = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let path = &code[at + "crate::".len()..];
        let Some(group) = path.strip_prefix('{') else {
            imports.insert(start(path));
            continue;
        };
        let mut depth = 0_usize;
        let mut is_first = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_first = true,
                _ if is_first && !c.is_whitespace() => {
                    is_first = false;
                    imports.insert(start(&group[at..]));
                }
                _ => {}
            }
        }
    }
    imports
}

fn modules(sources: &[Source]) -> BTreeSet<String> {
    sources.iter().map(|source| source.module.clone()).collect()
}

/// The homes of what everybody may know: those that `lib.rs` makes public.
fn public(sources: &[Source]) -> BTreeSet<String> {
    let lib = sources.iter().find(|source| source.path == "lib.rs").expect("lib.rs");
    let lines = lib.code.lines().map(str::trim);
    let modules = modules(sources);
    let home = |line: &str| {
        let module = line.strip_prefix("pub mod ").or(line.strip_prefix("pub use crate::"))?;
        Some(home(&start(module), &modules))
    };
    let mut public: BTreeSet<_> = lines.filter_map(home).collect();
    public.retain(|module| module != "server" && !FEATURES.contains(&&**module));
    public
}

fn allowed(module: &str, public: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    if let Some((_, allowed)) = CORE.iter().find(|(name, _)| *name == module) {
        return Some(allowed.iter().map(|&module| module.to_owned()).collect());
    }
    let mut allowed = FEATURES.contains(&module).then(|| public.clone())?;
    // The leaves that are for rooms behind features alone.
    allowed.extend(
        [
            "wire::budget",
            "backoff",
            "panics",
            "clock",
            "hook",
            "wire::legible",
            "storage::files",
            "storage::fresh",
            "storage::group_commit",
            "storage::nats",
            "storage::sqlite",
        ]
        .map(str::to_owned),
    );
    let more: &[&str] = match module {
        // Its payloads are models as well, and go both ways.
        "client" => PAYLOADS,
        // The same, and it is mounted on a receiver.
        "hub" => &[
            "endpoint",
            "endpoint::closure",
            "endpoint::rejection",
            "endpoint::room",
            "wire::described",
            "wire::json",
            "wire::lenient",
            "wire::model",
            "wire::open_set",
        ],
        "identity" => &["secret"],
        // Its one call is on the client's connections, by the client's rules.
        "segment" => &["client"],
        "contract" => &["client", "hub", "wire::described"],
        // SnapEngage's side of the client, on this crate's own server.
        "simulator" => &[
            "client",
            "identity",
            "server::acceptor",
            "server::service",
            "server::settings",
            "testing",
            "secret",
            "wire::json",
            "wire::percent",
        ],
        // It counts what its hooks and its observer of requests are told.
        "metrics" => &["client", "dialogue", "endpoint::rejection", "inbox", "receiver::observer"],
        // It observes the requests of a receiver, and passes them on from this crate's own server
        // by the client's connections. Redaction knows the documented fields by the tables of the
        // payloads. Inboxes are exported, and what was recorded is replayed in tests.
        "record" => &[
            "client",
            "inbox",
            "receiver::observer",
            "server::acceptor",
            "server::service",
            "server::settings",
            "testing",
            "wire::lenient",
        ],
        // Tests of dialogues start and look at their states.
        "testing" => &["dialogue"],
        _ => &[],
    };
    allowed.extend(more.iter().map(|&module| module.to_owned()));
    Some(allowed)
}

#[test]
fn every_module_imports_what_it_may() {
    let sources = sources();
    let (public, modules) = (public(&sources), modules(&sources));
    assert!(ROOMS.iter().all(|room| public.contains(*room)), "{public:?}");
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| source.module != "lib") {
        let Some(allowed) = allowed(&source.module, &public) else {
            wrong.push(format!("{}: not in the table of this test", source.path));
            continue;
        };
        for import in imports(&source.code).iter().map(|path| home(path, &modules)) {
            if import != source.module && !allowed.contains(&import) {
                wrong.push(format!("{}: imports `{import}`", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_table_has_no_module_that_is_gone() {
    let modules = modules(&sources());
    let gone: Vec<_> = CORE.iter().filter(|(name, _)| !modules.contains(*name)).collect();
    assert!(gone.is_empty(), "{gone:#?}");
}

#[test]
fn the_table_keeps_the_plan() {
    let table: BTreeMap<_, _> = CORE.iter().copied().collect();
    assert_eq!(table.len(), CORE.len(), "a module is there once");
    for (module, imports) in &table {
        assert!(!imports.contains(&"server"), "{module} imports server");
        assert!(!imports.iter().any(|import| FEATURES.contains(import)), "{module}");
        let imports_rooms = imports.iter().any(|import| ROOMS.contains(import));
        assert!(!imports_rooms || *module == "receiver", "{module} imports a room");
    }
    let mut left: BTreeSet<_> = table.keys().copied().collect();
    while let Some(leaf) = left.iter().copied().find(|module| {
        table[module].iter().all(|import| import == module || !left.contains(import))
    }) {
        left.remove(leaf);
    }
    assert!(left.is_empty(), "these import each other in a circle: {left:?}");
}

#[test]
fn nothing_is_imported_through_the_root_by_super() {
    for source in sources() {
        let depth = source.path.matches('/').count();
        let is_room_itself = source.path.ends_with("/mod.rs");
        let steps = if is_room_itself { depth.saturating_sub(1) } else { depth };
        let root = "super::".repeat(steps + 1);
        assert!(!source.code.contains(&root), "{}: `{root}` is the crate root", source.path);
    }
}

/// docs.rs shows as much beside its sidebar; a wider line scrolls.
const DOC_CODE_WIDTH: usize = 88;

#[test]
fn code_in_docs_fits_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = ["README.md", "docs/first-bot.md", "docs/record.md", "src/dialogue/tutorial.md"];
    let mut pages: Vec<_> = pages
        .map(|page| (page.to_owned(), fs::read_to_string(root.join(page)).expect("a page")))
        .into();
    pages.extend(sources().into_iter().map(|source| (source.path, docs(&source.text))));
    let mut wide = Vec::new();
    for (path, page) in &pages {
        let mut is_code = false;
        for line in page.lines() {
            is_code ^= line.trim_start().starts_with("```");
            if is_code && line.chars().count() > DOC_CODE_WIDTH {
                wide.push(format!("{path}: {line}"));
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

/// The text of the doc comments.
fn docs(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let docs = lines.filter_map(|line| line.strip_prefix("///").or(line.strip_prefix("//!")));
    docs.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n").collect()
}

#[test]
fn the_face_has_no_code() {
    let sources = sources();
    let lib = sources.iter().find(|source| source.path == "lib.rs").expect("lib.rs");
    for line in lib.code.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let starts = ["mod ", "pub mod ", "pub use ", "#![", "#["];
        assert!(starts.iter().any(|start| line.starts_with(start)), "lib.rs: {line}");
        assert!(!line.ends_with("::*;"), "lib.rs: {line}");
    }
}

#[test]
fn some_words_stand_where_they_belong_alone() {
    let mut wrong = Vec::new();
    for source in sources() {
        let is_of_core = !FEATURES.contains(&&*source.module);
        let in_the_core = ALONE_IN_THE_CORE.iter().filter(|_| is_of_core);
        for (word, modules) in ALONE.iter().chain(in_the_core) {
            if source.words().any(|found| found == *word) && !modules.contains(&&*source.module) {
                wrong.push(format!("{}: `{word}`", source.path));
            }
        }
        if ROOMS.contains(&&*source.module) {
            for word in NOT_IN_A_ROOM {
                if source.words().any(|found| found == *word) {
                    wrong.push(format!("{}: `{word}` in a room", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A subscriber may panic: `RequestLog` catches that, and `log_safely` elsewhere.
#[test]
fn a_log_line_harms_nobody() {
    for source in sources() {
        for level in ["error", "warn", "info", "debug"] {
            let line = format!("tracing::{level}!(");
            for (at, _) in source.code.match_indices(&line) {
                let mut before: String = source.code[at.saturating_sub(200)..at].into();
                before.retain(|c| !c.is_whitespace() && c != '{');
                let is_safe = before.ends_with("log_safely(||") || source.path == "receiver/log.rs";
                assert!(is_safe, "{}: `{line}` outside of `log_safely`", source.path);
            }
        }
    }
}

#[test]
fn nothing_is_unwrapped_in_the_docs_either() {
    for source in sources() {
        let tests = source.text.find("#[cfg(test)]\nmod tests").unwrap_or(source.text.len());
        assert!(!source.text[..tests].contains(".unwrap()"), "{}", source.path);
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        let starts = ["//! ", "// The README"];
        assert!(starts.iter().any(|start| source.text.starts_with(start)), "{}", source.path);
    }
}

/// Both of two conditions would have to hold, which is said as `all(…)`, or was not meant.
#[test]
fn an_item_has_one_condition() {
    for source in sources() {
        let lines: Vec<_> = source.text.lines().map(str::trim_start).collect();
        for pair in lines.windows(2) {
            let are_two = pair.iter().all(|line| line.starts_with("#[cfg("));
            assert!(!are_two, "{}: {}", source.path, pair[1]);
        }
    }
}

/// Pages that two branches have changed keep both lines where they meet.
#[test]
fn each_feature_is_once_in_the_lists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let (readme, architecture) = (read("README.md"), read("ARCHITECTURE.md"));
    for feature in FEATURES {
        let count = |page: &str, start: &str| {
            page.lines().filter(|line| line.starts_with(&start.replace('*', feature))).count()
        };
        assert_eq!(count(&readme, "| `*`"), 1, "{feature}: the README's table");
        assert_eq!(count(&readme, "[`*`]: "), 1, "{feature}: the README's links");
        assert_eq!(count(&architecture, "  */ "), 1, "{feature}: the plan");
        let imports = architecture.lines().filter_map(|line| line.split_once(" -> "));
        let imports = imports.filter(|(room, _)| room.trim() == *feature);
        assert_eq!(imports.count(), 1, "{feature}: the table of imports");
    }
}

#[test]
fn each_feature_is_linted_alone() {
    // A package has no `.ci/`.
    let lints = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/lint");
    if lints.exists() {
        let lints = fs::read_to_string(lints).expect(".ci/lint");
        for feature in FEATURES {
            let times = lints.split_whitespace().filter(|word| word == feature).count();
            assert_eq!(times, 1, "{feature}");
        }
    }
}

#[test]
fn the_plan_has_each_binary_of_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plan = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let starts = plan.matches("\ntests/").count();
    assert_eq!(starts, 1, "lines on tests/");
    let (_, line) = plan.split_once("\ntests/").expect("a line on tests/");
    let (line, _) = line.split_once("and house.rs").expect("its end");
    let named = line.split(':').nth(1).expect("names").split_whitespace();
    let named: BTreeSet<_> = named.map(|name| name.trim_end_matches(',').to_owned()).collect();
    let folders = fs::read_dir(root.join("tests")).expect("tests/");
    let folders = folders.map(|folder| folder.expect("a folder").path());
    let binaries = folders.filter(|folder| folder.join("main.rs").exists());
    let binaries = binaries.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    assert_eq!(named, binaries.collect());
}

#[test]
fn a_room_behind_a_feature_has_its_name() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("Cargo.toml");
    for source in sources().iter().filter(|source| FEATURES.contains(&&*source.module)) {
        let feature = format!("\n{} = [", source.module);
        assert!(manifest.contains(&feature), "{}: no feature of its name", source.path);
    }
}

mod the_reader {
    use super::*;

    #[test]
    fn sees_code_and_nothing_else() {
        let text = r##"
            //! crate::docs
            use crate::one; // crate::comment
            /* crate::block */
            const TEXT: &str = "crate::text \" crate::text";
            const RAW: &str = r#"crate::raw " crate::raw"#;
            const BYTES: &[u8] = br"crate::bytes";
            const QUOTE: char = '"'; use crate::two::Two;
            const ESCAPED: char = '\''; fn lifetime<'a>(_: &'a str) { crate::three::four(); }
            use crate::{five, six::{self, Seven}, eight::Nine};
            pub(crate) fn not_a_path() {}
        "##;
        let expected = ["eight::Nine", "five", "one", "six", "three::four", "two::Two"];
        assert_eq!(imports(&code(text)), expected.map(str::to_owned).into());
    }

    #[test]
    fn sees_imports_through_the_root() {
        let found = imports("use crate::Token; use crate::*;");
        assert_eq!(found, ["", "Token"].map(str::to_owned).into());
    }
}
