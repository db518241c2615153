//! The verb `logs`: finished conversations, as JSON Lines.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use snapengage::client::{Account, Cases, Day, Logs};

use super::Outcome;
use super::cases_file::{CasesFile, Written};
use super::credentials::Access;
use super::output::{self, legible};

/// Exports finished conversations.
#[derive(Args)]
pub(crate) struct LogsArgs {
    /// Writes the summary as JSON; cases are JSON in any case.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: LogsCommand,
}

#[derive(Subcommand)]
enum LogsCommand {
    /// Exports the cases of some days as JSON Lines.
    ///
    /// Needs SNAPENGAGE_API_TOKEN and SNAPENGAGE_ORG.
    Export(Export),
}

#[derive(Args)]
struct Export {
    /// First day, such as 2026-11-01.
    #[arg(long, value_name = "DATE")]
    from: Day,
    /// Last day, which is included.
    #[arg(long, value_name = "DATE")]
    to: Day,
    /// Id of a widget; may be repeated. All widgets by default, of which SnapEngage cuts off a day
    /// with more than 100 cases.
    #[arg(long = "widget", value_name = "ID")]
    widgets: Vec<String>,
    /// Time zone in which days begin and end, such as Europe/Berlin. UTC by default.
    #[arg(long, value_name = "TZ")]
    time_zone: Option<String>,
    /// File to be written, empty or not there yet. stdout by default.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Goes on with the file where an export with the same days, widgets and time zone was
    /// interrupted: all is fetched again, and what the file has not is added. A case that is there
    /// is not refreshed, so a survey that came since is missed. Without a file, or with an empty
    /// one, it starts a new one.
    #[arg(long, requires = "out")]
    resume: bool,
}

pub(crate) async fn run(args: LogsArgs, access: &Access) -> Outcome<ExitCode> {
    let LogsArgs { json, command: LogsCommand::Export(args) } = args;
    args.check();
    let account = access.account()?;
    let (out, logs) = args.open(args.logs(&account))?;
    let mut export = Exporting { out, count: 0, bar: args.bar() };
    let mut cases = logs.cases();
    let written = export.write_all(&mut cases).await;
    export.bar.finish_and_clear();
    written?;
    warn(&cases)?;
    args.summarize(&cases, export.count, json)?;
    Ok(ExitCode::SUCCESS)
}

impl Export {
    /// Ends the program if the days are none.
    fn check(&self) {
        let Self { from, to, .. } = self;
        if from > to {
            let mistake = format!("the first day, {from}, is after the last day, {to}\n");
            clap::Error::raw(ErrorKind::ValueValidation, mistake).exit();
        }
    }

    /// Opens what is written, and leaves out of the logs what is there already.
    fn open(&self, logs: Logs) -> Outcome<(Out, Logs)> {
        Ok(match &self.out {
            Some(path) if self.resume => {
                let mut written = Written::open(path)?;
                let logs = logs.except(&mut written);
                (Out::File(written.resume()?), logs)
            }
            Some(path) => (Out::File(CasesFile::create(path)?), logs),
            None => (Out::Stdout(io::stdout()), logs),
        })
    }

    fn logs(&self, account: &Account) -> Logs {
        let mut logs = if self.widgets.is_empty() {
            account.all_logs()
        } else {
            account.logs_of(self.widgets.iter().map(String::as_str))
        };
        logs = logs.from(self.from).to(self.to);
        match &self.time_zone {
            Some(time_zone) => logs.time_zone(time_zone),
            None => logs,
        }
    }

    /// Creates the progress bar, in days; none among the cases on a terminal.
    fn bar(&self) -> ProgressBar {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} days, {msg}");
        let is_hidden = self.out.is_none() && io::stdout().is_terminal();
        output::bar(0, is_hidden).with_style(style.expect("a template of known names"))
    }

    fn summarize(&self, cases: &Cases, count: u64, json: bool) -> Outcome<()> {
        let Some(path) = &self.out else { return Ok(()) };
        let name = path.display().to_string();
        output::print(&if json {
            output::json(&json!({
                "file": name,
                "cases": count,
                "may_be_cut_short": cases.may_be_cut_short(),
            }))?
        } else {
            format!("{}: {count} cases written\n", legible(&name))
        })?;
        Ok(())
    }
}

/// Place that cases are written to.
enum Out {
    File(CasesFile),
    Stdout(io::Stdout),
}

struct Exporting {
    out: Out,
    count: u64,
    bar: ProgressBar,
}

impl Exporting {
    async fn write_all(&mut self, cases: &mut Cases) -> Outcome<()> {
        while let Some(case) = cases.next().await? {
            let line = output::json_line(&case)?;
            // In one go, so that at most the last line is not whole.
            match &mut self.out {
                Out::File(file) => file.add(&line)?,
                Out::Stdout(stdout) => stdout.write_all(line.as_bytes())?,
            }
            self.count += 1;
            self.show(cases);
        }
        match &mut self.out {
            Out::File(file) => file.finish(cases.left_out()),
            Out::Stdout(stdout) => Ok(stdout.flush()?),
        }
    }

    fn show(&self, cases: &Cases) {
        self.bar.set_length(cases.days());
        self.bar.set_position(cases.days_done());
        if let Some(day) = cases.day() {
            self.bar.set_message(day.to_string());
        }
    }
}

/// Says what is missing.
fn warn(cases: &Cases) -> io::Result<()> {
    let mut err = io::stderr().lock();
    if cases.may_be_cut_short() {
        let days: Vec<_> = cases.full_days().iter().map(ToString::to_string).collect();
        let days = days.join(", ");
        writeln!(err, "warning: there may be more cases than came on {days}; name the widgets")?;
    }
    if cases.unreadable() > 0 {
        writeln!(err, "warning: {} cases without an id were left out", cases.unreadable())?;
    }
    Ok(())
}
