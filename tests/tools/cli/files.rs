//! A file that was uploaded in a chat.

use std::fs;

use http::StatusCode;
use serde_json::json;
use snapengage::client::Operation;
use snapengage::simulator::Fault;

use super::vendor::{Vendor, run, simulator};
use super::{error, json_of, stdout};

#[tokio::test]
async fn a_file_is_downloaded_as_it_is() {
    let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let vendor = Vendor::serve(simulator().file("upload.bin", content.clone())).await;
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out.bin");
    let name = out.to_str().expect("UTF-8");
    let url = format!("{}/files/upload.bin", vendor.url);
    let told = stdout(&vendor.run(&["file", &url, "--out", name]).await);
    assert_eq!(told, format!("{name}: 100000 bytes\n"));
    assert_eq!(fs::read(&out).expect("a file"), content);
    let mut command =
        vendor.command(&["--url", &vendor.url, "file", &url, "--out", name, "--json"]);
    let told = json_of(&run(command.env_remove("SNAPENGAGE_URL")).await);
    assert_eq!(told, json!({ "file": name, "bytes": 100_000 }));
}

#[tokio::test]
async fn a_file_that_does_not_come_whole_leaves_nothing() {
    let vendor = Vendor::serve(simulator().file("upload.bin", vec![b'x'; 1000])).await;
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out.bin").to_str().expect("UTF-8").to_owned();
    let url = format!("{}/files/upload.bin", vendor.url);
    let told = error(&vendor.run(&["file", &url, "--out", &out, "--limit", "999"]).await);
    assert!(told.contains("more than 999 bytes"), "{told}");
    let told = error(&vendor.run(&["file", "http://example.com/x", "--out", &out]).await);
    assert!(told.contains("not one of SnapEngage's"), "{told}");
    let forbidden = StatusCode::FORBIDDEN;
    vendor.simulator.fault(Fault::nth(1).on(Operation::File).status(forbidden).html());
    let told = error(&vendor.run(&["file", &url, "--out", &out]).await);
    assert!(told.contains("403 Forbidden"), "{told}");
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
}
