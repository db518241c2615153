#![no_main]

use libfuzzer_sys::fuzz_target;
use snapengage::bot::{Event, Reply};

fuzz_target!(|body: &[u8]| {
    snapengage_fuzz::check(body, Event::from_json);
    if let Ok(reply) = serde_json::from_slice::<Reply>(body) {
        let printed = serde_json::to_vec(&reply).expect("a reply can be written as JSON");
        let again: Reply = serde_json::from_slice(&printed).expect("a reply can be read back");
        assert_eq!(again, reply);
    }
});
