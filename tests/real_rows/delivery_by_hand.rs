//! The command, by hand.

use clap::Parser;
use cost_report::Command;
use local::fixtures::Release;
use tests::Database;
use traceability_core::environment::Environment;
use traceability_db::config::DatabaseConfig;
use traceability_report::Form;

async fn run(words: &str, settings: &[(&str, &str)]) -> Result<(), String> {
    let database = Database::of_release(Release::V1_109_1).await;
    let _turn = database.exclusively().await;
    let environment: Environment = settings.iter().copied().collect();
    let mut config = DatabaseConfig::with_url(database.url().to_owned(), &environment).expect("a URL");
    config.max_connections = 1;
    config.acquire_timeout = std::time::Duration::from_mins(10);
    let command = Command::try_parse_from(std::iter::once("cost-report").chain(words.split_whitespace()));
    let command = command.map_err(|error| error.to_string())?;
    Box::pin(command.run_over(config, &environment)).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_form_can_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    for form in Form::ALL {
        let path = folder.path().join(format!("report.{}", form.extension()));
        let words = format!("--from 2026-11-01 --to 2026-12-01 --top 3 --out {}", path.display());
        run(&words, &[]).await.expect("it is written");
        let text = std::fs::read_to_string(&path).expect("it is there");
        let beginning = match form {
            Form::Json => "{",
            Form::Csv | Form::Focus => "",
            Form::Markdown => "#",
            Form::Html => "<!",
        };
        assert!(text.trim_start().to_lowercase().starts_with(beginning) && text.len() > 200, "{form:?}: {text}");
    }
    let path = folder.path().join("team.json");
    let words = format!("--from 2026-11-01 --to 2026-12-01 --team team-support --out {}", path.display());
    run(&words, &[]).await.expect("it is written");
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect("it is there")).expect("JSON");
    assert_eq!(report["filters"]["team_id"], "team-support");
}

/// A folder keeps what was sent by the rules of a bucket.
#[tokio::test]
async fn what_is_sent_is_kept_in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("a path");
    let words = "--from 2026-11-01 --to 2026-11-24 --timezone Europe/Berlin --send";
    run(words, &[("REPORT_FOLDER", place)]).await.expect("it is there");
    let reports = folder.path().join("reports/window/2026-11-01_2026-11-24/Europe-Berlin");
    let page = std::fs::read_to_string(reports.join("shared/report.html")).expect("a page");
    let ledger = std::fs::read_to_string(reports.join("s3/delivery.json")).expect("a ledger");
    run(words, &[("REPORT_FOLDER", place)]).await.expect("it is there already");
    assert_eq!(std::fs::read_to_string(reports.join("shared/report.html")).expect("a page"), page);
    assert_eq!(std::fs::read_to_string(reports.join("s3/delivery.json")).expect("a ledger"), ledger);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_a_sentence() {
    for (words, expected) in [
        ("--period year", "day, week, month"),
        ("--from 2026-11-02 --to 2026-11-01", "to must be after from"),
        ("--send --targets fax", "there is no target fax; there are: s3"),
        ("--out /no/such/folder/report.html", "cannot be written"),
    ] {
        let error = run(words, &[("REPORT_FOLDER", "/no/such/folder")]).await.expect_err(words);
        assert!(error.contains(expected), "{error}");
    }
}
