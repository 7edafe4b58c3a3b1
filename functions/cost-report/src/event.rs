//! What a schedule, or a person, asks for.
//!
//! ```json
//! {"period": "week", "timezone": "Europe/Berlin", "targets": ["s3", "slack"]}
//! ```
//!
//! All of it may be left out: nothing, or the object that a schedule sends by itself, is yesterday's report to all targets
//! that get daily ones. `from` and `to` in place of `period` name any window.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::time::MAX_DAYS;
use traceability_core::time::TimeWindow;
use traceability_report::{Period, Span};

use crate::settings::Target;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The last whole day, week or month that is over.
    pub period: Option<Period>,
    /// The start of any window.
    pub from: Option<Moment>,
    /// Its end, which does not belong to it.
    pub to: Option<Moment>,
    /// Whose days these are; else those of the settings.
    pub timezone: Option<TimeZone>,
    /// Names or kinds of targets; else all that get reports of the period.
    pub targets: Option<Vec<String>>,
}

/// Why nothing is done about an event.
#[derive(Debug, thiserror::Error)]
#[error("event: {0}")]
pub struct EventError(String);

const FIELDS: [&str; 5] = ["period", "from", "to", "timezone", "targets"];

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// [`EventError`] for anything that is not understood, with what is allowed.
    pub fn parse(event: &Value) -> Result<Self, EventError> {
        let fields = match event {
            Value::Null => return Ok(Self::default()),
            Value::Object(fields) if is_a_schedules_own(fields) => return Ok(Self::default()),
            Value::Object(fields) => fields,
            _ => return Err(refused(format!("must be a JSON object with some of: {}", FIELDS.join(", ")))),
        };
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(unknown_field(unknown));
        }
        let event = Self {
            period: parsed(fields, "period")?,
            from: parsed(fields, "from")?,
            to: parsed(fields, "to")?,
            timezone: parsed(fields, "timezone")?,
            targets: targets(fields)?,
        };
        match (event.period, event.from, event.to) {
            (Some(_) | None, None, None) | (None, Some(_), Some(_)) => Ok(event),
            (Some(_), ..) => Err(refused("period is the last whole one: not together with from and to")),
            (None, ..) => Err(refused("from and to go together")),
        }
    }

    /// The time that is asked about.
    ///
    /// # Errors
    /// [`EventError`] where it is none, or too long.
    pub fn span(&self, zone: TimeZone, now: DateTime<Utc>) -> Result<Span, EventError> {
        let zone = self.timezone.unwrap_or(zone).0;
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return Ok(Span::last(self.period.unwrap_or(Period::Day), zone, now));
        };
        let window = TimeWindow { start: from.instant(zone), end: to.instant(zone) };
        if window.start >= window.end {
            return Err(refused("to must be after from"));
        }
        if window.end - window.start > chrono::Duration::days(MAX_DAYS.into()) {
            return Err(refused(format!("from and to must lie within {MAX_DAYS} days")));
        }
        Ok(Span::between(window, zone))
    }

    /// The targets that are asked for, of those there are.
    ///
    /// # Errors
    /// [`EventError`] for a name that none of them has, with those they have.
    pub fn targets<'t>(&self, all: &'t [Target], span: &Span) -> Result<Vec<&'t Target>, EventError> {
        let Some(wanted) = &self.targets else {
            let gets = |target: &&Target| span.period.is_none_or(|period| target.periods.contains(&period));
            return Ok(all.iter().filter(gets).collect());
        };
        let is = |target: &Target, word: &str| target.name == word || target.kind.word() == word;
        for word in wanted {
            if !all.iter().any(|target| is(target, word)) {
                let names: Vec<_> = all.iter().map(|target| target.name.as_str()).collect();
                return Err(refused(format!("there is no target {}; there are: {}", shown(word), names.join(", "))));
            }
        }
        Ok(all.iter().filter(|target| wanted.iter().any(|word| is(target, word))).collect())
    }
}

/// What a schedule sends where nobody has said what: the scheduler's, or that of a rule.
fn is_a_schedules_own(fields: &Map<String, Value>) -> bool {
    let is_rule = fields.get("source").is_some_and(|source| source == "aws.events")
        && fields.get("detail-type").is_some_and(|kind| kind == "Scheduled Event");
    is_rule || fields.keys().all(|name| name.starts_with("aws.scheduler."))
}

pub(crate) fn refused(reason: impl Into<String>) -> EventError {
    EventError(reason.into())
}

/// A text of a stranger's, as far as a log needs it.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(40).collect()
}

fn unknown_field(name: &str) -> EventError {
    let name = shown(name);
    let similarity = |field: &&str| strsim::jaro_winkler(&name, field);
    let nearest = FIELDS.into_iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let nearest = nearest.filter(|field| similarity(field) > 0.7);
    let meant = nearest.map(|field| format!(" (did you mean {field}?)")).unwrap_or_default();
    refused(format!("there is no field {name}{meant}; there are: {}", FIELDS.join(", ")))
}

fn parsed<T: std::str::FromStr<Err: ToString>>(
    fields: &Map<String, Value>,
    name: &str,
) -> Result<Option<T>, EventError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|error: T::Err| refused(format!("{name} {}", error.to_string())))
        }
        Some(_) => Err(refused(format!("{name} must be a text"))),
    }
}

fn targets(fields: &Map<String, Value>) -> Result<Option<Vec<String>>, EventError> {
    let none = || refused("targets must be a list of names of targets, and have one at least");
    match fields.get("targets") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(names)) if !names.is_empty() => {
            let name = |name: &Value| name.as_str().map(str::to_owned).ok_or_else(none);
            names.iter().map(name).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use serde_json::json;

    fn parse(event: &Value) -> Result<Event, String> {
        Event::parse(event).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_yesterday() {
        let rule = json!({"version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.events",
            "time": "2026-11-23T09:50:00Z", "resources": [], "detail": {}});
        let scheduler = json!({"aws.scheduler.schedule-arn": "x", "aws.scheduler.attempt-number": "1"});
        let now = "2026-11-23T23:30:00Z".parse().expect("a time");
        for event in [json!(null), json!({}), rule, scheduler] {
            let event = parse(&event).expect("an event");
            assert_eq!(event, Event::default());
            let berlin: TimeZone = "Europe/Berlin".parse().expect("a zone");
            assert_eq!(event.span(berlin, now).expect("a span").label(), "2026-11-23");
            assert_eq!(event.span(TimeZone::default(), now).expect("a span").label(), "2026-11-22");
        }
    }

    #[test]
    fn the_documented_event_is_read() {
        let event = json!({"period": "week", "timezone": "Europe/Berlin", "targets": ["s3", "slack"]});
        let event = parse(&event).expect("an event");
        let span = event.span(TimeZone::default(), "2026-11-23T06:00:00Z".parse().expect("a time")).expect("a span");
        assert_eq!((span.label().as_str(), span.zone.name()), ("2026-W47", "Europe/Berlin"));
        let window = parse(&json!({"from": "2026-11-01", "to": "2026-12-01"})).expect("an event");
        let span = window.span(TimeZone::default(), Utc::now()).expect("a span");
        assert_eq!(span.period, Some(Period::Month));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_is_allowed() {
        for (event, expected) in [
            (json!([]), "must be a JSON object with some of: period, from, to, timezone, targets"),
            (json!("week"), "must be a JSON object"),
            (json!({"peroid": "week"}), "did you mean period?); there are: period, from"),
            (json!({"x": 1}), "there is no field x; there are: period"),
            (json!({"period": "year"}), "period must be one of: day, week, month"),
            (json!({"period": 7}), "period must be a text"),
            (json!({"timezone": "Europe/Berlim"}), "did you mean Europe/Berlin?"),
            (json!({"from": "2026-11-01"}), "from and to go together"),
            (json!({"from": "yesterday", "to": "2026-11-01"}), "from must be a date"),
            (json!({"period": "day", "from": "2026-11-01", "to": "2026-11-02"}), "not together with from and to"),
            (json!({"targets": []}), "must be a list of names"),
            (json!({"targets": "s3"}), "must be a list of names"),
            (json!({"targets": [1]}), "must be a list of names"),
        ] {
            let error = parse(&event).expect_err(&event.to_string());
            assert!(error.starts_with("event: ") && error.contains(expected), "{error}");
        }
        for (from, to, expected) in [("2026-11-02", "2026-11-02", "after"), ("2025-01-01", "2026-11-02", "366 days")] {
            let event = parse(&json!({"from": from, "to": to})).expect("an event");
            let error = event.span(TimeZone::default(), Utc::now()).expect_err("no window").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn targets_are_found_by_name_and_by_kind() {
        let targets = r#"[{"kind": "s3"}, {"name": "copy", "kind": "s3", "bucket": "b", "periods": ["month"]},
            {"kind": "sns", "topic_arn": "arn:aws:sns:eu-central-1:123456789012:reports"}]"#;
        let settings = Settings::from_environment(&[("REPORT_TARGETS", targets)].into_iter().collect());
        let all = settings.expect("settings").targets;
        let span = Span::last(Period::Day, chrono_tz::UTC, "2026-11-23T06:00:00Z".parse().expect("a time"));
        let names = |event: Value| {
            let event = parse(&event).expect("an event");
            let found = event.targets(&all, &span).map_err(|error| error.to_string());
            found.map(|found| found.iter().map(|target| target.name.clone()).collect::<Vec<_>>())
        };
        assert_eq!(names(json!({})), Ok(vec!["s3".into(), "sns".into()]));
        assert_eq!(names(json!({"targets": ["copy"]})), Ok(vec!["copy".into()]));
        assert_eq!(names(json!({"targets": ["s3"]})), Ok(vec!["s3".into(), "copy".into()]));
        let error = names(json!({"targets": ["sns", "fax"]})).expect_err("no such target");
        assert!(error.ends_with("there is no target fax; there are: s3, copy, sns"), "{error}");
    }
}
