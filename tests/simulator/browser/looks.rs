//! How the page looks: pictures to look at, and what axe-core finds.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::chromium::axe;
use super::page::Page;
use super::site::{page_with_snippet, serve_site};
use super::{barber, opened, say, start};

/// Returns where the pictures are put.
pub(crate) fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A chat in which something of every kind was said.
async fn chat(page: &Page) {
    page.write("#start [name=name]", "Ann").await;
    start(page, "Do you cut beards?", "What is it about?").await;
    page.click(".choices button", "Prices").await;
    page.sees_in("#log", "Beard trim").await;
    say(page, "Talk to somebody", "One moment").await;
    page.click("#take", "").await;
    page.write("#agent-text", "Jane here. How can I help?").await;
    page.press("Enter").await;
    page.sees_in("#log", "Jane here").await;
    say(page, "\u{5e9}\u{5dc}\u{5d5}\u{5dd}! \u{1f44b}", "\u{1f44b}").await;
    page.click("#deliveries li:nth-child(2) .head", "").await;
}

/// Writes what a new user sees, in light and dark, on a screen and on a telephone.
#[tokio::test]
async fn page_is_pictured_wide_and_narrow() {
    let (_simulated, _browser, page) = opened(barber).await;
    for scheme in ["light", "dark"] {
        page.colours(scheme).await;
        page.click("#new-chat", "").await;
        for (width, height) in [(1280, 860), (390, 844)] {
            page.resize(width, height).await;
            page.picture(&folder().join(format!("start-{width}-{scheme}.png"))).await;
        }
        page.resize(1280, 860).await;
        chat(&page).await;
        page.picture(&folder().join(format!("chat-1280-{scheme}.png"))).await;
        page.resize(390, 844).await;
        for part in ["visitor", "agent", "wire"] {
            page.eval(&format!("document.getElementById('{part}').scrollIntoView()")).await;
            page.picture(&folder().join(format!("{part}-390-{scheme}.png"))).await;
        }
        page.resize(1280, 860).await;
        for dialog in ["Faults and time", "Rules"] {
            page.click("header button", dialog).await;
            let name = dialog.split(' ').next().expect("a word");
            page.picture(&folder().join(format!("{name}-1280-{scheme}.png"))).await;
            page.press("Escape").await;
        }
    }
}

#[tokio::test]
async fn nothing_is_cut_off_wide_or_narrow() {
    let (_simulated, _browser, page) = opened(barber).await;
    chat(&page).await;
    let width = |selector: &str| format!("document.querySelector({selector:?}).offsetWidth");
    page.resize(1280, 860).await;
    for (selector, least) in
        [("#agent-email", 200), ("#label-name", 90), ("#label [name=value]", 90)]
    {
        let width = page.eval(&width(selector)).await;
        assert!(width.as_u64() >= Some(least), "{selector}: {width}");
    }
    let rows = "[...document.querySelectorAll('.head')]";
    for width in [1280, 1000, 390] {
        page.resize(width, 860).await;
        let has_time =
            format!("{rows}.every((row) => /^[\\d:]{{8}}$/.test(row.lastChild.innerText))");
        assert_eq!(page.eval(&has_time).await, true, "{width}");
        let fits = format!(
            "document.documentElement.scrollWidth <= {width} && {rows}.every((row) =>
                [...row.children].every((each) => each.scrollWidth <= each.offsetWidth))"
        );
        assert_eq!(page.eval(&fits).await, true, "{width}");
    }
}

/// Returns what axe-core takes for serious or worse.
async fn serious(page: &Page) -> Value {
    page.call("Page.setBypassCSP", json!({ "enabled": true })).await;
    page.eval(&format!("{}; 0", axe())).await;
    page.eval(
        "axe.run().then(({ violations }) => violations
            .filter(({ impact }) => ['serious', 'critical'].includes(impact))
            .map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 120))]))",
    )
    .await
}

pub(crate) async fn assert_nothing_serious(page: &Page, what: &str) {
    assert_eq!(serious(page).await, json!([]), "{what}");
}

#[tokio::test]
async fn axe_finds_nothing_serious_in_the_page() {
    let (_simulated, _browser, page) = opened(barber).await;
    for scheme in ["light", "dark"] {
        page.colours(scheme).await;
        page.click("#new-chat", "").await;
        page.eval("for (const each of document.querySelectorAll('main details')) each.open = true")
            .await;
        assert_nothing_serious(&page, &format!("{scheme}, before a chat")).await;
        chat(&page).await;
        for width in [1280, 390] {
            page.resize(width, 900).await;
            assert_nothing_serious(&page, &format!("{scheme}, in a chat, {width} wide")).await;
        }
        page.resize(1280, 900).await;
        for dialog in ["Faults and time", "Rules"] {
            page.click("header button", dialog).await;
            assert_nothing_serious(&page, &format!("{scheme}, {dialog}")).await;
            page.press("Escape").await;
        }
    }
}

#[tokio::test]
async fn axe_finds_nothing_serious_in_the_box() {
    let (simulated, browser, page) = opened(barber).await;
    page.open(
        &serve_site(page_with_snippet(&simulated.address, "<main><p>Hello</p></main>")).await,
    )
    .await;
    page.click("button", "Chat with us").await;
    page.sees("Start chat").await;
    assert_nothing_serious(&page, "the form").await;
    page.picture(&folder().join("site-form.png")).await;
    page.write("textarea[name=text]", "Hello").await;
    page.click("button", "Start chat").await;
    page.click("button", "Prices").await;
    page.sees("Beard trim").await;
    assert_nothing_serious(&page, "the chat").await;
    page.picture(&folder().join("site-chat.png")).await;
    page.click("button", "End chat").await;
    page.sees("Were you helped?").await;
    assert_nothing_serious(&page, "the survey").await;
    drop(browser);
}

#[tokio::test]
async fn axe_finds_what_is_wrong() {
    let (_simulated, _browser, page) = opened(barber).await;
    page.open(
        &serve_site("<html lang=en><title>x</title><main><button></button></main>".to_owned())
            .await,
    )
    .await;
    assert_eq!(serious(&page).await, json!([["button-name", "<button></button>"]]));
}

/// All that the page loads, as it is.
#[tokio::test]
async fn page_is_at_most_60_kib() {
    let (_simulated, _browser, page) = opened(barber).await;
    let size =
        "Promise.all(['/', ...performance.getEntriesByType('resource').map(({ name }) => name)]
        .filter((each) => !each.includes('/_/'))
        .map((each) => fetch(each).then((answer) => answer.arrayBuffer())))
        .then((files) => files.reduce((sum, { byteLength }) => sum + byteLength, 0))";
    let size = page.eval(size).await.as_u64().expect("a size");
    assert!((40 * 1024..=60 * 1024).contains(&size), "{size} bytes");
}
