#![no_main]

use libfuzzer_sys::fuzz_target;
use snapengage::agent_status::StatusChange;

fuzz_target!(|body: &[u8]| snapengage_fuzz::check(body, StatusChange::from_json));
