//! Identities that a page signs, in a real browser.

use serde_json::{Value, json};
use snapengage::Timestamp;
use snapengage::identity::{Signer, script_text};

use super::chromium::Chromium;
use super::simulated::{JANE, Simulated, TOKEN, serve_bot};
use super::site::{page_with_snippet, serve_site};
use super::{asked, assert_quiet, barber, tab};

const SECRET: &str = "AuW5G710B_jOk7LeMq0BBZCcqoXrmpis";

/// Whatever might end the text, the line, the script or the page.
const HOSTILE: [&str; 12] = [
    "</script><script>window.harmed = 1</script>",
    "</SCRIPT ><img src=x onerror='window.harmed = 2'>",
    "<!--<script>",
    "-->\n<!--",
    "]]>",
    "\";window.harmed = 3;//",
    "';window.harmed = 4;//",
    "\\\";window.harmed = 5;//",
    "\u{2028}window.harmed = 6;\u{2029}",
    "\r\nwindow.harmed = 7;\n",
    "${window.harmed = 8}`&lt;&#60;&quot;",
    "\0\u{1f}\u{7f}\u{feff}💈é",
];

#[tokio::test]
async fn hostile_texts_are_texts_in_a_script() {
    let at = Timestamp::from_millis(1_600_347_324_661).expect("a time");
    let signer = Signer::new(SECRET).expect("a secret");
    let script = |text: &&str| {
        let identity = signer.sign_at(text, *text, at).script();
        let text = script_text(text);
        format!("<script>{identity}seen.push([__hmacNonce, __hmacTimestamp, {text}]);</script>\n")
    };
    let scripts: String = HOSTILE.iter().map(script).collect();
    let site = format!(
        "<!doctype html><html><head><meta charset=utf-8><title>Shop</title></head><body>\
         <script>window.seen = []</script>{scripts}<p id=end>end</p></body></html>"
    );
    let page = Chromium::launch().page().await;
    page.open(&serve_site(site).await).await;
    page.until("document.getElementById('end')").await;
    let expected: Vec<_> =
        HOSTILE.iter().map(|text| json!([text, "1600347324661", text])).collect();
    assert_eq!(page.eval("seen").await, json!(expected));
    assert_eq!(page.eval("window.harmed ?? null").await, Value::Null);
    assert_eq!(page.eval("document.body.innerText.trim()").await, "end");
    assert_quiet(&page);
}

/// From the signature to what the bot is told, through the script of the page.
#[tokio::test]
async fn visitor_of_a_page_that_signs_is_verified() {
    let bot = serve_bot(barber).await;
    let config = tempfile::NamedTempFile::new().expect("a file");
    let text = format!(
        "[[widget]]\nid = 'local'\nidentity_secret = '{SECRET}'\n\
         bot = {{ url = '{bot}', token = '{TOKEN}' }}\n[[agent]]\nemail = '{JANE}'\n"
    );
    std::fs::write(config.path(), text).expect("written");
    let simulated = Simulated::start(&["--config", config.path().to_str().expect("UTF-8")]).await;
    let browser = Chromium::launch();
    let signer = Signer::new(SECRET).expect("a secret");
    for (content, status) in [("ann@example.com", "VERIFIED"), ("bob@example.com", "NOT_VERIFIED")]
    {
        let page = browser.page().await;
        let script = format!("<script>{}</script>", signer.sign(content).script());
        page.open(&serve_site(page_with_snippet(&simulated.address, &script)).await).await;
        page.until("window.SnapEngage && document.getElementById('snapengage-simulator')").await;
        page.eval("SnapEngage.setUserEmail('ann@example.com')").await;
        page.eval("SnapEngage.setDescription('Hello'); SnapEngage.startLink()").await;
        page.click("button", "Start chat").await;
        page.sees("What is it about?").await;
        let other = tab(&browser, &simulated).await;
        let told = asked(&other, "deliveries?feed=bot").await;
        assert!(told.to_string().contains(&format!("\\\"status\\\":\\\"{status}\\\"")), "{told}");
    }
}
