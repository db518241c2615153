//! A client in a process of its own: the variables that it reads are those of a whole process.

use std::env;
use std::io::{self, Write};
use std::time::Duration;

use snapengage::client::{AccountType, Client, NewUser, Password, Secret};
use tokio::process::Command;
use tracing_subscriber::filter::LevelFilter;

/// Where the process finds the base address, and what else it is to do.
const ADDRESS: &str = "SNAPENGAGE_TEST_ADDRESS";
const PROXY_FROM_ENV: &str = "SNAPENGAGE_TEST_PROXY_FROM_ENV";
/// Time for an attempt, in milliseconds.
pub(crate) const ATTEMPT_TIMEOUT: &str = "SNAPENGAGE_TEST_ATTEMPT_TIMEOUT";
const MARK: &str = "result: ";

/// The provisioning key, which is a part of the address, and what else is nobody's business.
pub(crate) const KEY: &str = "key-QkVGT1JF";
const PASSWORD: &str = "correct horse";
const EMAIL: &str = "jane@example.com";

/// Creates a user from a process that has these variables alone, and returns `created` or the
/// error. No line of its log, at `trace`, has a secret: those of the call, and those given.
pub(crate) async fn create_user(
    address: &str,
    variables: &[(&str, &str)],
    secrets: &[&str],
) -> String {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "asked::asks", "--ignored", "--nocapture"]);
    command.env_clear().env(ADDRESS, address).envs(variables.iter().copied());
    let output = command.kill_on_drop(true).output().await.expect("a process");
    let [out, log] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert!(output.status.success(), "{out}{log}");
    for secret in [KEY, PASSWORD, EMAIL].iter().chain(secrets) {
        assert!(!out.contains(secret) && !log.contains(secret), "{secret} is in {out}{log}");
    }
    let result = out.lines().find_map(|line| line.split_once(MARK));
    result.unwrap_or_else(|| panic!("no result in {out}{log}")).1.to_owned()
}

/// Creates a user without any proxy, whatever the variables say.
pub(crate) async fn create_user_straight(address: &str, variables: &[(&str, &str)]) -> String {
    create_user(address, &[variables, &[(PROXY_FROM_ENV, "false")]].concat(), &[]).await
}

/// The process.
#[tokio::test]
#[ignore = "runs in the processes that the others start"]
async fn asks() {
    let Ok(address) = env::var(ADDRESS) else { return };
    tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(io::stderr).init();
    let client = Client::builder()
        .base_url(address)
        .proxy_from_env(env::var(PROXY_FROM_ENV).is_err())
        .backoff(Duration::ZERO..=Duration::ZERO);
    let client = match env::var(ATTEMPT_TIMEOUT) {
        Ok(millis) => {
            client.attempt_timeout(Duration::from_millis(millis.parse().expect("a number")))
        }
        Err(_) => client,
    };
    let result = match client.build() {
        Ok(client) => {
            let password = Password::new(PASSWORD).expect("a password");
            let jane = NewUser::new(EMAIL, "Jane", AccountType::Enterprise, password);
            match client.provisioning(Secret::new(KEY)).create_user(jane).await {
                Ok(_) => "created".to_owned(),
                Err(error) => format!("{error:?}"),
            }
        }
        Err(error) => format!("{error:?}"),
    };
    writeln!(io::stdout(), "\n{MARK}{result}").expect("written");
}
