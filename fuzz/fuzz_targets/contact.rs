#![no_main]

use libfuzzer_sys::fuzz_target;
use snapengage::contact::Query;

fuzz_target!(|request: &str| {
    let (_, query) = request.split_once('?').unwrap_or(("", request));
    match Query::from_query(query) {
        Ok(query) => assert_eq!(Query::from_query(&query.to_query()), Ok(query)),
        Err(error) => snapengage_fuzz::check_error(&error),
    }
});
