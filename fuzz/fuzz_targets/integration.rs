#![no_main]

use libfuzzer_sys::fuzz_target;
use snapengage::integration::SupportRequest;

fuzz_target!(|body: &[u8]| snapengage_fuzz::check(body, SupportRequest::from_body));
