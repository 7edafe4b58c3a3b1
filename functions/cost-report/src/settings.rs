//! The settings: who gets reports, and where they are kept.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::moment::TimeZone;
use traceability_core::report_settings::ReportSettings;
use traceability_core::scalar::Text;
use traceability_db::config::DatabaseConfig;
use traceability_queries::filter::RequestFilter;
use traceability_queries::request_filter;
use traceability_report::Period;

pub use crate::state::DeliveryGuarantee;

use crate::secret::{SecretRef, Secrets};

/// What a run goes by.
#[derive(Debug)]
pub struct Settings {
    /// `REPORT_TARGETS`: who gets reports.
    pub targets: Vec<Target>,
    /// Where reports and what was sent of them are kept.
    pub place: Place,
    /// `REPORT_TIMEZONE`: whose days these are, unless an event says otherwise.
    pub zone: TimeZone,
    /// Budgets, and where the API is.
    pub reports: ReportSettings,
    /// `REPORT_TOP`: how many lines a breakdown has before `other`.
    pub top: u32,
    /// Where addresses and keys are.
    pub secrets: Secrets,
}

/// Where reports are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `REPORT_BUCKET`.
    Bucket(String),
    /// `REPORT_FOLDER`, on this machine.
    Folder(PathBuf),
}

/// Somebody, or something, that gets reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name, in keys, logs and events.
    pub name: String,
    /// How it is reached.
    pub kind: Kind,
    /// Whose figures it gets.
    pub filter: RequestedFilter,
    /// Which reports it gets where the event names no targets.
    pub periods: Vec<Period>,
    /// Whether it is told of budgets that run out.
    pub budget_alerts: bool,
    /// What happens to a message of which nobody knows whether it went out.
    pub guarantee: DeliveryGuarantee,
}

/// How a target is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// All forms, as objects of a bucket.
    S3 {
        /// Another bucket than that of the reports.
        bucket: Option<String>,
    },
    /// A short text.
    Sns {
        /// The topic.
        topic_arn: String,
    },
    /// HTML and text.
    Email {
        /// An address or domain that SES knows.
        from: String,
        /// Who gets it.
        to: Vec<String>,
    },
    /// A message in a channel.
    Slack {
        /// The incoming webhook.
        url: SecretRef,
    },
    /// JSON, signed.
    Webhook {
        /// Where it is posted.
        url: SecretRef,
        /// What it is signed with.
        key: SecretRef,
    },
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::S3 { .. } => "s3",
            Self::Sns { .. } => "sns",
            Self::Email { .. } => "email",
            Self::Slack { .. } => "slack",
            Self::Webhook { .. } => "webhook",
        }
    }
}

/// Whose figures a target gets, as it is written in the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestedFilter {
    /// The team.
    pub team_id: Option<Text>,
    /// The agent.
    pub agent_name: Option<Text>,
    /// The LiteLLM user.
    pub user_id: Option<Text>,
    /// The model.
    pub model: Option<Text>,
}

impl RequestedFilter {
    /// Whether it lets everything pass.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The condition on requests.
    #[must_use]
    pub fn request_filter(&self) -> RequestFilter {
        request_filter!(self, team_id, agent_name, user_id, model)
    }
}

const TARGETS: &str = "REPORT_TARGETS";

impl Settings {
    /// Reads the settings. Without targets there is one, `s3`, which is all forms in the bucket or folder.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting cannot be used.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let targets = match environment.get(TARGETS) {
            Some(text) => targets(text)?,
            None => targets(r#"[{"kind": "s3"}]"#)?,
        };
        let secrets = Secrets::of(environment, targets.iter().flat_map(|target| target.kind.secrets()));
        for target in &targets {
            for reference in target.kind.secrets() {
                let refuse = |reason: String| refused(format!("the target {}: {reason}", target.name));
                secrets.check(reference).map_err(refuse)?;
            }
        }
        let zone = match environment.get("REPORT_TIMEZONE") {
            Some(zone) => zone.parse().map_err(|reason: String| ConfigError { name: "REPORT_TIMEZONE", reason })?,
            None => TimeZone::default(),
        };
        let place = match (environment.get("REPORT_BUCKET"), environment.get("REPORT_FOLDER")) {
            (Some(bucket), None) => Place::Bucket(bucket.to_owned()),
            (None, folder) => Place::Folder(folder.unwrap_or(".local").into()),
            (Some(_), Some(_)) => {
                let reason = "contradicts REPORT_BUCKET: reports are kept in one place".into();
                return Err(ConfigError { name: "REPORT_FOLDER", reason });
            }
        };
        let top = environment.parse("REPORT_TOP", "a whole number from 1 to 100")?.unwrap_or(10);
        if !(1..=100).contains(&top) {
            return Err(ConfigError { name: "REPORT_TOP", reason: "must be a whole number from 1 to 100".into() });
        }
        let reports = ReportSettings::from_environment(environment)?;
        Ok(Self { targets, place, zone, reports, top, secrets })
    }

    /// Reads the settings for AWS, where nothing but a bucket outlives an invocation.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn for_lambda(environment: &Environment) -> Result<Self, ConfigError> {
        let settings = Self::from_environment(environment)?;
        if matches!(settings.place, Place::Folder(_)) {
            let reason = "is missing: set it to the bucket in which reports are kept".into();
            return Err(ConfigError { name: "REPORT_BUCKET", reason });
        }
        DatabaseConfig::from_environment(environment)?;
        Ok(settings)
    }
}

impl Kind {
    fn secrets(&self) -> Vec<&SecretRef> {
        match self {
            Self::S3 { .. } | Self::Sns { .. } | Self::Email { .. } => Vec::new(),
            Self::Slack { url } => vec![url],
            Self::Webhook { url, key } => vec![url, key],
        }
    }
}

/// A target as it is written. Fields that are of some kinds only are sorted out afterwards.
#[derive(Deserialize)]
struct Written {
    name: Option<String>,
    kind: String,
    #[serde(default)]
    filter: RequestedFilter,
    periods: Option<Vec<Period>>,
    budget_alerts: Option<bool>,
    #[serde(rename = "when_unsure")]
    guarantee: Option<When>,
    bucket: Option<String>,
    topic_arn: Option<String>,
    from: Option<String>,
    to: Option<Vec<String>>,
    url: Option<SecretRef>,
    key: Option<SecretRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum When {
    Again,
    Leave,
}

/// The fields of every target.
const COMMON: [&str; 6] = ["name", "kind", "filter", "periods", "budget_alerts", "when_unsure"];
/// The kinds, each with the fields that it has besides.
const KINDS: [(&str, &[&str]); 5] = [
    ("s3", &["bucket"]),
    ("sns", &["topic_arn"]),
    ("email", &["from", "to"]),
    ("slack", &["url"]),
    ("webhook", &["url", "key"]),
];

fn refused(reason: impl Into<String>) -> ConfigError {
    ConfigError { name: TARGETS, reason: reason.into() }
}

fn targets(text: &str) -> Result<Vec<Target>, ConfigError> {
    let list: Vec<Value> = serde_json::from_str(text)
        .map_err(|_| refused(r#"must be a JSON list of targets, such as [{"kind": "s3"}]"#))?;
    let mut targets = Vec::<Target>::new();
    for (index, value) in list.into_iter().enumerate() {
        let target = target(value).map_err(|reason| refused(format!("target {}: {reason}", index + 1)))?;
        if targets.iter().any(|other| other.name == target.name) {
            return Err(refused(format!("target {}: the name {} is there twice", index + 1, target.name)));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Reads a target. No error quotes a value: it could be an address that belongs into a secret.
fn target(value: Value) -> Result<Target, String> {
    let fields = value.as_object().ok_or("must be a JSON object")?;
    let word = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    let allowed = || KINDS.map(|(word, _)| word).join(", ");
    let (_, own) =
        KINDS.iter().find(|(known, _)| *known == word).ok_or_else(|| format!("kind must be one of: {}", allowed()))?;
    let known: Vec<&str> = COMMON.iter().chain(*own).copied().collect();
    if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        let unknown: String = unknown.chars().take(40).collect();
        return Err(format!("{unknown} is no field of kind {word}, which has: {}", known.join(", ")));
    }
    let written: Written = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let shape = match path.split(['.', '[']).next().unwrap_or_default() {
            "url" | "key" => r#"must be {"secret": "<field of REPORT_SECRET_ARN>"} or {"env": "<variable>"}"#,
            "filter" => "must be an object with some of: team_id, agent_name, user_id, model",
            "periods" => "must be a list with some of: day, week, month",
            "when_unsure" => "must be one of: again, leave",
            "budget_alerts" => "must be true or false",
            "to" => "must be a list of addresses",
            _ => "must be a text",
        };
        format!("{path} {shape}")
    })?;
    let kind = kind(&written)?;
    let name = written.name.unwrap_or_else(|| written.kind.clone());
    if !is_name(&name) {
        return Err("name must have 1 to 40 of a-z, 0-9 and -, and not be shared or budgets".into());
    }
    // Files are for reading later, not for waking somebody up.
    let budget_alerts = written.budget_alerts.unwrap_or(!matches!(kind, Kind::S3 { .. }));
    if budget_alerts && matches!(kind, Kind::S3 { .. }) {
        return Err("budget_alerts is for targets that are read at once, not for s3".into());
    }
    Ok(Target {
        name,
        kind,
        filter: written.filter,
        periods: written.periods.unwrap_or_else(|| vec![Period::Day, Period::Week, Period::Month]),
        budget_alerts,
        guarantee: match written.guarantee {
            Some(When::Leave) => DeliveryGuarantee::AtMostOnce,
            Some(When::Again) | None => DeliveryGuarantee::AtLeastOnce,
        },
    })
}

fn kind(written: &Written) -> Result<Kind, String> {
    let needed = |name: &str| format!("needs {name}");
    let kind = match written.kind.as_str() {
        "sns" => {
            let topic_arn = written.topic_arn.clone().ok_or_else(|| needed("topic_arn"))?;
            if !(topic_arn.starts_with("arn:") && topic_arn.contains(":sns:")) {
                return Err("topic_arn must be the ARN of an SNS topic".into());
            }
            Kind::Sns { topic_arn }
        }
        "email" => {
            let from = written.from.clone().ok_or_else(|| needed("from"))?;
            let to = written.to.clone().filter(|to| (1..=50).contains(&to.len()));
            let to = to.ok_or("needs to, with 1 to 50 addresses")?;
            if !to.iter().chain([&from]).all(|address| is_address(address)) {
                return Err("from and to must be e-mail addresses, such as finance@example.com".into());
            }
            Kind::Email { from, to }
        }
        "slack" => Kind::Slack { url: written.url.clone().ok_or_else(|| needed("url"))? },
        "webhook" => Kind::Webhook {
            url: written.url.clone().ok_or_else(|| needed("url"))?,
            key: written.key.clone().ok_or_else(|| needed("key"))?,
        },
        _ => Kind::S3 { bucket: written.bucket.clone() },
    };
    Ok(kind)
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&name.len()) && name.bytes().all(is_allowed) && !["shared", "budgets"].contains(&name)
}

fn is_address(address: &str) -> bool {
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    !local.is_empty() && !domain.is_empty() && !address.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::from_environment(&pairs.iter().copied().collect()).map_err(|error| error.to_string())
    }

    const URL: &str = "https://hooks.example.com/services/hunter2";

    #[test]
    fn without_settings_there_are_files() {
        let settings = read(&[]).expect("settings");
        assert_eq!(settings.place, Place::Folder(".local".into()));
        let [target] = settings.targets.as_slice() else { panic!("one target") };
        assert_eq!((target.name.as_str(), &target.kind), ("s3", &Kind::S3 { bucket: None }));
    }

    #[test]
    fn targets_are_read() {
        let targets = r#"[
            {"name": "finance", "kind": "email", "from": "reports@example.com", "to": ["finance@example.com"]},
            {"name": "support", "kind": "slack", "url": {"env": "SUPPORT_SLACK"}, "filter": {"team_id": "team-support"},
             "periods": ["week"], "when_unsure": "leave", "budget_alerts": false},
            {"kind": "webhook", "url": {"secret": "erp-url"}, "key": {"secret": "erp-key"}}
        ]"#;
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:reports-AbCdEf";
        let environment =
            [("REPORT_TARGETS", targets), ("SUPPORT_SLACK", URL), ("REPORT_SECRET_ARN", arn), ("REPORT_BUCKET", "b")];
        let settings = read(&environment).expect("settings");
        assert_eq!(settings.place, Place::Bucket("b".into()));
        let [finance, support, webhook] = settings.targets.as_slice() else { panic!("three targets") };
        assert!(finance.filter.is_empty() && finance.budget_alerts && finance.periods.len() == 3);
        assert_eq!(support.filter.request_filter().team_id, ["team-support"]);
        assert_eq!(
            (support.guarantee, support.periods.as_slice()),
            (DeliveryGuarantee::AtMostOnce, &[Period::Week][..])
        );
        assert_eq!(webhook.name, "webhook");
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    }

    #[test]
    fn a_target_that_cannot_be_used_is_told_apart_and_quotes_no_address() {
        let inline = format!(r#"[{{"kind": "slack", "url": "{URL}"}}]"#);
        for (targets, expected) in [
            ("hunter2", "must be a JSON list"),
            (r#"[{"kind": "fax"}]"#, "kind must be one of: s3, sns, email, slack, webhook"),
            (r#"[{"kind": "slack"}]"#, "needs url"),
            (inline.as_str(), r#"url must be {"secret""#),
            (r#"[{"kind": "slack", "url": {"env": "NOT_SET"}}]"#, "the variable NOT_SET is not set"),
            (r#"[{"kind": "slack", "url": {"secret": "x"}}]"#, "REPORT_SECRET_ARN is not set"),
            (r#"[{"kind": "s3", "url": {"env": "X"}}]"#, "url is no field of kind s3, which has: name, kind"),
            (r#"[{"kind": "s3", "periods": ["year"]}]"#, "periods[0] must be a list with some of: day, week, month"),
            (r#"[{"kind": "s3", "filter": {"team": "x"}}]"#, "team_id, agent_name, user_id"),
            (r#"[{"kind": "s3", "name": "../x"}]"#, "name must have 1 to 40"),
            (r#"[{"kind": "s3"}, {"kind": "s3"}]"#, "target 2: the name s3 is there twice"),
            (r#"[{"kind": "email", "from": "a@b", "to": []}]"#, "1 to 50 addresses"),
            (r#"[{"kind": "email", "from": "hunter2", "to": ["a@b"]}]"#, "must be e-mail addresses"),
            (r#"[{"kind": "sns", "topic_arn": "hunter2"}]"#, "must be the ARN of an SNS topic"),
        ] {
            let error = read(&[("REPORT_TARGETS", targets)]).expect_err(targets);
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
        for (name, value) in
            [("REPORT_TIMEZONE", "Mars/Olympus"), ("REPORT_TOP", "0"), ("API_URL", "x"), ("BUDGETS", "x")]
        {
            assert!(read(&[(name, value)]).expect_err(name).contains(name));
        }
        assert!(read(&[("REPORT_BUCKET", "b"), ("REPORT_FOLDER", "f")]).is_err());
    }

    #[test]
    fn a_function_needs_a_bucket() {
        let environment: Environment = [("DATABASE_URL", "postgres://localhost/litellm")].into_iter().collect();
        assert_eq!(Settings::for_lambda(&environment).expect_err("no bucket").name, "REPORT_BUCKET");
    }
}
