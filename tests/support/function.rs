//! A Lambda function as a process of its own, started as Lambda starts it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runtime_api::{Outcome, RuntimeApi};

/// Where the functions believe to run.
pub const REGION: &str = "eu-central-1";

/// Longer than Lambda lets anything take: whatever is not there by then does not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a process is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// The program of a function, and the environment to start it in.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    command: Vec<OsString>,
    environment: Vec<(String, OsString)>,
}

impl Program {
    /// The built function of this name, under `E2E_FUNCTIONS`: a folder with programs, or one with a `bootstrap` per
    /// function, as `cargo lambda build` and `sam build` leave them. `E2E_RUNNER` is a command to run it with, such as
    /// an emulator of its processor.
    #[must_use]
    pub fn built(name: &str) -> Self {
        let folder = std::env::var_os("E2E_FUNCTIONS").filter(|folder| !folder.is_empty());
        let folder = folder.expect("E2E_FUNCTIONS names the folder of the functions, as `make e2e` sets it");
        let program = find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), name);
        let runner = std::env::var("E2E_RUNNER").unwrap_or_default();
        let command = runner.split_whitespace().map(OsString::from).chain([program.into()]).collect();
        Self::new(name, command)
    }

    /// Any program that speaks to the runtime API.
    #[must_use]
    pub fn new(name: &str, command: Vec<OsString>) -> Self {
        Self { name: name.to_owned(), command, environment: Vec::new() }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it, in the environment that Lambda gives and what was set, and nothing of this process's. Where no login
    /// was set, it asks for none.
    pub async fn start(&self) -> Function {
        let api = RuntimeApi::serve(&self.name).await;
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &self.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]07e2ed1e2c4a4b8c9d0e1f2a3b4c5d6e")
            .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("LANG", "en_US.UTF-8")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TZ", ":UTC")
            // The questions of the tests carry no login, unless a test says otherwise.
            .env("AUTH_MODE", "none")
            .env("ALLOW_ANONYMOUS", "yes-anyone-may-read-every-prompt")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{:?} does not start: {error}", self.command));
        let output = Lines::read(process.stdout.take().expect("a pipe"));
        let errors = Lines::read(process.stderr.take().expect("a pipe"));
        Function { process: process.into(), started, output, errors, api }
    }
}

/// The program of a function in a folder of any of the layouts.
fn find(folder: &Path, name: &str) -> PathBuf {
    // The template's names have no hyphens: `cost-report` is `CostReport` there.
    let logical_id: String = name.split('-').map(capitalized).collect();
    let candidates =
        [folder.join(name), folder.join(name).join("bootstrap"), folder.join(&logical_id).join("bootstrap")];
    let found = candidates.iter().find(|candidate| candidate.is_file());
    found.unwrap_or_else(|| panic!("E2E_FUNCTIONS has none of {candidates:?}: build the functions first")).clone()
}

fn capitalized(word: &str) -> String {
    word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect()
}

/// A running function, which ends with this value.
#[derive(Debug)]
pub struct Function {
    process: Mutex<Child>,
    started: Instant,
    output: Lines,
    errors: Lines,
    api: RuntimeApi,
}

/// How a function ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The error that it reported to Lambda before.
    pub init_error: Option<Value>,
    /// All that it logged.
    pub log: Vec<String>,
}

impl Function {
    /// Waits until it asks for its first event, and returns how long that took from its start.
    pub async fn ready(&self) -> Duration {
        let mut first_poll = self.api.first_poll();
        let polled = async { *first_poll.wait_for(Option::is_some).await.expect("the API lives") };
        let polled = self.unless_it_ends("starting", polled).await;
        polled.expect("it has polled").saturating_duration_since(self.started)
    }

    /// What it makes of an event.
    pub async fn invoke(&self, event: &Value) -> Outcome {
        self.invoke_text(event.to_string()).await
    }

    /// What it makes of an event in exactly these words.
    pub async fn invoke_text(&self, event: String) -> Outcome {
        self.invoke_timed(event).await.0
    }

    /// What it makes of an event, and when that arrived.
    pub async fn invoke_timed(&self, event: String) -> (Outcome, Instant) {
        let outcome = self.api.invoke(event);
        self.unless_it_ends("being asked", async { outcome.await.expect("the API lives") }).await
    }

    /// The response to an event.
    pub async fn respond(&self, event: &Value) -> Value {
        match self.invoke(event).await {
            Outcome::Response(response) => response,
            Outcome::Error { kind, error } => {
                panic!("no response but an error, {kind}: {error}\n{}", self.log().join("\n"))
            }
        }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&self) -> Ended {
        let status = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(status) = self.exit_status() {
                    return status;
                }
                tokio::time::sleep(GLANCE).await;
            }
        });
        let status = status.await.unwrap_or_else(|_| panic!("it does not end:\n{}", self.log().join("\n")));
        Ended { status, init_error: self.api.init_error(), log: self.log() }
    }

    /// When the process was started.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// Everything it has logged so far, on standard output and on standard error; all of it, when it has ended.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        let ended = self.exit_status().is_some();
        [&self.output, &self.errors].into_iter().flat_map(|lines| lines.so_far(ended)).collect()
    }

    /// The most memory it has held so far, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let id = self.process.lock().unwrap_or_else(PoisonError::into_inner).id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux tells of its processes");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has held memory");
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }

    fn exit_status(&self) -> Option<ExitStatus> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).try_wait().expect("the process can be asked")
    }

    async fn unless_it_ends<T>(&self, during: &str, work: impl Future<Output = T>) -> T {
        let ended = async {
            while self.exit_status().is_none() {
                tokio::time::sleep(GLANCE).await;
            }
        };
        let explain = |what: &str| -> ! { panic!("the function {what} {during}:\n{}", self.log().join("\n")) };
        tokio::select! {
            done = work => done,
            () = ended => explain("ended while"),
            () = tokio::time::sleep(PATIENCE) => explain("does nothing while"),
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// The lines of a stream, read on a thread of its own so that the writer never waits.
#[derive(Debug)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Lines {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let read = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                read.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                line.clear();
            }
        });
        Self { lines, reader: Some(reader).into() }
    }

    fn so_far(&self, ended: bool) -> Vec<String> {
        if ended && let Some(reader) = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = reader.join();
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
