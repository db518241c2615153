//! Failures of a transport: what an error tells of them, and what it does not.

use crate::vendor::{Vendor, error};

#[tokio::test]
async fn a_long_page_is_told_by_its_start() {
    let page = format!("<html>{}", "sorry ".repeat(10_000));
    let vendor = Vendor::answering(404, page);
    let error = error(vendor.visitor_chats().availability("w").await, &[]);
    assert!(error.is_not_found());
    assert!(error.excerpt().expect("an excerpt").starts_with("<html>sorry sorry"), "{error}");
}
