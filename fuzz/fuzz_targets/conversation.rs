#![no_main]

use libfuzzer_sys::fuzz_target;
use snapengage::conversation::Event;

fuzz_target!(|body: &[u8]| snapengage_fuzz::check(body, Event::from_json));
