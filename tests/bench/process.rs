//! The service as a process of its own, and what processes use of the machine.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use url::Url;

/// A running server, which ends with this value.
pub struct Server {
    process: Child,
    address: SocketAddr,
    /// Where its log goes.
    log: tempfile::NamedTempFile,
    /// Where its audit log goes: nobody reads its output, which would stand still when the pipe is full.
    _audit: tempfile::NamedTempFile,
    /// Kept open: the server may still write to it.
    _output: BufReader<ChildStdout>,
}

/// How callers prove to a server who they are.
#[derive(Debug, Clone, Copy)]
pub enum Login<'a> {
    /// Not at all.
    None,
    /// By LiteLLM's keys.
    Litellm,
    /// By the service keys of this setting.
    Keys(&'a str),
}

/// What the settings of this machine may say otherwise, and what is therefore said to be absent.
const ABSENT: [&str; 6] =
    ["ALLOW_ANONYMOUS", "SERVICE_KEYS", "JWT_ISSUER", "CONTENT_ACCESS", "REDACT", "REDACT_PATTERNS"];

impl Login<'_> {
    fn settings(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::None => vec![("AUTH_MODE", "none"), ("ALLOW_ANONYMOUS", "yes-anyone-may-read-every-prompt")],
            Self::Litellm => vec![("AUTH_MODE", "litellm")],
            Self::Keys(keys) => vec![("AUTH_MODE", "keys"), ("SERVICE_KEYS", keys)],
        }
    }
}

/// What a process holds in memory, in MiB.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now.
    pub resident: f64,
    /// At most so far.
    pub peak: f64,
}

impl Memory {
    /// That of a process.
    pub fn of(process: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
            kib.map(|kib| kib / 1024.0).ok_or_else(|| io::Error::other("no memory in /proc"))
        };
        Ok(Self { resident: mib("VmRSS")?, peak: mib("VmHWM")? })
    }
}

impl Server {
    /// Starts the runner over a database, on any free port of this machine.
    pub fn start(
        program: Option<&Path>,
        database: &Url,
        connections: usize,
        login: Login<'_>,
    ) -> Result<Self, Box<dyn Error>> {
        Self::start_with(program, database, connections, login, &[])
    }

    /// The same with further settings.
    pub fn start_with(
        program: Option<&Path>,
        database: &Url,
        connections: usize,
        login: Login<'_>,
        settings: &[(&str, &str)],
    ) -> Result<Self, Box<dyn Error>> {
        let program = program.map_or_else(|| beside("local"), |program| Ok(program.to_owned()))?;
        let log = tempfile::NamedTempFile::new()?;
        let audit = tempfile::NamedTempFile::new()?;
        let mut process = Command::new(&program)
            .env("DATABASE_URL", database.as_str())
            // One caller's questions over time windows get half of them.
            .env("DATABASE_MAX_CONNECTIONS", (2 * connections).to_string())
            .envs(ABSENT.map(|name| (name, "")))
            .envs(login.settings())
            .envs(settings.iter().copied())
            .env("AUDIT_LOG", audit.path())
            .env("API_HOST", "127.0.0.1")
            .env("API_PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            .spawn()
            .map_err(|error| {
                format!("cannot start {} ({error}): build it with `cargo build --release -p local`", program.display())
            })?;
        let mut output = BufReader::new(process.stdout.take().ok_or("the server has no output")?);
        let address = address(&mut output)?;
        let Some(address) = address else {
            return Err(format!("the server did not start: {}", last_lines(log.path())).into());
        };
        Ok(Self { process, address, log, _audit: audit, _output: output })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds in memory.
    pub fn memory(&self) -> io::Result<Memory> {
        Memory::of(self.process.id())
    }

    /// The processor time it has used.
    pub fn cpu_seconds(&self) -> io::Result<f64> {
        cpu_seconds(&[self.process.id()])
    }

    /// What went wrong, with the last that the server had to say.
    pub fn explain(&self, error: &dyn Error) -> String {
        format!("{error}\nThe server's log ends with:\n{}", last_lines(self.log.path()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program of the same build.
pub fn beside(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// The address in the server's greeting; `None` if it ends without one.
fn address(output: &mut impl BufRead) -> io::Result<Option<SocketAddr>> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some((_, address)) = line.split_once("http://") {
            return Ok(address.trim().parse().ok());
        }
        line.clear();
    }
    Ok(None)
}

/// The end of a log.
pub fn last_lines(path: &Path) -> String {
    let text = File::open(path).and_then(io::read_to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Linux counts processor time for its users in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processor time that processes have used together.
pub fn cpu_seconds(processes: &[u32]) -> io::Result<f64> {
    let mut seconds = 0.0;
    for process in processes {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, in parentheses, may hold anything; behind it, time in user and in system mode are the 12th and 13th.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        seconds += ticks.sum::<f64>() / TICKS_PER_SECOND;
    }
    Ok(seconds)
}
