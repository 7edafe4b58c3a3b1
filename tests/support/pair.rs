//! The API twice over one log: once it reads the log itself, once the index. Both must say the same.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::answer::Answer;
use crate::app::App;
use crate::database::Database;

/// Both.
#[derive(Clone)]
pub struct Pair {
    /// Reads LiteLLM's log.
    pub direct: App,
    /// Reads the index.
    pub indexed: App,
}

impl Pair {
    /// Over a database that has an index.
    #[must_use]
    pub fn over(database: &Arc<Database>, now: DateTime<Utc>) -> Self {
        Self::with(database, now, &[])
    }

    /// The second one with these settings, such as where the index is.
    #[must_use]
    pub fn with(database: &Arc<Database>, now: DateTime<Utc>, settings: &[(&str, &str)]) -> Self {
        Self {
            direct: App::over(Arc::clone(database), now, &[("INDEX", "off")]),
            indexed: App::over(Arc::clone(database), now, settings),
        }
    }

    /// Both, asked by the holder of this service key.
    #[must_use]
    pub fn for_key(&self, service_keys: &str, key: &str) -> Self {
        let settings = [("AUTH_MODE", "keys"), ("SERVICE_KEYS", service_keys), ("CONTENT_ACCESS", "all")];
        let guarded = |app: &App| app.with_access(&settings).with_key(key);
        Self { direct: guarded(&self.direct), indexed: guarded(&self.indexed) }
    }

    /// Asks both, and returns what both say.
    pub async fn get(&self, path: &str) -> Answer {
        let (direct, indexed) = (self.direct.get(path).await, self.indexed.get(path).await);
        check(path, &direct, &indexed, false);
        indexed
    }

    /// As [`Self::get`], where percentiles need only be about right.
    pub async fn get_about(&self, path: &str) -> Answer {
        let (direct, indexed) = (self.direct.get(path).await, self.indexed.get(path).await);
        check(path, &direct, &indexed, true);
        indexed
    }

    /// As [`Self::get`], with a body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let (direct, indexed) = (self.direct.post(path, body).await, self.indexed.post(path, body).await);
        check(&format!("{path} {body}"), &direct, &indexed, false);
        indexed
    }

    /// All pages of a list.
    pub async fn all_pages(&self, path: &str) -> Vec<Value> {
        let (mut items, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let answer = self.get(&path).await;
            items.extend(answer.ok().as_array().expect("a list").clone());
            next = answer.next();
            assert!(items.len() < 100_000, "the pages do not end");
        }
        items
    }
}

#[track_caller]
fn check(what: &str, direct: &Answer, indexed: &Answer, about: bool) {
    assert_eq!(indexed.status, direct.status, "{what}\n{}", indexed.text);
    assert_eq!(indexed.next(), direct.next(), "{what}: the next page");
    let total = |answer: &Answer| answer.headers.get("x-total-count").cloned();
    assert_eq!(total(indexed), total(direct), "{what}: the number of items");
    if direct.status != 200 {
        let (mut ours, mut theirs) = (indexed.problem(indexed.status.as_u16()), direct.problem(direct.status.as_u16()));
        for problem in [&mut ours, &mut theirs] {
            problem["request_id"] = Value::Null;
        }
        assert_eq!(ours, theirs, "{what}");
        return;
    }
    if let Err(difference) = compare(&indexed.ok(), &direct.ok(), "", about, false) {
        panic!("{what}: {difference} without an index");
    }
}

/// Numbers have to be equal to the last digit, but for percentiles if `about`.
fn compare(ours: &Value, theirs: &Value, path: &str, about: bool, change: bool) -> Result<(), String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            if names(a) != names(b) {
                return Err(format!("{path} has the fields {:?}, and {:?}", names(a), names(b)));
            }
            // How much a percentile changed is what two of them, each about right, make it.
            a.iter().try_for_each(|(name, value)| {
                let within = change || name == "change";
                compare(value, &b[name], &format!("{path}.{name}"), about, within)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .try_for_each(|(i, (a, b))| compare(a, b, &format!("{path}[{i}]"), about, change)),
        (Value::Number(a), Value::Number(b)) if about && is_percentile(path) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            if change || (a - b).abs() <= b.abs() * 0.01 + 1e-9 {
                Ok(())
            } else {
                Err(format!("{path} is {a}, and {b}"))
            }
        }
        (Value::Number(_), Value::Null) | (Value::Null, Value::Number(_)) if about && change => Ok(()),
        _ if ours == theirs => Ok(()),
        _ => Err(format!("{path} is {ours}, and {theirs}")),
    }
}

fn is_percentile(path: &str) -> bool {
    path.split('.').any(|name| ["p50_", "p90_", "p95_", "p99_"].iter().any(|start| name.starts_with(start)))
}
