//! What is asked, and how quickly it has to be answered over the index.

use serde_json::{Map, Value};

use super::drawn::{DRAWN, Drawn};
use super::log::Draw;
use crate::ask::{dates, target};
use crate::client::{get, post};

/// Questions of one kind: a line of the report.
pub struct Group {
    /// What they ask.
    pub name: String,
    /// The milliseconds within which 99 in 100 have to be answered over the index.
    pub budget: Option<f64>,
    /// Whether it is not the first page that counts but the hundredth.
    pub deep: bool,
    /// The questions.
    pub asks: Vec<Ask>,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Ask {
    target: String,
    body: Option<String>,
}

impl Ask {
    /// The request.
    pub fn request(&self) -> Vec<u8> {
        self.body.as_ref().map_or_else(|| get(&self.target), |body| post(&self.target, body))
    }

    /// The question for the page that this link leads to.
    pub fn at(&self, link: String) -> Self {
        Self { target: link, body: self.body.clone() }
    }
}

/// A page of the lists.
const LIMIT: &str = "20";

const SORTS: [&str; 6] = ["start", "last_activity", "cost", "tokens", "duration", "requests"];

/// What a search is narrowed by: its name in the report, and the field with its value.
type Filter = (&'static str, fn(&Drawn, u64) -> Option<(&'static str, Value)>);

const FILTERS: [Filter; 8] = [
    ("all", |_, _| None),
    ("of an agent", |drawn, index| Some(("agent_name", drawn.agent(index).into()))),
    ("of a user", |drawn, index| Some(("user_id", drawn.user(index).into()))),
    ("with a model", |drawn, index| Some(("model", drawn.model(index).into()))),
    ("of a team", |drawn, index| Some(("team_id", drawn.team(index).into()))),
    ("with a tag", |drawn, index| Some(("tag", drawn.tag(index).into()))),
    ("of a least cost", |_, index| Some(("min_cost", (*Draw::of(13, index).one(&[0.01, 0.05, 0.2])).into()))),
    ("with failures", |_, _| Some(("status", "failure".into()))),
];

/// The analytics: their name in the report, path, further parameters, and whether 30 days have a budget.
type Analytics = (&'static str, &'static str, &'static [(&'static str, &'static str)], bool);

const ANALYTICS: [Analytics; 13] = [
    ("overview", "overview", &[], true),
    ("usage trends by day", "usage-trends", &[("granularity", "day")], true),
    ("usage trends by day in Berlin", "usage-trends", &[("granularity", "day"), ("timezone", "Europe/Berlin")], true),
    ("costs by model", "cost-breakdown", &[("group_by", "model")], true),
    ("costs by team and model", "cost-breakdown", &[("group_by", "team,model")], true),
    ("costs by user", "cost-breakdown", &[("group_by", "user")], true),
    ("models", "models", &[], true),
    ("agents", "agents", &[], true),
    ("users", "users", &[], false),
    ("latency", "latency", &[], false),
    ("errors", "errors", &[], false),
    ("tools", "tools", &[], false),
    ("sizes of sessions", "sessions", &[], false),
];

/// Everything that is asked.
pub fn all(drawn: &Drawn) -> Vec<Group> {
    let mut groups = by_id(drawn);
    groups.push(requests(drawn));
    for sort in SORTS {
        for filter in FILTERS {
            groups.extend([false, true].map(|deep| search(drawn, sort, filter, deep)));
        }
    }
    for (days, named, budget) in [(30, "30 days", 50.0), (365, "12 months", 200.0)] {
        groups.extend(ANALYTICS.map(|(name, path, parameters, has_budget)| Group {
            name: format!("{name}, {named}"),
            budget: (has_budget || (days == 365 && path != "sessions")).then_some(budget),
            deep: false,
            asks: (0..DRAWN).map(|index| analytics(drawn, days, index, path, parameters)).collect(),
        }));
    }
    groups.push(Group {
        name: "cost report, 30 days".into(),
        budget: Some(2_000.0),
        deep: false,
        asks: (0..DRAWN).map(|index| report(drawn, index)).collect(),
    });
    groups
}

fn report(drawn: &Drawn, index: u64) -> Ask {
    Ask { target: target(&["api", "v1", "reports", "cost"], &dates(&drawn.window(30, index))), body: None }
}

fn by_id(drawn: &Drawn) -> Vec<Group> {
    let of_sessions = |name: &str, ids: &[String], of: &str, budget| {
        let ask = |id: &String| Ask { target: target(&["api", "v1", "sessions", id, of], &[]), body: None };
        Group { name: name.into(), budget, deep: false, asks: ids.iter().map(ask).collect() }
    };
    let request = |id: &String| Ask { target: target(&["api", "v1", "requests", id], &[]), body: None };
    vec![
        of_sessions("session summary", &drawn.sessions, "summary", Some(20.0)),
        of_sessions("session summary, largest sessions", &drawn.largest, "summary", Some(20.0)),
        of_sessions("session messages, first page", &drawn.sessions, "messages", Some(20.0)),
        of_sessions("session messages, first page, stored prompts", &drawn.with_content, "messages", Some(20.0)),
        Group {
            name: "request by id".into(),
            budget: None,
            deep: false,
            asks: drawn.requests.iter().map(request).collect(),
        },
    ]
}

fn requests(drawn: &Drawn) -> Group {
    let ask = |index| {
        let mut parameters = dates(&drawn.window(30, index));
        parameters.push(("limit", LIMIT.into()));
        Ask { target: target(&["api", "v1", "requests"], &parameters), body: None }
    };
    Group { name: "requests, 30 days".into(), budget: None, deep: false, asks: (0..DRAWN).map(ask).collect() }
}

fn search(drawn: &Drawn, sort: &str, (named, filter): Filter, deep: bool) -> Group {
    let path = target(&["api", "v1", "sessions", "search"], &[("sort", sort.into()), ("limit", LIMIT.into())]);
    let ask = |index| {
        let window = dates(&drawn.window(30, index)).into_iter().map(|(name, value)| (name, value.into()));
        let body: Map<String, Value> =
            window.chain(filter(drawn, index)).map(|(name, value)| (name.to_owned(), value)).collect();
        Ask { target: path.clone(), body: Some(Value::Object(body).to_string()) }
    };
    let page = if deep { "page 100" } else { "page 1" };
    Group {
        name: format!("sessions by {sort}, {named}, {page}"),
        budget: Some(50.0),
        deep,
        asks: (0..DRAWN).map(ask).collect(),
    }
}

fn analytics(drawn: &Drawn, days: i64, index: u64, path: &str, further: &[(&'static str, &str)]) -> Ask {
    let mut parameters = dates(&drawn.window(days, index));
    parameters.extend(further.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Ask { target: target(&["api", "v1", "analytics", path], &parameters), body: None }
}
