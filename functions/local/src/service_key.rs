//! Making a service key: the key goes to the program that uses it, its hash to the service's settings.

use clap::ArgGroup;
use serde_json::json;
use traceability_access::litellm;
use uuid::Uuid;

/// What the key opens. Name all rows, or whose.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("rows").args(["all", "team", "user", "agent"]).required(true).multiple(true)))]
pub struct ServiceKey {
    /// Who uses it, for the audit log.
    #[arg(long)]
    name: String,
    /// Every row.
    #[arg(long, conflicts_with_all = ["team", "user", "agent"])]
    all: bool,
    /// The rows of this team (may be repeated).
    #[arg(long)]
    team: Vec<String>,
    /// The rows of this LiteLLM user (may be repeated).
    #[arg(long)]
    user: Vec<String>,
    /// The rows of the agent of this name (may be repeated).
    #[arg(long)]
    agent: Vec<String>,
    /// What was said in these rows, too.
    #[arg(long)]
    content: bool,
}

impl ServiceKey {
    /// Makes a key, and prints it and what to configure.
    ///
    /// # Errors
    /// Never in practice: the settings are plain data.
    pub fn print(&self) -> serde_json::Result<()> {
        // 244 bits of the operating system's randomness.
        let key = format!("trace-{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let scope =
            if self.all { json!("all") } else { json!({"teams": self.team, "users": self.user, "agents": self.agent}) };
        let sha256 = litellm::hash(&key);
        let setting = json!([{"name": self.name, "sha256": sha256, "scope": scope, "content": self.content}]);
        println!("The key, which is shown this once:\n\n  {key}\n");
        println!("For the service (AUTH_MODE contains keys; join the lists of several keys):\n");
        println!("  SERVICE_KEYS='{}'", serde_json::to_string(&setting)?);
        Ok(())
    }
}
