#[tokio::test(start_paused = true)]
async fn that_day_is_answered_as_recorded() {
    let recording = Recording::open("tests/recordings").expect("a recording");
    recording.replay(&receiver()).token("my-token").await.assert_same();
}
