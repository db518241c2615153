//! The compiler's errors for the mistakes that are made first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CLOSURE_FOR_A_BOT: &str = r#"
    let bot = |message: bot::Message| async move { Ok(Reply::say(message.text)) };
    let _ = Receiver::builder().bot("/bot", Token::new("t"), bot);
"#;

const CLOSURE_FOR_A_FEED: &str = r#"
    let crm = |_: integration::SupportRequest| async { Ok(()) };
    let _ = Receiver::builder().integration("/integration", Token::new("t"), crm);
"#;

const HANDLER_OF_ANOTHER_FEED: &str = r#"
    struct Crm;
    #[snapengage::async_trait]
    impl conversation::Handler for Crm {
        async fn event(&self, _: conversation::Event) -> Result<(), HandlerError> { Ok(()) }
    }
    let _ = Receiver::builder().integration("/integration", Token::new("t"), Crm);
"#;

const STRUCT_FOR_A_JOURNAL: &str = r#"
    struct Queue;
    let _ = snapengage::journal::to(Queue);
"#;

const NO_ASYNC_TRAIT: &str = r#"
    struct Greeter;
    impl bot::Handler for Greeter {
        async fn message(&self, _: bot::Message) -> Result<Reply, HandlerError> {
            Ok(Reply::new())
        }
    }
"#;

const LISTENER_OF_STD: &str = r#"
    fn serve(listener: std::net::TcpListener, receiver: Receiver) -> impl Future {
        snapengage::serve(listener, receiver, snapengage::shutdown_signal())
    }
"#;

#[test]
fn a_closure_without_from_fn_is_told_of_it() {
    assert_told(
        CLOSURE_FOR_A_BOT,
        &[
            "is not a handler of the Bot API",
            "a closure becomes a handler by `bot::from_fn(|message| async move { .. })`",
        ],
    );
    assert_told(
        CLOSURE_FOR_A_FEED,
        &[
            "does not take a `SupportRequest`",
            "expected a handler of this API, an inbox's feed of one, or `journal::to(..)`",
            "a closure becomes a handler by its API's `from_fn`, as in `integration::from_fn(..)`",
        ],
    );
}

#[test]
fn a_handler_of_another_feed_is_told_which_it_is_not() {
    assert_told(
        HANDLER_OF_ANOTHER_FEED,
        &["`Crm` does not take a `SupportRequest`", "snapengage::integration::Handler"],
    );
}

#[test]
fn a_struct_that_is_no_journal_is_told_so() {
    assert_told(
        STRUCT_FOR_A_JOURNAL,
        &["`Queue` is not a journal", "the trait `Journal` is not implemented for `Queue`"],
    );
}

#[test]
fn a_listener_of_std_is_told_the_one_of_tokio() {
    assert_told(
        LISTENER_OF_STD,
        &[
            "`TcpListener` is not a listener",
            "expected tokio's `TcpListener` or `UnixListener`, or a `Listener` of yours",
            "a listener of `std` becomes one by `tokio::net::TcpListener::from_std(..)`",
        ],
    );
}

/// As the pages of the traits quote it.
#[test]
fn a_missing_async_trait_is_e0195() {
    assert_told(
        NO_ASYNC_TRAIT,
        &["error[E0195]: lifetime parameters or bounds on method `message` do not match the \
             trait declaration"],
    );
}

#[track_caller]
fn assert_told(mistake: &str, expected: &[&str]) {
    let told = compile(mistake);
    for text in expected {
        assert!(told.contains(text), "expected {text:?} in\n{told}");
    }
}

/// What the compiler says to a function.
fn compile(body: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("lib.rs");
    let imports = "use snapengage::{HandlerError, Receiver, Token};
        use snapengage::bot::{self, Reply};
        use snapengage::{conversation, integration};";
    let code = format!("#![allow(unused)]\n{imports}\npub fn mistake() {{\n{body}\n}}\n");
    fs::write(&source, code).expect("written");
    let this_test = std::env::current_exe().expect("a path");
    let builds = this_test.parent().expect("a folder");
    let told = libraries(builds).into_iter().map(|library| rustc(&source, &library, builds));
    // One of another compiler, or without what it depends on, cannot be used.
    let unusable = ["E0463", "E0460", "E0514", "E0786"];
    let mut told = told.filter(|told| !unusable.iter().any(|code| told.contains(code)));
    told.next().expect("a build of the crate")
}

/// All builds of the crate, the last one first.
fn libraries(builds: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(builds).expect("a folder").map(|file| file.expect("a file").path());
    let is_library = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libsnapengage-") && name.ends_with(".rlib")
    };
    let mut libraries: Vec<_> = files.filter(is_library).collect();
    let written_at = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).ok();
    libraries.sort_by_key(written_at);
    libraries.reverse();
    libraries
}

fn rustc(source: &Path, library: &Path, builds: &Path) -> String {
    let output = Command::new("rustc")
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--extern"])
        .arg(format!("snapengage={}", library.display()))
        .arg(format!("-Ldependency={}", builds.display()))
        .arg("--out-dir")
        .arg(source.parent().expect("a folder"))
        .arg(source)
        .output()
        .expect("a compiler");
    assert!(!output.status.success(), "no mistake");
    String::from_utf8(output.stderr).expect("text")
}
