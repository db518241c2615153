//! `docs/first-bot.md` in a browser, and its pictures.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::chromium::Chromium;
use super::page::Page;
use super::{assert_quiet, connect, say, start, visit};
use crate::tutorial::{Project, assert_finished};

/// Says that the pictures of the page are to be made anew.
const PICTURES: &str = "TUTORIAL_PICTURES";

/// Writes a picture, into `docs/` if that was asked for.
async fn picture(page: &Page, name: &str) {
    let folder = match std::env::var_os(PICTURES) {
        Some(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"),
        None => PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
    };
    let folder = folder.join("pictures");
    std::fs::create_dir_all(&folder).expect("a folder");
    // Away from what was clicked, which looks otherwise below the mouse.
    page.call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": 600, "y": 5 })).await;
    page.picture(&folder.join(name).with_extension("png")).await;
}

async fn click(page: &Page, button: &str) {
    page.click("button", button).await;
}

async fn state(page: &Page, name: &str) {
    let shown = "document.getElementById('visit-state').textContent";
    page.until(&format!("{shown} === '{name}'")).await;
}

/// Opens the newest delivery of a feed that is about this and was answered, and scrolls to it.
async fn look_at(page: &Page, feed: &str, event: &str) {
    let row = format!(
        "[...document.querySelectorAll('#deliveries > li')].find((each) => {{
            const {{ textContent }} = each.querySelector('.what');
            return textContent === {:?} && /\\d/.test(each.querySelector('.pill').textContent);
        }})",
        format!("{feed}{event}"),
    );
    page.until(&row).await;
    page.eval(&format!(
        "for (const each of document.querySelectorAll('#deliveries details')) each.open = false;
        {row}.children[0].open = true; {row}.scrollIntoView()"
    ))
    .await;
}

/// The script without what is about the visitor, but for the first message.
fn without_visitor(script: &str) -> String {
    let is_kept = |row: &&str| {
        let about = row.strip_prefix("  ").and_then(|row| row.split_once(": "));
        about.is_none_or(|(name, _)| {
            name == "text" || !name.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    script.lines().filter(is_kept).flat_map(|row| [row, "\n"]).collect()
}

#[tokio::test]
async fn first_bot_is_chatted_with_as_its_page_says() {
    let mut project = Project::started();
    let browser = Chromium::launch();
    let page = browser.page().await;
    page.resize(1180, 640).await;
    page.colours("light").await;
    connect(&page, project.address(1)).await;

    start(&page, "Hello", "I am only a bot. What is it about?").await;
    click(&page, "Opening hours").await;
    page.sees_in("#log", "Monday to Friday").await;
    look_at(&page, "bot", "message").await;
    picture(&page, "bot").await;

    // The one shown last: the first cannot be clicked any more.
    page.click(".choices button:not(:disabled)", "Talk to somebody").await;
    state(&page, "waiting for an agent").await;
    click(&page, "Take chat").await;
    state(&page, "with an agent").await;
    page.write("#agent-text", "Hi, Jane here. Is it the brakes?").await;
    page.click("#agent-say button", "Send").await;
    page.sees_in("#log", "Is it the brakes?").await;
    say(&page, "Yes, both", "Yes, both").await;
    look_at(&page, "bot", "message").await;
    page.eval(
        "document.querySelector('#deliveries pre[aria-label*=answer]').scrollIntoView(false)",
    )
    .await;
    picture(&page, "agent").await;

    click(&page, "Close chat").await;
    state(&page, "closed").await;
    let case_id = visit(&page).await["case_id"].as_str().expect("an id").to_owned();
    assert_finished(&mut project, &case_id);
    look_at(&page, "integration", "chat").await;
    picture(&page, "integration").await;

    click(&page, "New chat").await;
    page.choose("agent-status", "pause").await;
    page.until("document.getElementById('agent-state').textContent === 'pause'").await;
    start(&page, "Hello", "I am only a bot.").await;
    click(&page, "Talk to somebody").await;
    page.sees_in("#log", "Nobody is in right now.").await;
    look_at(&page, "bot", "commandResult").await;
    picture(&page, "nobody").await;
    click(&page, "Leave chat").await;
    state(&page, "closed").await;
    page.until("document.querySelectorAll('#deliveries > li').length === 5").await;
    let (_, saved) = page.saved(page.click("#save-chat", "")).await;
    assert_eq!(without_visitor(&saved), project.file("tests/nobody.chat"));
    assert_quiet(&page);
}

/// What the page shows is there, and small.
#[test]
fn first_bot_has_its_pictures() {
    let text = include_str!("../../../docs/first-bot.md");
    let named = text.split("](pictures/").skip(1).map(|rest| rest.split(')').next());
    let mut named: Vec<_> = named.map(|name| name.expect("a name").to_owned()).collect();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if package.join("Cargo.toml.orig").exists() {
        // What is published has none.
        return;
    }
    let folder = package.join("docs/pictures");
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file"));
    let mut there = Vec::new();
    for file in files {
        let size = file.metadata().expect("a size").len();
        assert!(size < 150 << 10, "{file:?}: {size} bytes");
        there.push(file.file_name().to_string_lossy().into_owned());
    }
    named.sort();
    there.sort();
    assert_eq!(there, named);
}
