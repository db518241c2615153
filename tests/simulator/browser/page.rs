//! A tab: what a person does in it, and what it shows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::chromium::Pipe;

pub(crate) struct Page {
    pipe: Arc<Pipe>,
    session: String,
}

impl Page {
    pub(crate) async fn new(pipe: Arc<Pipe>, session: String) -> Self {
        let page = Self { pipe, session };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        self.pipe.call(&self.session, method, params).await
    }

    pub(crate) async fn open(&self, url: &str) {
        let opened = self.call("Page.navigate", json!({ "url": url })).await;
        assert_eq!(opened.get("errorText"), None, "{url}");
        self.until(r#"document.readyState === "complete" && location.href !== "about:blank""#)
            .await;
    }

    /// Evaluates an expression, and waits for it if it is a promise.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        let params = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let evaluated = self.call("Runtime.evaluate", params).await;
        assert_eq!(evaluated.get("exceptionDetails"), None, "{expression}");
        evaluated["result"]["value"].clone()
    }

    /// Waits until an expression is true, and returns it.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let looks = format!(
            "new Promise((done) => {{ const look = () => {{ const found = {expression};
                if (found) done(found); else setTimeout(look, 20); }}; look(); }})"
        );
        match tokio::time::timeout(PATIENCE, self.eval(&looks)).await {
            Ok(found) => found,
            Err(_) => {
                let shown = self.eval("document.body.innerText").await;
                panic!(
                    "never true: {expression}\nthe page:\n{}",
                    shown.as_str().unwrap_or_default()
                );
            }
        }
    }

    /// Waits until a text is shown.
    pub(crate) async fn sees(&self, text: &str) {
        self.until(&format!("({DEEP_TEXT})(document.body).includes({})", json!(text))).await;
    }

    /// Waits until a text is shown in one part of the page.
    pub(crate) async fn sees_in(&self, selector: &str, text: &str) {
        let shown = format!("document.querySelector({})?.textContent.includes", json!(selector));
        self.until(&format!("{shown}({})", json!(text))).await;
    }

    /// Clicks what a selector finds, or of its elements the one of this text.
    pub(crate) async fn click(&self, selector: &str, text: &str) {
        // Where it is once it has stopped moving: a click on a place is too late if it has not.
        let place = format!(
            "(() => {{
                const found = ({DEEP_FIND})({}, {});
                if (!found || found.disabled) return null;
                found.scrollIntoView({{ block: 'center' }});
                const {{ x, y, width, height }} = found.getBoundingClientRect();
                const place = {{ x: x + width / 2, y: y + height / 2 }};
                const before = window.placeBefore;
                window.placeBefore = JSON.stringify(place);
                return before === window.placeBefore ? place : null;
            }})()",
            json!(selector),
            json!(text),
        );
        self.eval("window.placeBefore = undefined").await;
        let place = self.until(&place).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let mut event = place.clone();
            event["type"] = kind.into();
            event["button"] = "left".into();
            event["clickCount"] = 1.into();
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Writes into a field, as a keyboard would.
    pub(crate) async fn write(&self, selector: &str, text: &str) {
        let focus = format!(
            "(() => {{ const found = ({DEEP_FIND})({}, '');
                if (!found || found.disabled || !found.getClientRects().length) return false;
                found.focus(); found.select?.(); return true; }})()",
            json!(selector),
        );
        self.until(&focus).await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    pub(crate) async fn press(&self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            " " => (32, " "),
            _ => panic!("a key that is not known here: {key}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Chooses an option of a list.
    pub(crate) async fn choose(&self, id: &str, value: &str) {
        let (id, value) = (json!(id), json!(value));
        let has = format!(
            "[...document.getElementById({id}).options].some((each) => each.value === {value})"
        );
        self.until(&has).await;
        let choose = format!(
            "(() => {{ const list = document.getElementById({id}); list.value = {value};
                list.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
        );
        self.eval(&choose).await;
    }

    /// Returns the addresses of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        let events = self.pipe.events(&self.session).into_iter();
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Returns what the browser complained of: exceptions, and what its policy refused.
    pub(crate) fn complaints(&self) -> Vec<Value> {
        let events = self.pipe.events(&self.session).into_iter();
        let is_complaint = |event: &Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["source"] != "network",
            _ => false,
        };
        events.filter(is_complaint).map(|mut event| event["params"].take()).collect()
    }

    /// Returns the texts of one kind that the page wrote to its console.
    pub(crate) fn console(&self, kind: &str) -> Vec<String> {
        let events = self.pipe.events(&self.session).into_iter();
        let written = events.filter(|event| {
            event["method"] == "Runtime.consoleAPICalled" && event["params"]["type"] == kind
        });
        written.map(|event| event["params"]["args"][0]["value"].to_string()).collect()
    }

    /// Does what saves a file, and returns the file's name and its text.
    pub(crate) async fn saved(&self, clicks: impl Future<Output = ()>) -> (String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let params = json!({ "behavior": "allow", "downloadPath": folder.path() });
        self.call("Page.setDownloadBehavior", params).await;
        clicks.await;
        let is_saved = |event: &Value| {
            event["method"] == "Page.downloadProgress" && event["params"]["state"] == "completed"
        };
        let event = self.pipe.event(&self.session, is_saved);
        tokio::time::timeout(PATIENCE, event).await.expect("a file is saved");
        let mut files = std::fs::read_dir(folder.path()).expect("a folder");
        let file = files.next().expect("a file").expect("a file").path();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(file).expect("UTF-8"))
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    pub(crate) async fn colours(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Writes a picture of what is on the screen.
    pub(crate) async fn picture(&self, path: &Path) {
        // Two frames later, all that was changed is painted.
        let paints = "new Promise((done) =>
            requestAnimationFrame(() => requestAnimationFrame(() => done(0))))";
        self.eval(paints).await;
        let taken = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        let text = taken["data"].as_str().expect("a picture");
        std::fs::write(path, base64(text)).expect("written");
    }
}

/// Long enough for a slow machine; only a test that fails takes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// All text below an element, also in the shadow of another.
const DEEP_TEXT: &str = "function text(node) {
    if (node.nodeType === 3) return node.data;
    if (['STYLE', 'SCRIPT'].includes(node.nodeName)) return '';
    const shadow = node.shadowRoot ? text(node.shadowRoot) : '';
    return shadow + [...node.childNodes].map(text).join('');
}";

/// First element of a selector with this text that is shown, also in a shadow.
const DEEP_FIND: &str = "function find(selector, text) {
    const shadows = [...document.querySelectorAll('*')].map(({ shadowRoot }) => shadowRoot);
    const roots = [document, ...shadows].filter(Boolean);
    return roots.flatMap((root) => [...root.querySelectorAll(selector)]).find((each) =>
        each.getClientRects().length && (!text || each.textContent.trim() === text));
}";

fn base64(text: &str) -> Vec<u8> {
    let values = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let values: Vec<u8> = values.collect();
    let bytes = values.chunks(4).flat_map(|four| {
        let bits = four.iter().fold(0_u32, |bits, &value| bits << 6 | u32::from(value));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}
