//! The search for sessions finds what a look at every row finds.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use local::fixtures::Release;
use serde_json::{Map, Value, json};
use tests::App;
use tests::expected::log::{path, value_of};
use tests::expected::session::{cost, summary};
use tests::expected::{Dice, Filter, Log, Money, Row, as_f64, assert_same, count};
use tests::made;

const SORTS: [&str; 6] = ["start", "last_activity", "cost", "tokens", "duration", "requests"];

/// Filters on the requests of a session, of which several values mean any.
const NAMES: [&str; 10] =
    ["agent_name", "user_id", "end_user", "team_id", "key", "provider", "model", "tag", "conversation_name", "tool"];

/// Seconds from the first start to the last end.
fn seconds(rows: &[&Row]) -> f64 {
    let start = rows.iter().map(|row| row.started).min().expect("rows");
    let end = rows.iter().map(|row| row.ended.max(row.started)).max().expect("rows");
    as_f64((end - start).num_milliseconds()) / 1000.0
}

/// A question for sessions.
#[derive(Debug, Clone, Default)]
struct Search {
    filter: Filter,
    min_cost: Option<f64>,
    max_cost: Option<f64>,
    min_requests: Option<i64>,
    min_tokens: Option<i64>,
    min_duration: Option<f64>,
    id_prefix: Option<String>,
    has_tool_calls: Option<bool>,
    failed: Option<bool>,
    sort: Option<&'static str>,
    ascending: bool,
}

impl Search {
    /// The sessions that match, in order.
    fn answer<'a>(&self, sessions: &BTreeMap<&'a str, Vec<&Row>>) -> Vec<&'a str> {
        let begins = |id: &str| self.id_prefix.as_ref().is_none_or(|prefix| id.starts_with(prefix));
        let matching = sessions.iter().filter(|(id, rows)| begins(id) && self.matches(rows));
        let mut found: Vec<(i128, &str)> = matching.map(|(id, rows)| (self.value(rows), *id)).collect();
        found.sort_unstable();
        if !self.ascending {
            found.reverse();
        }
        found.into_iter().map(|(_, id)| id).collect()
    }

    fn matches(&self, rows: &[&Row]) -> bool {
        let cost = cost(rows);
        rows.iter().any(|row| self.filter.matches(row))
            && self.min_cost.is_none_or(|least| cost >= Money::of(least))
            && self.max_cost.is_none_or(|most| cost <= Money::of(most))
            && self.min_requests.is_none_or(|least| count(rows) >= least)
            && self.min_tokens.is_none_or(|least| rows.iter().map(|row| row.total_tokens).sum::<i64>() >= least)
            && self.min_duration.is_none_or(|least| seconds(rows) >= least)
            && self.has_tool_calls.is_none_or(|has| rows.iter().any(|row| row.calls > 0) == has)
            && self.failed.is_none_or(|failed| rows.iter().any(|row| row.failed) == failed)
    }

    fn value(&self, rows: &[&Row]) -> i128 {
        let start = rows.iter().map(|row| row.started).min().expect("rows");
        let end = rows.iter().map(|row| row.ended.max(row.started)).max().expect("rows");
        match self.sort.unwrap_or("start") {
            "start" => start.timestamp_millis().into(),
            "last_activity" => rows.iter().map(|row| row.started).max().expect("rows").timestamp_millis().into(),
            "cost" => cost(rows).units(),
            "tokens" => rows.iter().map(|row| i128::from(row.total_tokens)).sum(),
            "duration" => (end - start).num_milliseconds().into(),
            "requests" => count(rows).into(),
            other => panic!("no sort {other}"),
        }
    }

    /// The filters, as pairs of the query string.
    fn filters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter.parameters();
        let status = self.failed.map(|failed| if failed { "failure" } else { "success" });
        pairs.extend(self.min_cost.map(|dollars| ("min_cost", dollars.to_string())));
        pairs.extend(self.max_cost.map(|dollars| ("max_cost", dollars.to_string())));
        pairs.extend(self.min_requests.map(|requests| ("min_requests", requests.to_string())));
        pairs.extend(self.min_tokens.map(|tokens| ("min_tokens", tokens.to_string())));
        pairs.extend(self.min_duration.map(|seconds| ("min_duration", seconds.to_string())));
        pairs.extend(self.id_prefix.clone().map(|prefix| ("id_prefix", prefix)));
        pairs.extend(self.has_tool_calls.map(|has| ("has_tool_calls", has.to_string())));
        pairs.extend(status.map(|status| ("status", status.to_owned())));
        pairs
    }

    /// The order, as pairs of the query string; nothing where it is the default.
    fn order(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<_> = self.sort.map(|sort| ("sort", sort.to_owned())).into_iter().collect();
        pairs.extend(self.ascending.then(|| ("order", "asc".to_owned())));
        pairs
    }

    /// Some conditions, mostly those of a session that there is.
    fn roll(dice: &mut Dice, log: &Log, sessions: &BTreeMap<&str, Vec<&Row>>) -> Self {
        let row = &log.rows[dice.below(log.rows.len())];
        let mut search = Self { filter: roll_filter(dice, log, row), ..Self::default() };
        search.min_cost = dice.one_in(5).then(|| cost(&sessions[row.session.as_str()]).dollars());
        let dearer = search.min_cost.unwrap_or_default() + 0.0005;
        search.max_cost = dice.one_in(6).then_some(dearer);
        search.min_requests = dice.one_in(6).then(|| count(&sessions[row.session.as_str()]));
        search.has_tool_calls = dice.one_in(5).then(|| dice.one_in(2));
        search.failed = dice.one_in(5).then(|| dice.one_in(2));
        if dice.one_in(2) {
            roll_more(dice, log, row, &NAMES, &mut search.filter);
        }
        search.id_prefix = dice.one_in(8).then(|| row.session.chars().take(1 + dice.below(4)).collect());
        let rows = &sessions[row.session.as_str()];
        search.min_tokens = dice.one_in(8).then(|| rows.iter().map(|row| row.total_tokens).sum::<i64>().max(1));
        search.min_duration = dice.one_in(8).then(|| seconds(rows));
        search.sort = (!dice.one_in(5)).then(|| *dice.pick(&SORTS));
        search.ascending = dice.one_in(2);
        search
    }
}

/// Conditions that `row` fulfils, mostly; the window often begins or ends within a session.
pub fn roll_filter(dice: &mut Dice, log: &Log, row: &Row) -> Filter {
    let or = |value: &Option<String>, none: &str| Some(value.as_deref().unwrap_or(none).to_owned());
    let mut filter = Filter::default();
    for _ in 0..dice.below(3) {
        match dice.below(8) {
            0 => filter.agent_name = or(&row.agent, "unknown"),
            1 => filter.user_id = or(&row.user, "unknown"),
            2 => filter.model = or(&row.group, "unknown"),
            3 => filter.model = or(&row.model, "no such model"),
            4 => filter.end_user = or(&row.end_user, "nobody"),
            5 => filter.team_id = or(&row.team, "no team"),
            6 => filter.tag = Some(row.tags.first().cloned().unwrap_or_else(|| "no tag".to_owned())),
            _ => filter.conversation_name = or(&row.conversation, "default"),
        }
    }
    if dice.one_in(3) {
        filter.start = Some(dice.pick(&log.rows).started.min(row.started));
    }
    if dice.one_in(3) {
        filter.end =
            Some(dice.pick(&log.rows).started.max(row.started) + TimeDelta::milliseconds(dice.below(2) as i64));
    }
    if filter.start.is_some() && filter.start == filter.end {
        filter.end = None;
    }
    filter
}

/// Further conditions, some with several values: mostly such that `row` fulfils them.
pub fn roll_more(dice: &mut Dice, log: &Log, row: &Row, names: &[&'static str], filter: &mut Filter) {
    for _ in 0..dice.below(3) {
        let name = *dice.pick(names);
        if filter.parameters().iter().any(|(other, _)| *other == name) {
            continue;
        }
        filter.more.push((name, value_of(row, name)));
        for _ in 0..dice.below(3) {
            let value = value_of(dice.pick(&log.rows), name);
            if !filter.more.contains(&(name, value.clone())) {
                filter.more.push((name, value));
            }
        }
    }
}

fn ids(sessions: &[Value]) -> Vec<&str> {
    sessions.iter().map(|session| session["session_id"].as_str().expect("an id")).collect()
}

fn sorted_names(mut summary: Value) -> Value {
    for value in summary.as_object_mut().expect("an object").values_mut() {
        if let Value::Array(names) = value {
            names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
    }
    summary
}

async fn searches_agree(release: Release, times: usize) {
    let log = Log::of(release);
    let sessions = log.sessions();
    let app = App::of_release(release).await;
    let mut dice = Dice(release.tables().len() as u64);
    let mut found = 0;
    for turn in 0..times {
        let search = Search::roll(&mut dice, log, &sessions);
        let expected = search.answer(&sessions);
        let (limit, offset) = (*dice.pick(&[1, 3, 20, 1000]), *dice.pick(&[0, 0, 0, 1, 15]));
        let page = [("limit", limit.to_string()), ("offset", offset.to_string())];
        let query = [search.order(), page.to_vec()].concat();
        let answer = app.get(&path("/api/v1/sessions", &[search.filters(), query.clone()].concat())).await;
        let listed = answer.ok();
        let listed = listed.as_array().expect("a list");
        let of_page: Vec<&str> = expected.iter().skip(offset).take(limit).copied().collect();
        assert_eq!(ids(listed), of_page, "{search:?} {page:?}");
        assert_eq!(answer.next().is_some(), expected.len() > offset + limit, "{search:?} {page:?}");
        for session in listed.iter().take(5) {
            let id = session["session_id"].as_str().expect("an id");
            assert_same(&sorted_names(session.clone()), &summary(id, &sessions[id]), id);
        }
        found += listed.len();
        if turn % 3 == 0 {
            let posted = app.post(&path("/api/v1/sessions/search", &query), &body(&search)).await.ok();
            assert_eq!(posted.as_array(), Some(listed), "{search:?} {page:?}");
        }
    }
    assert!(found > 2 * times, "most searches find something: {found}");
}

/// The filters as a body: numbers as numbers, flags as flags.
fn body(search: &Search) -> Value {
    let typed = |name: &str, text: String| match name {
        "min_cost" | "max_cost" | "min_requests" | "min_tokens" | "min_duration" | "has_tool_calls" => {
            text.parse().expect("JSON")
        }
        _ => Value::String(text),
    };
    let mut body = Map::new();
    for (name, text) in search.filters() {
        match body.remove(name) {
            None => body.insert(name.to_owned(), typed(name, text)),
            Some(Value::Array(values)) => {
                body.insert(name.to_owned(), Value::Array([values, vec![typed(name, text)]].concat()))
            }
            Some(value) => body.insert(name.to_owned(), json!([value, typed(name, text)])),
        };
    }
    Value::Object(body)
}

#[tokio::test]
async fn any_search_finds_the_sessions_that_a_look_at_every_row_finds() {
    searches_agree(Release::V1_109_1, 150).await;
}

#[tokio::test]
async fn any_search_in_older_releases_finds_the_same_too() {
    searches_agree(Release::V1_61_20, 60).await;
    searches_agree(Release::V1_80_0, 60).await;
}

#[tokio::test]
async fn the_pages_of_every_order_are_the_whole_list_once() {
    let log = Log::of(Release::V1_109_1);
    let sessions = log.sessions();
    let app = App::of_release(Release::V1_109_1).await;
    // In the middle of sessions that began before it.
    let middle = log.rows.iter().map(|row| row.started).max().expect("rows") - TimeDelta::days(4);
    for sort in SORTS {
        for ascending in [true, false] {
            for start in [Some(middle), None] {
                if start.is_none() && !["start", "last_activity"].contains(&sort) {
                    continue;
                }
                let filter = Filter { start, ..Filter::default() };
                let search = Search { filter, sort: Some(sort), ascending, ..Search::default() };
                let expected = search.answer(&sessions);
                let limit = if start.is_some() { 50 } else { 200 };
                let query = [search.filters(), search.order(), vec![("limit", limit.to_string())]].concat();
                let (listed, pages) = app.all_pages(&path("/api/v1/sessions", &query)).await;
                assert_eq!(ids(&listed), expected, "{search:?}");
                assert_eq!(pages, expected.len().div_ceil(limit), "{search:?}");
                assert!(pages > 2, "several pages");
            }
        }
    }
}

#[tokio::test]
async fn the_pages_of_a_search_with_a_body_go_on_with_the_same_body() {
    let sessions = Log::of(Release::V1_109_1).sessions();
    let filter = Filter { agent_name: Some("unknown".to_owned()), ..Filter::default() };
    let search = Search { filter, sort: Some("cost"), ..Search::default() };
    let app = App::of_release(Release::V1_109_1).await;
    let mut next = Some(path("/api/v1/sessions/search", &[search.order(), vec![("limit", "60".to_owned())]].concat()));
    let mut listed = Vec::new();
    while let Some(path) = next {
        let answer = app.post(&path, &body(&search)).await;
        listed.extend(answer.ok().as_array().expect("a list").clone());
        next = answer.next();
    }
    assert_eq!(ids(&listed), search.answer(&sessions));
    assert!(listed.len() > 60, "several pages");
}

fn moment() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// Some sessions of one to three requests, several alike in cost, tokens, length and number of requests.
fn some_sessions() -> Vec<Value> {
    let mut rows = Vec::new();
    for number in 0..25 {
        let start = moment() - TimeDelta::minutes(10 * (25 - number));
        for request in 0..=number % 3 {
            let fields = json!({"session_id": format!("s-{number:02}"), "spend": 0.001 * (number % 4) as f64});
            rows.push(made::row(&format!("r-{number:02}-{request}"), start + TimeDelta::minutes(25 * request), fields));
        }
    }
    rows
}

#[tokio::test]
async fn no_session_is_lost_or_repeated_while_requests_arrive() {
    let mut rows = some_sessions();
    let database = made::database("session_arrivals", &rows).await;
    for (turn, sort) in SORTS.into_iter().enumerate() {
        // Each listing begins after what arrived during the one before.
        let now = moment() + TimeDelta::hours(3 + turn as i64);
        let app = App::over(database.clone(), now, &[]);
        for ascending in [true, false] {
            let log = Log::new(&rows, &tests::expected::Companions::default());
            let search = Search { sort: Some(sort), ascending, ..Search::default() };
            let before: Vec<&Row> = log.rows.iter().filter(|row| row.started < now).collect();
            let mut sessions: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
            for row in before {
                sessions.entry(&row.session).or_default().push(row);
            }
            let expected = search.answer(&sessions);

            let query = [search.order(), vec![("limit", "7".to_owned())]].concat();
            let (mut listed, mut next, mut page) = (Vec::new(), Some(path("/api/v1/sessions", &query)), 0);
            while let Some(path) = next {
                let answer = app.get(&path).await;
                listed.extend(answer.ok().as_array().expect("a list").clone());
                next = answer.next();
                page += 1;
                let tag = format!("{turn}-{ascending}-{page}");
                let arrived = arrivals(&tag, now, &expected);
                made::insert(&mut app.state.db.connect().await.expect("a connection").conn, &arrived).await;
                rows.extend(arrived);
            }
            let existing: Vec<&str> = ids(&listed).into_iter().filter(|id| expected.contains(id)).collect();
            assert_eq!(existing, expected, "{search:?}");
            let mut all = ids(&listed);
            all.sort_unstable();
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a new session came twice: {search:?}");
            assert!(page > 3, "several pages");
        }
        app.state.db.close().await;
    }
}

/// Requests of a session listed already and of one that is yet to come, of a new session, and one that started before
/// the listing and was written late.
fn arrivals(tag: &str, now: DateTime<Utc>, sessions: &[&str]) -> Vec<Value> {
    let soon = now + TimeDelta::seconds(1);
    let of = |session: &str| json!({"session_id": session, "spend": 1.0, "total_tokens": 100_000});
    vec![
        made::row(&format!("{tag}-a"), now, of(sessions[0])),
        made::row(&format!("{tag}-b"), soon, of(sessions[sessions.len() - 1])),
        made::row(&format!("{tag}-c"), soon, of(&format!("new-{tag}"))),
        made::row(&format!("{tag}-d"), moment() - TimeDelta::hours(2), of(&format!("late-{tag}"))),
    ]
}
