#[tokio::test]
async fn recorded_requests_are_accepted() {
    let receiver = receiver();
    for file in std::fs::read_dir("sample-payloads/integration").expect("a folder") {
        let path = file.expect("a file").path();
        let body = std::fs::read(&path).expect("a body");
        let answer = send(&receiver, "/integration", "my-token", body).await;
        assert_eq!(answer.status(), 200, "{}: {}", path.display(), answer.body());
    }
}
