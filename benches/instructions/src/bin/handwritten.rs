//! hyper and serde_json, and everything between by hand. With the argument `from_str`, bodies are
//! checked to be UTF-8 once instead of string by string.

use snapengage_instructions::baseline::answer;
use snapengage_instructions::{run, serve};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("from_str") => run(|listener| serve(listener, answer::<true, _>)),
        _ => run(|listener| serve(listener, answer::<false, _>)),
    }
}
