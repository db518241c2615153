//! Page for people, and script for developers' own pages: files that are served as they are.
//!
//! The page calls `/_/` alone, of which `face/face.md` is the list.
//!
//! Events of `/_/events` say what has changed, and the page asks for it anew: `visit`, `delivery`,
//! `agent`, `world` (widgets, time, faults) and `reset`. What is in their data does not matter to
//! it.
//!
//! [`WIDGET`] says at its top what the script calls.

/// Files of the page: path, media type and content.
pub(super) const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page.css")),
    ("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("/page.js", JAVASCRIPT, include_str!("page.js")),
    ("/store.js", JAVASCRIPT, include_str!("store.js")),
    ("/dom.js", JAVASCRIPT, include_str!("dom.js")),
    ("/visitor.js", JAVASCRIPT, include_str!("visitor.js")),
    ("/agent.js", JAVASCRIPT, include_str!("agent.js")),
    ("/wire.js", JAVASCRIPT, include_str!("wire.js")),
    ("/script.js", JAVASCRIPT, include_str!("script.js")),
    ("/hub.js", JAVASCRIPT, include_str!("hub.js")),
];

/// Policy of the page, but for `frame-src`: the origins of the Hub pages, or `'none'`.
pub(super) const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'";

/// Script `/js/{widgetId}.js`, with [`WIDGET_ID`], [`BASE`] and [`STYLE`] to be replaced by texts
/// in JSON.
pub(super) const WIDGET: &str = include_str!("widget.js");

/// Placeholder in [`WIDGET`] for its style sheet.
pub(super) const STYLE: &str = "'{{style}}'";

/// Style sheet of the script's chat box.
pub(super) const WIDGET_STYLE: &str = include_str!("widget.css");

/// Placeholder in [`WIDGET`] for the widget's id.
pub(super) const WIDGET_ID: &str = "'{{widget}}'";

/// Placeholder in [`WIDGET`] for the address of the simulator.
pub(super) const BASE: &str = "'{{base}}'";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
