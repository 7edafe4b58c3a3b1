//! What a person does by hand.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser};
use serde_json::json;
use traceability_core::environment::Environment;
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::Text;
use traceability_core::time::day_of;
use traceability_db::config::DatabaseConfig;
use traceability_report::{Form, Period, Span, render};
use traceability_runtime::telemetry;
use traceability_runtime::telemetry::LogFormat;

use crate::event::Event;
use crate::settings::RequestedFilter;
use crate::{Reporter, Settings};

/// Make a cost report, and look at it or send it.
///
/// `DATABASE_URL` names LiteLLM's database, which is only read. Settings come from the environment or from a file `.env`.
#[derive(Debug, Clone, Parser)]
#[command(version, group = ArgGroup::new("time").multiple(false).args(["period", "from"]))]
pub struct Command {
    /// The last whole one that is over: day, week or month. Without it and --from, yesterday.
    #[arg(long)]
    period: Option<Period>,
    /// The one that is under way instead, so far.
    #[arg(long, conflicts_with_all = ["from", "send"])]
    current: bool,
    /// The start of any window: a date or an RFC 3339 time.
    #[arg(long, requires = "to")]
    from: Option<Moment>,
    /// Its end, which does not belong to it.
    #[arg(long, requires = "from")]
    to: Option<Moment>,
    /// The IANA time zone in which days begin; else `REPORT_TIMEZONE`, or UTC.
    #[arg(long)]
    timezone: Option<TimeZone>,
    /// What it is written as: json, csv, focus, markdown or html. Without it, what the name of --out ends in, or markdown.
    #[arg(long, conflicts_with = "send")]
    format: Option<Form>,
    /// The file to write it to; without it, to standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "send")]
    out: Option<PathBuf>,
    /// How many rows each breakdown has before `other` (1 to 100); else `REPORT_TOP`, or 10.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100), conflicts_with = "send")]
    top: Option<u32>,
    /// Only this team's requests.
    #[arg(long, value_name = "ID", conflicts_with = "send")]
    team: Option<Text>,
    /// Only this agent's.
    #[arg(long, value_name = "NAME", conflicts_with = "send")]
    agent: Option<Text>,
    /// Only this LiteLLM user's.
    #[arg(long, value_name = "ID", conflicts_with = "send")]
    user: Option<Text>,
    /// Only this model's.
    #[arg(long, value_name = "NAME", conflicts_with = "send")]
    model: Option<Text>,
    /// Send it to the targets of `REPORT_TARGETS`, as the scheduled function does: each gets it once.
    #[arg(long)]
    send: bool,
    /// To these alone, by their names or kinds, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "send")]
    targets: Option<Vec<String>>,
}

/// How long a person waits for what a function has two minutes for.
const TIME: Duration = Duration::from_mins(10);

const NO_DATABASE: &str = "DATABASE_URL is missing: set it to LiteLLM's database, in the environment or in .env; or run \
                           'make report', which has a database with sample rows of its own";

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        let environment = Environment::of_process();
        telemetry::start(LogFormat::Text, &environment);
        if !DatabaseConfig::names_a_database(&environment) {
            return Err(NO_DATABASE.into());
        }
        let database = DatabaseConfig::from_environment(&environment)?;
        self.run_over(database, &environment).await
    }

    /// Does it over a database.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn run_over(self, database: DatabaseConfig, environment: &Environment) -> Result<(), Box<dyn Error>> {
        let settings = Settings::from_environment(environment)?;
        let reporter = Reporter::new(settings, database, environment)?;
        if self.send { Box::pin(self.deliver(&reporter)).await } else { Box::pin(self.show(&reporter)).await }
    }

    /// The same for the time that is under way.
    #[must_use]
    pub fn so_far(self) -> Self {
        Self { current: !self.send && self.from.is_none(), ..self }
    }

    async fn deliver(&self, reporter: &Reporter) -> Result<(), Box<dyn Error>> {
        let text = |moment: Moment| match moment {
            Moment::Instant(instant) => instant.to_rfc3339(),
            Moment::Day(day) => day.to_string(),
        };
        let event = json!({
            "period": self.period,
            "from": self.from.map(text),
            "to": self.to.map(text),
            "timezone": self.timezone,
            "targets": self.targets,
        });
        reporter.run(&event, TIME).await?;
        Ok(())
    }

    async fn show(&self, reporter: &Reporter) -> Result<(), Box<dyn Error>> {
        let mut query = reporter.maker().query(self.span(reporter)?);
        let filter = RequestedFilter {
            team_id: self.team.clone(),
            agent_name: self.agent.clone(),
            user_id: self.user.clone(),
            model: self.model.clone(),
        };
        query.filter = filter.request_filter();
        query.top = self.top.unwrap_or(query.top);
        let form = self.form();
        query.charges = form == Form::Focus;
        let text = render(&reporter.maker().make(&query).await?, form)?;
        match &self.out {
            Some(path) => {
                std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
                eprintln!("{}: the cost of {}", path.display(), query.span.label());
            }
            None => std::io::stdout().write_all(text.as_bytes())?,
        }
        Ok(())
    }

    fn span(&self, reporter: &Reporter) -> Result<Span, Box<dyn Error>> {
        let (now, zone) = (reporter.maker().now(), reporter.settings.zone);
        if self.current {
            let zone = self.timezone.unwrap_or(zone).0;
            return Ok(Span::of(self.period.unwrap_or(Period::Day), zone, day_of(now, zone)));
        }
        let (period, from, to, timezone) = (self.period, self.from, self.to, self.timezone);
        Ok(Event { period, from, to, timezone, targets: None }.span(zone, now)?)
    }

    /// As it is asked for, or by the name of the file.
    fn form(&self) -> Form {
        let name = self.out.as_ref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
        let is_of = |form: &Form| name.is_some_and(|name| name.ends_with(&format!(".{}", form.extension())));
        // Of two endings that fit, the longer one is meant: .focus.csv is no .csv.
        let by_name = Form::ALL.into_iter().filter(is_of).max_by_key(|form| form.extension().len());
        self.format.or(by_name).unwrap_or(Form::Markdown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Command, String> {
        let words = std::iter::once("cost-report").chain(words.split_whitespace());
        Command::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn a_form_is_asked_for_or_known_by_the_files_name() {
        for (words, expected) in [
            ("", Form::Markdown),
            ("--format html", Form::Html),
            ("--out x.html", Form::Html),
            ("--out x.focus.csv", Form::Focus),
            ("--out x.csv", Form::Csv),
            ("--out x.csv --format focus", Form::Focus),
            ("--out report", Form::Markdown),
        ] {
            assert_eq!(parse(words).expect(words).form(), expected, "{words}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for bad in [
            "--period year",
            "--period day --from 2026-11-01 --to 2026-11-02",
            "--from 2026-11-01",
            "--timezone Mars",
            "--format pdf",
            "--top 0",
            "--send --out x.html",
            "--send --team x",
            "--targets s3",
            "--current --send",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("--period month --send --targets s3,slack").is_ok());
        let error = parse("--format pdf").expect_err("no form");
        assert!(error.contains("json, csv, focus, markdown, html"), "{error}");
    }
}
