//! A bot and a visitor who mean the page ill.

use snapengage::bot::{Button, Card, Cards, Message, Reply};

use super::chromium::Chromium;
use super::simulated::{JANE, Simulated};
use super::site::serve_site;
use super::{assert_quiet, opened, say, start, tab};

const SCRIPT: &str = concat!(
    "<script>window.harmed = 1</script><img src=x onerror=\"window.harmed = 2\">",
    "<style>*{display:none}</style>"
);
const RTL: &str = "\u{202e}\u{2067}drowssap\u{202e}";

fn hostile(message: &Message) -> Reply {
    match message.text.as_str() {
        "script" => Reply::say(SCRIPT)
            .button(Button::new(SCRIPT).id(SCRIPT))
            .goto("javascript:window.harmed=3"),
        "links" => Reply::say(
            "javascript:window.harmed=4 https://example.com/\"onmouseover=\"window.harmed=5",
        )
        .cards(
            Cards::horizontal()
                .card(Card::new(SCRIPT).excerpt(SCRIPT).link("javascript:window.harmed=6"))
                .card(Card::new("data").link("data:text/html,<script>alert(1)</script>"))
                .card(Card::new("file").link("file:///etc/passwd")),
        ),
        "long" => Reply::say(format!("{} end", "x".repeat(100 * 1024))),
        "dots" => Reply::say(format!("http://{}x", ".".repeat(100 * 1024))),
        "marks" => Reply::say(RTL).button(RTL).label(RTL, [RTL]),
        _ => Reply::say("\u{0}\u{7}\u{1b}[2J̷̨͔̱͉̞̜ done"),
    }
}

#[tokio::test]
async fn hostile_bot_leaves_the_page_whole() {
    let (_simulated, _browser, page) = opened(hostile).await;
    page.write("#start [name=name]", SCRIPT).await;
    start(&page, "Hello", "done").await;
    say(&page, "script", "window.harmed = 1").await;
    page.sees_in("#log", "javascript:window.harmed=3").await;
    page.click(".choices button", SCRIPT).await;
    page.until("document.querySelectorAll('#log .visitor').length === 3").await;
    say(&page, "links", "file:///etc/passwd").await;
    say(&page, "long", "Show all 101 KiB").await;
    say(&page, "marks", "drowssap").await;
    say(&page, SCRIPT, SCRIPT).await;

    page.until("document.querySelectorAll('#deliveries > li').length === 7").await;
    page.eval("for (const head of document.querySelectorAll('#deliveries .head')) head.click()")
        .await;
    page.sees_in("#deliveries", "Show all").await;
    // In the wire, marks that turn a text around are shown as such.
    page.sees_in("#deliveries", "\\u202e").await;

    let links = "[...document.querySelectorAll('main a')].map(({ protocol }) => protocol)
        .filter((each) => each !== 'https:')";
    assert_eq!(page.eval(links).await.to_string(), "[]");
    assert_eq!(page.eval("window.harmed ?? 0").await, 0);
    let strange =
        "document.querySelectorAll('main :is(script, img, style, iframe, [style])').length";
    assert_eq!(page.eval(strange).await, 0);
    let is_whole = "document.documentElement.scrollWidth <= innerWidth
        && document.getElementById('wire').getBoundingClientRect().right <= innerWidth";
    assert_eq!(page.eval(is_whole).await, true);
    page.resize(390, 844).await;
    assert_eq!(page.eval("document.documentElement.scrollWidth <= innerWidth").await, true);
    assert_quiet(&page);
}

#[tokio::test]
async fn long_text_is_folded_and_unfolds() {
    let (_simulated, _browser, page) = opened(hostile).await;
    start(&page, "long", "Show all 101 KiB").await;
    let length = "document.querySelector('#log .bot .bubble').textContent.length";
    assert!(page.eval(length).await.as_u64() < Some(2000));
    page.click(".fold", "").await;
    page.until(&format!("{length} > 100 * 1024")).await;
    page.sees_in("#log", "x end").await;
}

/// Texts over which a careless pattern would take minutes.
#[tokio::test]
async fn odd_text_does_not_stop_the_page() {
    let (_simulated, _browser, page) = opened(hostile).await;
    start(&page, "dots", "Show all 101 KiB").await;
    page.click(".fold", "").await;
    page.sees_in("#log", "..x").await;
    assert_quiet(&page);
}

/// An answer whose lay-out would be as long as the square of its length.
#[tokio::test]
async fn answer_of_brackets_does_not_stop_the_page() {
    let brackets = "[".repeat(50_000) + &"]".repeat(50_000);
    let bot = serve_site(brackets).await;
    let simulated = Simulated::start(&["--bot", &bot, "--agent", JANE]).await;
    let browser = Chromium::launch();
    let page = tab(&browser, &simulated).await;
    page.write("#s-text", "Hello").await;
    page.click("#start button", "Start chat").await;
    page.until("document.getElementById('visit-state').textContent === 'waiting for an agent'")
        .await;
    page.click("#deliveries .head", "").await;
    page.click("#deliveries pre[aria-label*=answer] .fold", "").await;
    page.until(
        "document.querySelector('#deliveries pre[aria-label*=answer]').textContent.length > 1e6",
    )
    .await;
    assert_quiet(&page);
}

/// What nobody should be able to put into the page, not even its author.
#[tokio::test]
async fn policy_forbids_what_the_page_does_not_need() {
    let (_simulated, _browser, page) = opened(hostile).await;
    let refused = [
        "document.body.innerHTML = '<b>markup</b>'",
        "eval('1')",
        "document.createElement('script').text = '1'",
    ];
    for each in refused {
        let tries = format!(
            "new Promise((done) => setTimeout(() => {{
                try {{ {each}; done('allowed') }} catch (e) {{ done('refused') }} }}))"
        );
        assert_eq!(page.eval(&tries).await, "refused", "{each}");
    }
    let fetches = "fetch('https://example.com/').then(() => 'allowed', () => 'refused')";
    assert_eq!(page.eval(fetches).await, "refused");
}
