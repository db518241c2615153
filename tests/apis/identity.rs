//! Identities that pages sign: what is signed, and what is verified.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use snapengage::Timestamp;
use snapengage::identity::{Identity, Signer, Verifier, VerifyError, script_text};

use crate::support::sample;

const SECRET: &str = "a-secret-of-the-dashboard";
const CONTENT: &str = "v@example.com";
const MINUTE: Duration = Duration::from_secs(60);

fn signer() -> Signer {
    Signer::new(SECRET).expect("a secret")
}

fn verifier() -> Verifier {
    Verifier::new(SECRET).expect("a secret")
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).expect("a time")
}

fn noon() -> Timestamp {
    time(1_600_344_000_000)
}

fn signed(nonce: &str, at: Timestamp) -> Identity {
    signer().sign_at(CONTENT, nonce, at)
}

#[track_caller]
fn refused(outcome: Result<(), VerifyError>) -> VerifyError {
    outcome.expect_err("a refusal")
}

/// The vendor's vector: a secret, what is signed, and the signature.
struct Vector(Value);

impl Vector {
    fn read() -> Self {
        let text = sample("identity/hmac-vector.json");
        Self(serde_json::from_slice(&text).expect("JSON"))
    }

    #[track_caller]
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text")
    }

    fn signed_at(&self) -> Timestamp {
        time(self.text("timestamp").parse().expect("a number"))
    }
}

#[test]
fn the_vendors_vector_is_signed_as_documented() {
    let vector = Vector::read();
    let signer = Signer::new(vector.text("secret")).expect("a secret");
    let content = vector.text("content");
    let identity = signer.sign_at(content, vector.text("nonce"), vector.signed_at());
    assert_eq!(identity.signature, vector.text("signature"));
    let expected = ["signature", "nonce", "timestamp"].map(|name| vector.text(name).to_owned());
    assert_eq!(identity.variables().map(|(_, value)| value), expected);

    let verifier = Verifier::new(vector.text("secret")).expect("a secret");
    verifier.verify_at(content, &identity, vector.signed_at()).expect("verified");
    let error = verifier.verify_at("other@email.com", &identity, vector.signed_at());
    assert!(refused(error).is_wrong_signature());
}

/// What `openssl` makes of the same: `_hashlib` is OpenSSL's own code, by Python's name.
const OPENSSL: &str = "
import sys, json, _hashlib
for line in sys.stdin:
    secret, signed = json.loads(line)
    print(_hashlib.hmac_digest(secret.encode(), signed.encode(), 'sha256').hex())
";

fn openssl(input: &str) -> Vec<String> {
    let mut command = Command::new("python3");
    let command = command.args(["-c", OPENSSL]).env("PYTHONIOENCODING", "utf-8");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()).expect("a reader"));
    let output = child.wait_with_output().expect("an end");
    writing.join().expect("written");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("digits").lines().map(str::to_owned).collect()
}

#[test]
fn ten_thousand_signatures_are_those_of_openssl() {
    const COUNT: usize = 10_000;
    let mut runner = TestRunner::deterministic();
    let values = ("[!-&(-_a-~]{1,90}", ".{1,30}", ".{0,15}", 0..=Timestamp::MAX.as_millis());
    let mut input = String::new();
    let mut signatures = Vec::new();
    while signatures.len() < COUNT {
        let (secret, content, nonce, millis) =
            values.new_tree(&mut runner).expect("values").current();
        // In quotes, it is refused.
        let Ok(signer) = Signer::new(&secret) else { continue };
        signatures.push(signer.sign_at(&content, &*nonce, time(millis)).signature);
        input += &format!("{}\n", json!([secret, format!("{content}{nonce}{millis}")]));
    }
    let expected = openssl(&input);
    assert_eq!(expected.len(), COUNT);
    let wrong = signatures.iter().zip(&expected).filter(|(ours, theirs)| ours != theirs).count();
    assert_eq!(wrong, 0, "of {COUNT}");
}

#[test]
fn each_signature_has_a_nonce_of_its_own() {
    let signer = signer();
    let identities: Vec<_> = (0..1000).map(|_| signer.sign(CONTENT)).collect();
    let mut nonces: Vec<_> = identities.iter().map(|identity| &*identity.nonce).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 1000);
    assert!(nonces.iter().all(|nonce| nonce.len() == 36));
    let verifier = verifier();
    assert!(identities.iter().all(|identity| verifier.verify(CONTENT, identity).is_ok()));
}

#[test]
fn identity_is_verified_once() {
    let verifier = verifier();
    let identity = signed("n-1", noon());
    verifier.verify_at(CONTENT, &identity, noon()).expect("verified");
    let error = refused(verifier.verify_at(CONTENT, &identity, noon()));
    assert!(error.is_used() && !error.is_wrong_signature() && !error.is_out_of_time());
    let resigned = signed("n-1", noon().saturating_add(MINUTE));
    assert!(refused(verifier.verify_at(CONTENT, &resigned, noon())).is_used());
    verifier.verify_at(CONTENT, &signed("n-2", noon()), noon()).expect("verified");
}

#[test]
fn of_many_at_once_one_is_verified() {
    let verifier = verifier();
    let identity = signer().sign(CONTENT);
    let verified: usize = std::thread::scope(|scope| {
        let verify = || usize::from(verifier.verify(CONTENT, &identity).is_ok());
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(verify)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(verified, 1);
}

#[test]
fn what_differs_from_what_was_signed_is_wrong() {
    let verifier = verifier();
    let identity = signed("n-1", noon());
    let wrong = |identity: Identity| {
        let error = refused(verifier.verify_at(CONTENT, &identity, noon()));
        assert!(error.is_wrong_signature(), "{identity:?}: {error}");
    };
    let Identity { signature, nonce, timestamp } = identity.clone();
    let with = |signature: &str| Identity { signature: signature.to_owned(), ..identity.clone() };
    wrong(with(""));
    wrong(with(&signature[1..]));
    wrong(with(&format!("{signature}0")));
    wrong(with(&signature.to_uppercase()));
    wrong(with(&format!("+{}", &signature[1..])));
    wrong(with(&"é".repeat(32)));
    wrong(with(&"0".repeat(64)));
    wrong(Identity { nonce: "n-2".to_owned(), ..identity.clone() });
    wrong(Identity { timestamp: timestamp.saturating_add(MINUTE), ..identity.clone() });
    wrong(Signer::new("another").expect("a secret").sign_at(CONTENT, &*nonce, timestamp));
    for content in ["V@example.com", "v@example.com ", "", "v@example.comn"] {
        assert!(refused(verifier.verify_at(content, &identity, noon())).is_wrong_signature());
    }
    // None of them has used it up.
    verifier.verify_at(CONTENT, &identity, noon()).expect("verified");
}

#[test]
fn nobody_and_odd_nonces_are_never_verified() {
    let verifier = verifier();
    let nobody = signer().sign_at("", "n-1", noon());
    assert!(refused(verifier.verify_at("", &nobody, noon())).is_wrong_signature());
    for nonce in [String::new(), "n".repeat(257)] {
        let error = refused(verifier.verify_at(CONTENT, &signed(&nonce, noon()), noon()));
        assert!(error.is_wrong_signature());
    }
    verifier.verify_at(CONTENT, &signed(&"n".repeat(256), noon()), noon()).expect("verified");
}

#[test]
fn signature_counts_within_its_window_alone() {
    let verifier = verifier().window(MINUTE * 2);
    let ms = Duration::from_millis(1);
    for (nonce, now) in [
        ("old", noon().saturating_add(MINUTE * 2 + ms)),
        ("young", noon().saturating_sub(MINUTE * 2 + ms)),
    ] {
        let error = refused(verifier.verify_at(CONTENT, &signed(nonce, noon()), now));
        assert!(error.is_out_of_time());
        let expected = "the time of the signature is more than 120s from now";
        assert_eq!(error.to_string(), expected);
    }
    let early = noon().saturating_sub(MINUTE * 2);
    verifier.verify_at(CONTENT, &signed("1", noon()), early).expect("verified");
    let late = noon().saturating_add(MINUTE * 2);
    verifier.verify_at(CONTENT, &signed("2", noon()), late).expect("verified");
}

/// The ends of time are no overflow.
#[test]
fn any_time_and_any_window_can_be_compared() {
    let verifier = verifier().window(Duration::MAX);
    for (nonce, signed_at, now) in
        [("1", Timestamp::MIN, Timestamp::MAX), ("2", Timestamp::MAX, Timestamp::MIN)]
    {
        verifier.verify_at(CONTENT, &signed(nonce, signed_at), now).expect("verified");
        assert!(refused(verifier.verify_at(CONTENT, &signed(nonce, signed_at), now)).is_used());
    }
}

#[test]
fn a_clock_that_is_put_back_revives_nothing() {
    let verifier = verifier();
    verifier.verify_at(CONTENT, &signed("1", noon()), noon()).expect("verified");
    let later = noon().saturating_add(MINUTE * 6);
    verifier.verify_at(CONTENT, &signed("2", later), later).expect("verified");
    // By now, the first nonce is forgotten.
    let error = refused(verifier.verify_at(CONTENT, &signed("1", noon()), noon()));
    assert!(error.is_out_of_time());
    let after = noon().saturating_add(Duration::from_millis(1));
    verifier.verify_at(CONTENT, &signed("3", after), noon()).expect("verified");
}

#[test]
fn a_full_verifier_verifies_nothing_until_there_is_room() {
    let verifier = verifier().capacity(2);
    for nonce in ["1", "2"] {
        verifier.verify_at(CONTENT, &signed(nonce, noon()), noon()).expect("verified");
    }
    let error = refused(verifier.verify_at(CONTENT, &signed("3", noon()), noon()));
    assert_eq!(error.to_string(), "too many nonces were used within the window");
    let later = noon().saturating_add(MINUTE * 6);
    verifier.verify_at(CONTENT, &signed("4", later), later).expect("verified");
}

#[test]
fn a_secret_that_can_be_none_is_refused() {
    for (secret, problem) in [
        ("", "no identity secret: `default` is empty"),
        (" \u{200b}\n", "no identity secret: `default` is empty"),
        ("\"secret\"", "identity secret `default`: is in quotes, expected the secret alone"),
        (
            "secret\n",
            "identity secret `default`: starts or ends with a line break, expected the secret alone",
        ),
        (
            " secret",
            "identity secret `default`: starts or ends with U+0020, which is invisible, expected \
             the secret alone",
        ),
        ("se\tcret", "identity secret `default`: has a control character"),
        ("AuW5G710B–jOk7", "identity secret `default`: is not ASCII, which the dashboard's are"),
    ] {
        assert_eq!(Signer::new(secret).expect_err(secret).to_string(), problem);
        assert_eq!(Verifier::new(secret).expect_err(secret).to_string(), problem);
    }
}

#[test]
fn the_secret_comes_from_the_environment() {
    let name = "CARGO_PKG_NAME";
    let secret = std::env::var(name).expect("set by cargo");
    let identity = Signer::from_env(name).expect("a secret").sign(CONTENT);
    Verifier::new(secret).expect("a secret").verify(CONTENT, &identity).expect("verified");
    Verifier::from_env(name).expect("a secret").verify(CONTENT, &identity).expect("verified");
    let expected =
        "no identity secret: the environment variable `NO_SUCH_IDENTITY_SECRET` is not set";
    let error = Signer::from_env("NO_SUCH_IDENTITY_SECRET").expect_err("not set");
    assert_eq!(error.to_string(), expected);
    let error = Verifier::from_env("NO_SUCH_IDENTITY_SECRET").expect_err("not set");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn debug_shows_neither_secret_nor_signature() {
    let identity = signed("n-1", noon());
    let shown = format!("{:?} {:?} {identity:?}", signer(), verifier());
    assert!(!shown.contains(SECRET) && !shown.contains(&identity.signature), "{shown}");
    assert!(shown.contains("n-1") && shown.matches("<redacted>").count() == 3, "{shown}");
}

#[test]
fn a_script_has_no_character_that_ends_it() {
    let hostile = "</script><!--\u{2028}\u{2029}'\"\\&\n\r\0<script>";
    let identity = signer().sign_at(hostile, hostile, noon());
    let script = identity.script() + &script_text(hostile);
    let is_harmful = |c| matches!(c, '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}');
    assert!(!script.contains(is_harmful), "{script}");
    assert!(!script.chars().any(char::is_control), "{script}");
    // Nothing is lost by it.
    assert_eq!(serde_json::from_str::<String>(&script_text(hostile)).expect("JSON"), hostile);
}
