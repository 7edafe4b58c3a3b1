//! `local export`: a list of the API as a file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use tower::ServiceExt;
use traceability_access::{Access, Exposure};
use traceability_core::environment::Environment;
use traceability_http::formats::{ExportFormat, FORMAT};
use traceability_http::{AppState, layers};
use url::form_urlencoded::Serializer;

use crate::api;
use crate::export::{Lists, export};

/// Write a list of the API to a file: all rows that match.
///
/// It has every row and all stored content, whatever `AUTH_MODE` says: who runs it has the login of the database.
#[derive(Debug, clap::Args)]
pub struct ExportCommand {
    /// What to write: `sessions`, `requests`, `sessions/ID/messages`, or the name of a list such as `analytics/models`.
    list: String,
    /// Parameters of the list, such as `agent_name=support-bot start_date=2026-11-01`.
    #[arg(value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<Parameter>,
    /// What it is written as: csv, jsonl or parquet. Without it, what the name of --out ends in.
    #[arg(long)]
    format: Option<ExportFormat>,
    /// The file. It appears when it is complete.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A parameter of a list.
#[derive(Debug, Clone)]
struct Parameter {
    name: String,
    value: String,
}

fn parameter(text: &str) -> Result<Parameter, &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be name=value")?;
    Ok(Parameter { name: name.into(), value: value.into() })
}

impl ExportCommand {
    /// Writes the file, and shows on a terminal how far it is.
    ///
    /// # Errors
    /// With a sentence for the person at the terminal.
    pub async fn run(&self, state: AppState) -> Result<(), Box<dyn Error>> {
        let target = self.target()?;
        let everybody: Environment = [("AUTH_MODE", "none")].into_iter().collect();
        let access = Arc::new(Access::from_environment(&everybody, Exposure::ThisMachine)?);
        let service = layers::service(api::router(), AppState { access, ..state })
            .layer(from_fn_with_state(Lists::new()?, export));
        let response = service.oneshot(Request::get(target).body(Body::empty())?).await?;
        if response.status() != StatusCode::OK {
            return Err(problem(response).await.into());
        }
        let mut part = self.out.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        match write(response, &part).await {
            Ok(bytes) => {
                fs::rename(&part, &self.out).await?;
                eprintln!("Wrote {} ({bytes} bytes).", self.out.display());
                Ok(())
            }
            Err(error) => {
                // What is left of it would look like a file.
                let _ = fs::remove_file(&part).await;
                Err(error)
            }
        }
    }

    fn target(&self) -> Result<String, String> {
        let ending = self.out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let format = match self.format {
            Some(format) => format,
            None => {
                ending.parse().map_err(|_| "--format must say csv, jsonl or parquet, or the name of --out end in it")?
            }
        };
        if format == ExportFormat::Json {
            return Err("--format must be csv, jsonl or parquet".into());
        }
        let mut query = Serializer::new(String::new());
        query.append_pair(FORMAT, format.extension());
        query.extend_pairs(self.parameters.iter().map(|parameter| (&parameter.name, &parameter.value)));
        Ok(format!("/api/v1/{}?{}", self.list.trim_matches('/'), query.finish()))
    }
}

/// What the API says that is wrong.
async fn problem(response: Response) -> String {
    let status = response.status();
    let body = response.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    problem["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned)
}

async fn write(response: Response, path: &Path) -> Result<u64, Box<dyn Error>> {
    let mut file = fs::File::create(path).await?;
    let style = ProgressStyle::with_template("{spinner} {bytes} written, {elapsed}")?;
    let progress = ProgressBar::no_length().with_style(style);
    progress.enable_steady_tick(Duration::from_millis(200));
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            file.write_all(&piece).await?;
            progress.inc(piece.len().try_into()?);
        }
    }
    file.sync_all().await?;
    progress.finish_and_clear();
    Ok(progress.position())
}
