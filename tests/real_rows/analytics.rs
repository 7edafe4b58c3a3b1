//! The analytics say what a look at every row says.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use local::fixtures::Release;
use serde_json::Value;
use tests::App;
use tests::expected::analytics as expected;
use tests::expected::checks::{self, check_bucket};
use tests::expected::log::{path, value_of};
use tests::expected::{Dice, Filter, Log, Row, assert_same};

pub const DIMENSIONS: [&str; 9] = ["model", "agent", "user", "end_user", "team", "key", "provider", "tag", "tool"];

/// The answer of an analytics endpoint.
pub async fn ask(app: &App, endpoint: &str, filter: &Filter, more: &[(&str, &str)]) -> Value {
    let own = filter.parameters();
    let mut parameters: Vec<(&str, String)> = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    parameters.extend(own);
    app.get(&path(&format!("/api/v1/analytics/{endpoint}"), &parameters)).await.ok()
}

/// The same with the window that is asked without one: the last 30 days.
pub fn bounded(app: &App, filter: &Filter) -> Filter {
    let mut bounded = filter.clone();
    bounded.end = Some(bounded.end.unwrap_or(app.now));
    bounded.start = bounded.start.or(bounded.end.map(|end| end - TimeDelta::days(30)));
    bounded
}

/// A list sorted by these fields, and whether it was in descending order of `by`.
pub fn sorted(list: &Value, by: &[&str], keys: &[&str]) -> Vec<Value> {
    let list = list.as_array().expect("a list");
    for pair in list.windows(2) {
        let value = |item: &Value| by.iter().map(|field| item[field].as_f64().expect("a number")).collect::<Vec<_>>();
        assert!(value(&pair[0]) >= value(&pair[1]), "not in order: {} {}", pair[0], pair[1]);
    }
    let mut list = list.clone();
    list.sort_by_key(|item| keys.iter().map(|key| item[key].as_str().expect("a name").to_owned()).collect::<Vec<_>>());
    list
}

/// Everything that the analytics say about the rows of `filter`.
async fn check_all(app: &App, log: &Log, filter: &Filter) {
    let what = format!("{filter:?}");
    let rows = log.matching(&bounded(app, filter));

    assert_same(&ask(app, "overview", filter, &[]).await, &expected::overview(&rows), &what);
    let models = sorted(&ask(app, "models", filter, &[]).await, &["total_requests"], &["model", "provider"]);
    assert_same(&Value::from(models), &Value::from(expected::models(&rows)), &what);
    let agents = sorted(&ask(app, "agents", filter, &[]).await, &["total_interactions"], &["agent_name"]);
    assert_same(&Value::from(agents), &Value::from(expected::agents(&rows)), &what);
}

async fn check_breakdown(app: &App, rows: &[&Row], filter: &Filter, dimension: &str) {
    let list = ask(app, "cost-breakdown", filter, &[("group_by", dimension)]).await;
    let mut actual = sorted(&list, &["total_cost", "total_requests"], &["category"]);
    let expected = expected::breakdown(rows, dimension);
    assert_eq!(actual.len(), expected.len(), "{dimension} {filter:?}");
    for (actual, expected) in actual.iter_mut().zip(&expected) {
        let fields = actual.as_object_mut().expect("an object");
        let label = fields.remove("label").expect("a label or null");
        assert!(label.is_null() || ["team", "key"].contains(&dimension), "{dimension} has a label: {label}");
        // Rounded to two decimals.
        let share = fields["cost_percentage"].as_f64().expect("a number");
        let exact = expected["cost_percentage"].as_f64().expect("a number");
        assert!((share - exact).abs() <= 0.005 + 1e-9, "{dimension} {share} {exact}");
        fields["cost_percentage"] = expected["cost_percentage"].clone();
        assert_same(actual, expected, dimension);
    }
}

async fn check_days(app: &App, rows: &[&Row], filter: &Filter, zone: Tz) {
    let trend = ask(app, "usage-trends", filter, &[("timezone", zone.name())]).await;
    let days = expected::by_day(rows, zone);
    let (start, end) = (filter.start.expect("a start"), filter.end.expect("an end"));
    let last = (end - TimeDelta::milliseconds(1)).with_timezone(&zone).date_naive();
    let mut day = start.with_timezone(&zone).date_naive();
    for bucket in trend.as_array().expect("a list") {
        assert_eq!(bucket["time_period"], day.to_string(), "{zone} {filter:?}");
        check_bucket(bucket, days.get(&day).map_or(&[], Vec::as_slice));
        let begins: DateTime<Utc> = bucket["period_start"].as_str().and_then(|text| text.parse().ok()).expect("a time");
        assert_eq!(begins.with_timezone(&zone).date_naive(), day);
        assert_ne!((begins - TimeDelta::milliseconds(1)).with_timezone(&zone).date_naive(), day);
        day = day.succ_opt().expect("a day");
    }
    assert_eq!(day.pred_opt(), Some(last), "{zone} {filter:?}");
}

async fn check_hours(app: &App, rows: &[&Row], filter: &Filter, zone: Tz) {
    let trend = ask(app, "usage-trends", filter, &[("timezone", zone.name()), ("granularity", "hour")]).await;
    checks::check_hours(&trend, rows, filter, zone);
}

/// Windows and filters that cut the log of a release in several ways.
pub fn questions(log: &Log, dice: &mut Dice) -> Vec<Filter> {
    let mut questions = vec![Filter::default()];
    for turn in 0..10 {
        let row = dice.pick(&log.rows);
        let mut filter = Filter::default();
        let name = |value: &Option<String>| Some(value.clone().unwrap_or_else(|| "unknown".to_owned()));
        match turn % 5 {
            0 => filter.agent_name = name(&row.agent),
            1 => filter.user_id = name(&row.user),
            2 => filter.model = name(&row.group),
            3 => filter.model.clone_from(&row.model),
            _ => filter.team_id.clone_from(&row.team),
        }
        let (one, other) = (dice.pick(&log.rows).started, dice.pick(&log.rows).started);
        if turn > 3 && one != other {
            (filter.start, filter.end) = (Some(one.min(other)), Some(one.max(other)));
        }
        questions.push(filter);
    }
    for names in
        [&["end_user"][..], &["tag", "provider"], &["key"], &["provider"], &["session_id"], &["key", "agent_name"]]
    {
        let mut filter = Filter::default();
        for name in names {
            // One value, or two.
            filter.more.push((name, value_of(dice.pick(&log.rows), name)));
            if questions.len() % 2 == 0 {
                filter.more.push((name, value_of(dice.pick(&log.rows), name)));
            }
        }
        questions.push(filter);
    }
    questions
}

#[tokio::test]
async fn overview_models_and_agents_say_what_a_look_at_every_row_says() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        for filter in questions(log, &mut Dice(7)) {
            check_all(&app, log, &filter).await;
        }
    }
}

#[tokio::test]
async fn every_breakdown_says_what_a_look_at_every_row_says() {
    for release in Release::ALL {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        let mut starts: Vec<_> = log.rows.iter().map(|row| row.started).collect();
        starts.sort_unstable();
        let half = Filter { end: Some(starts[starts.len() / 2]), ..Filter::default() };
        for dimension in DIMENSIONS {
            for filter in [Filter::default(), half.clone()] {
                check_breakdown(&app, &log.matching(&filter), &filter, dimension).await;
            }
        }
        let filter = Filter { user_id: Some("alice".to_owned()), ..Filter::default() };
        for dimension in ["tag", "end_user"] {
            check_breakdown(&app, &log.matching(&filter), &filter, dimension).await;
        }
    }
}

#[tokio::test]
async fn trends_by_day_and_hour_follow_the_clock_of_the_zone() {
    let zones = [Tz::UTC, Tz::Asia__Kolkata, Tz::America__New_York, Tz::Australia__Lord_Howe];
    for release in [Release::V1_80_0, Release::V1_109_1] {
        let (log, app) = (Log::of(release), App::of_release(release).await);
        let first = log.rows.iter().map(|row| row.started).min().expect("rows");
        for (turn, zone) in zones.into_iter().enumerate() {
            let start = first + TimeDelta::minutes(50 * turn as i64);
            let window =
                |hours| Filter { start: Some(start), end: Some(start + TimeDelta::hours(hours)), ..Filter::default() };
            let (days, hours) = (window(24 * 13), window(31));
            check_days(&app, &log.matching(&days), &days, zone).await;
            check_hours(&app, &log.matching(&hours), &hours, zone).await;
        }
    }
}

#[tokio::test]
async fn labels_of_teams_and_keys_are_their_aliases() {
    let app = App::of_release(Release::V1_109_1).await;
    for (dimension, table, key, alias) in [
        ("team", "LiteLLM_TeamTable", "team_id", "team_alias"),
        ("key", "LiteLLM_VerificationToken", "token", "key_alias"),
    ] {
        let known = tests::rows::of_table(Release::V1_109_1, table);
        let list = ask(&app, "cost-breakdown", &Filter::default(), &[("group_by", dimension)]).await;
        let list = list.as_array().expect("a list");
        for share in list {
            let row = known.iter().find(|row| row[key] == share["category"]);
            let expected = row.and_then(|row| tests::rows::text(row, alias));
            assert_eq!(share["label"].as_str(), expected, "{share}");
        }
        assert!(list.iter().any(|share| share["label"].is_string()), "{dimension} has labels");
    }
}

#[tokio::test]
async fn an_empty_window_is_zeros_and_empty_lists() {
    let app = App::of_release(Release::V1_80_0).await;
    let time = |text: &str| Some(text.parse().expect("a time"));
    let filter = Filter { start: time("2024-01-01T00:00:00Z"), end: time("2024-01-03T00:00:00Z"), ..Filter::default() };
    assert_same(&ask(&app, "overview", &filter, &[]).await, &expected::overview(&[]), "overview");
    for endpoint in ["models", "agents"] {
        assert_eq!(ask(&app, endpoint, &filter, &[]).await, Value::Array(Vec::new()), "{endpoint}");
    }
    for dimension in DIMENSIONS {
        let list = ask(&app, "cost-breakdown", &filter, &[("group_by", dimension)]).await;
        assert_eq!(list, Value::Array(Vec::new()), "{dimension}");
    }
    check_days(&app, &[], &filter, Tz::UTC).await;
    check_hours(&app, &[], &filter, Tz::UTC).await;
}
