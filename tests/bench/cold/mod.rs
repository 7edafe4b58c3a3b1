//! Measures a function's start: from the process to its first poll, to its first answer, and the memory it takes.
//!
//! Lambda's runtime API is stood in for, and an event is already waiting when a process starts, as it is when Lambda
//! starts one. Beside the function runs a Python handler that asks the same database the same question. All subjects
//! take turns, so that whatever else the machine does disturbs all of them alike.

mod report;

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{Function, Gateway, Outcome, Program, Question};
use url::Url;

use crate::Arguments;
use crate::data::Data;

/// A session of the sample.
const SESSION: &str = "travel-planner:587";

/// One thing that is started.
struct Subject {
    name: &'static str,
    program: Program,
    times: Times,
}

/// What was measured of a subject.
#[derive(Default)]
pub struct Times {
    /// From the start of the process to its first poll.
    first_poll: Vec<Duration>,
    /// From the start of the process to its first answer.
    first_answer: Vec<Duration>,
    /// Of one that runs: from an event to its answer.
    warm: Vec<Duration>,
    /// The most memory that a process held which had given one answer, in bytes.
    memory_cold: u64,
    /// The most memory that one held which had given all warm answers, in bytes.
    memory_warm: u64,
}

/// Measures and returns the report; an error where something does not answer.
pub async fn run(arguments: &Arguments) -> Result<String, Box<dyn Error>> {
    let data = Data::prepare(&arguments.database_url, 0).await?;
    let mut subjects = subjects(arguments, data.url())?;
    let event =
        Gateway::HttpApi.event(&Question::get("sessions", "/api/v1/sessions/{session_id}/summary", SESSION, ""));
    let mut expected = None;
    for number in 0..arguments.starts {
        if number % 10 == 0 {
            eprintln!("start {} of {}", number + 1, arguments.starts);
        }
        for subject in &mut subjects {
            let function = start(subject, &event, &mut expected).await?;
            if number + 1 == arguments.starts {
                warm(subject, &function, &event, arguments.warm).await?;
            }
        }
    }
    Ok(report::render(&subjects, arguments))
}

/// The function and the handler, each without and, where the server has a certificate, with TLS.
fn subjects(arguments: &Arguments, database: &Url) -> Result<Vec<Subject>, Box<dyn Error>> {
    let function = match &arguments.function {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("sessions"),
    };
    if !function.is_file() {
        return Err(format!("there is no {}: build it with `cargo build --release`", function.display()).into());
    }
    let over_tls = std::env::var_os("TEST_DATABASE_CA").map(|authority| with_tls(database, &authority));
    let mut subjects = Vec::new();
    let mut add = |name, program: Program| {
        subjects.push(Subject { name, program, times: Times::default() });
    };
    let rust = Program::new("sessions", vec![function.into()]);
    add(report::FUNCTION, rust.clone().env("DATABASE_URL", database.as_str()));
    if let Some(url) = &over_tls {
        add(report::FUNCTION_OVER_TLS, rust.env("DATABASE_URL", url.as_str()));
    }
    if let Some(python) = &arguments.python {
        let python = python_handler(python)?;
        add("Python and asyncpg", python.clone().env("DATABASE_URL", database.as_str()));
        if let Some(url) = &over_tls {
            add("Python and asyncpg, TLS", python.env("DATABASE_URL", url.as_str()));
        }
    }
    Ok(subjects)
}

fn with_tls(database: &Url, authority: &OsString) -> Url {
    let mut url = database.clone();
    let authority = authority.to_string_lossy();
    url.query_pairs_mut().append_pair("sslmode", "verify-full").append_pair("sslrootcert", &authority);
    url
}

fn python_handler(python: &Path) -> io::Result<Program> {
    let python: PathBuf = std::path::absolute(python)?;
    let command = [python.into(), "-m".into(), "awslambdaric".into(), "handler.handler".into()];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cold");
    Ok(Program::new("handler", command.to_vec()).env("PYTHONPATH", folder))
}

/// Starts a subject and lets it answer once. All subjects have to count the same messages.
async fn start(subject: &mut Subject, event: &Value, expected: &mut Option<Value>) -> Result<Function, Box<dyn Error>> {
    let function = subject.program.start().await;
    let (outcome, answered) = function.invoke_timed(event.to_string()).await;
    let count = total_messages(subject.name, &outcome)?;
    if *expected.get_or_insert_with(|| count.clone()) != count {
        return Err(format!("{} counts {count} messages", subject.name).into());
    }
    let times = &mut subject.times;
    times.first_poll.push(function.ready().await);
    times.first_answer.push(answered.saturating_duration_since(function.started()));
    times.memory_cold = times.memory_cold.max(function.peak_memory());
    Ok(function)
}

/// Lets a running subject answer again and again.
async fn warm(subject: &mut Subject, function: &Function, event: &Value, count: usize) -> Result<(), Box<dyn Error>> {
    let event = event.to_string();
    for _ in 0..count {
        let sent = Instant::now();
        let (outcome, answered) = function.invoke_timed(event.clone()).await;
        total_messages(subject.name, &outcome)?;
        subject.times.warm.push(answered.saturating_duration_since(sent));
    }
    subject.times.memory_warm = function.peak_memory();
    Ok(())
}

fn total_messages(name: &str, outcome: &Outcome) -> Result<Value, Box<dyn Error>> {
    let Outcome::Response(response) = outcome else { return Err(format!("{name}: {outcome:?}").into()) };
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or_default())?;
    match (response["statusCode"].as_u64(), &body["total_messages"]) {
        (Some(200), count) if count.as_u64().is_some_and(|count| count > 1) => Ok(count.clone()),
        _ => Err(format!("{name} answers {response}").into()),
    }
}
