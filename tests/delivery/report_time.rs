//! The times of reports: whole days, weeks and months of a zone, whatever its clocks do; and times in which nothing happened.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::expected::report::{money, report};
use tests::expected::{Filter, Money};
use tests::made;
use tests::{App, Database};

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A request every half hour from one time to another.
async fn half_hours(name: &str, from: &str, until: &str) -> Arc<Database> {
    let (mut start, mut rows) = (instant(from), Vec::new());
    while start < instant(until) {
        let id = format!("r{}", start.timestamp());
        rows.push(made::row(&id, start, json!({"spend": 0.01})));
        start += TimeDelta::minutes(30);
    }
    made::database(name, &rows).await
}

async fn day(app: &App, day: &str, zone: &str) -> Value {
    report(app, &Filter::default(), &[("period", "day"), ("start_date", day), ("timezone", zone)]).await
}

#[tokio::test]
async fn days_are_as_long_as_the_clocks_make_them() {
    let spring = half_hours("report_spring", "2026-03-01T00:00:00Z", "2026-04-12T00:00:00Z").await;
    let autumn = half_hours("report_autumn", "2026-09-20T00:00:00Z", "2026-11-08T00:00:00Z").await;
    let spring = App::over(spring, instant("2026-05-01T00:00:00Z"), &[]);
    let autumn = App::over(autumn, instant("2026-12-01T00:00:00Z"), &[]);
    for (app, date, zone, half_hours) in [
        (&spring, "2026-03-29", "Europe/Berlin", 46),
        (&spring, "2026-03-08", "America/New_York", 46),
        (&spring, "2026-04-05", "Australia/Lord_Howe", 49),
        (&autumn, "2026-10-25", "Europe/Berlin", 50),
        (&autumn, "2026-11-01", "America/New_York", 50),
        (&autumn, "2026-10-04", "Australia/Lord_Howe", 47),
        (&autumn, "2026-10-24", "Europe/Berlin", 48),
    ] {
        let report = day(app, date, zone).await;
        assert_eq!(report["totals"]["requests"], half_hours, "{date} {zone}");
        assert_eq!(report["days"].as_array().expect("days").len(), 1, "{date} {zone}");
        assert_eq!(report["days"][0]["day"], date);
        assert_eq!(money(&report["totals"]["spend"]).units(), Money::of(0.01).units() * i128::from(half_hours));
        let (start, end) =
            (instant(report["start"].as_str().expect("a time")), instant(report["end"].as_str().expect("a time")));
        assert_eq!((end - start).num_minutes(), half_hours * 30);
        // A day whose clocks change costs more or less, but not unusually so.
        assert_eq!(report["anomalies"]["found"], json!([]), "{date} {zone}");
    }
}

#[tokio::test]
async fn months_have_28_to_31_days_and_are_compared_whole() {
    let database = half_hours("report_months", "2027-11-30T00:00:00Z", "2028-04-02T00:00:00Z").await;
    let app = App::over(database, instant("2028-04-02T00:00:00Z"), &[]);
    for (month, days) in [("2027-12", 31), ("2028-01", 31), ("2028-02", 29), ("2028-03", 31)] {
        let date = format!("{month}-17");
        let report = report(&app, &Filter::default(), &[("period", "month"), ("start_date", &date)]).await;
        assert_eq!((&report["label"], &report["period"]), (&json!(month), &json!("month")));
        assert_eq!(report["days"].as_array().expect("days").len(), days);
        assert_eq!(report["totals"]["requests"], days * 48);
        assert_eq!(report["forecast"]["expected"], report["totals"]["spend"]);
        // The window is the same month if asked for by its dates.
        let (start, end) = (report["start"].clone(), report["end"].clone());
        let parameters = [("start_date", start.as_str().expect("a time")), ("end_date", end.as_str().expect("a time"))];
        assert_eq!(self::report(&app, &Filter::default(), &parameters).await, report);
    }
    let february = report(&app, &Filter::default(), &[("period", "month"), ("start_date", "2028-03-01")]).await;
    let previous = &february["comparisons"][0];
    assert_eq!((&previous["label"], &previous["totals"]["requests"]), (&json!("2028-02"), &json!(29 * 48)));
    // The last whole month, without a date.
    let last = report(&app, &Filter::default(), &[("period", "month")]).await;
    assert_eq!(last["label"], "2028-03");
    let yesterday = report(&app, &Filter::default(), &[]).await;
    assert_eq!((&yesterday["label"], &yesterday["period"]), (&json!("2028-04-01"), &json!("day")));
}

/// The month ends where days like those before lead to.
#[tokio::test]
async fn the_forecast_goes_on_as_before() {
    let database = half_hours("report_forecast", "2026-09-01T00:00:00Z", "2026-11-17T00:00:00Z").await;
    let settings = [("BUDGETS", r#"{"total": 10, "team": {"unknown": 20}}"#), ("API_URL", "https://api.example.com/v")];
    let app = App::over(database, instant("2026-11-17T00:00:00Z"), &settings);
    let report = report(&app, &Filter::default(), &[("period", "week")]).await;
    assert_eq!(report["label"], "2026-W46");
    let forecast = &report["forecast"];
    // 15 days of 48 half hours so far, and as many to come.
    for (name, amount) in [("spent", "7.2"), ("expected", "14.4"), ("low", "14.4"), ("high", "14.4")] {
        assert_eq!(forecast[name], amount, "{name}");
    }
    assert_eq!((&forecast["month"], &forecast["until"]), (&json!("2026-11"), &json!("2026-11-16T00:00:00Z")));
    let [total, team] = &report["budgets"].as_array().expect("budgets")[..] else { panic!("two") };
    assert_eq!((&total["of"], &total["id"], &total["spent"]), (&json!("total"), &Value::Null, &json!("7.2")));
    assert_eq!((&total["used_percent"], &total["projected_overrun"]), (&json!(72.0), &json!("4.4")));
    assert_eq!((&team["used_percent"], &team["projected_overrun"]), (&json!(36.0), &json!("0")));
    let link = report["sessions"][0]["link"].as_str().expect("a link");
    assert!(link.starts_with("https://api.example.com/v/api/v1/sessions/r"), "{link}");

    // Who sees some rows only is told nothing of the budgets of all.
    let keys = r#"[{"name": "x", "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "scope": {"users": ["u"]}, "content": false}]"#;
    let own = app.with_access(&[("AUTH_MODE", "keys"), ("SERVICE_KEYS", keys)]).with_key("x");
    let report = self::report(&own, &Filter::default(), &[("period", "week")]).await;
    assert_eq!((&report["budgets"], &report["totals"]["requests"]), (&json!([]), &json!(0)));
}

/// One day and one agent stand out, and the report says so in words.
#[tokio::test]
async fn an_unusual_day_is_told_in_words() {
    let mut rows = Vec::new();
    for number in 1..=30u32 {
        let date = NaiveDate::from_ymd_opt(2026, 9, number).expect("a day");
        let start = date.and_hms_opt(12, 0, 0).expect("noon").and_utc();
        // 1.00 and 1.20 by turns.
        let usual = json!({"spend": 1.0 + 0.2 * f64::from(date.day() % 2), "team_id": "steady"});
        rows.push(made::row(&format!("a{number}"), start, usual));
        let metadata = json!({"agent_name": "runaway <b>"});
        let spend = if number == 30 { 7.0 } else { 0.5 };
        let odd = json!({"spend": spend, "metadata": metadata, "user": "u", "model_group": "m"});
        rows.push(made::row(&format!("b{number}"), start, odd));
    }
    let app = App::over(made::database("report_unusual", &rows).await, instant("2026-10-02T00:00:00Z"), &[]);
    let report = day(&app, "2026-09-30", "UTC").await;
    let found = report["anomalies"]["found"].as_array().expect("a list").clone();
    let texts: Vec<&str> = found.iter().map(|one| one["text"].as_str().expect("a text")).collect();
    assert_eq!(
        texts[0],
        "On 2026-09-30, all requests cost $8.00: 43.2 deviations above the usual $1.60 a day (median of 28 days; MAD $0.1000).",
        "{texts:#?}"
    );
    // Whose days were all alike before, in whichever way they are looked at.
    let alike = "On 2026-09-30, the agent runaway <b> cost $7.00; on each of the 28 days before it was $0.5000.";
    assert!(texts.contains(&alike), "{texts:#?}");
    assert!(texts.contains(&alike.replace("agent runaway <b>", "user u").as_str()), "{texts:#?}");
    assert!(texts.iter().all(|text| !text.contains("steady")), "{texts:#?}");
}

#[tokio::test]
async fn where_nothing_happened_the_report_says_so() {
    let empty = App::over(made::database("report_empty", &[]).await, instant("2026-11-17T00:00:00Z"), &[]);
    let quiet = half_hours("report_quiet", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z").await;
    let quiet = App::over(quiet, instant("2026-11-17T00:00:00Z"), &[]);
    for (app, since) in [(&empty, Value::Null), (&quiet, json!("2026-09-01T00:00:00Z"))] {
        for period in ["day", "week"] {
            for format in ["csv", "focus", "markdown", "html"] {
                let answer = app.get(&format!("/api/v1/reports/cost?period={period}&format={format}")).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            let report = report(app, &Filter::default(), &[("period", period)]).await;
            assert_eq!(report["data_since"], since);
            assert_eq!(report["totals"]["spend"], "0");
            assert_eq!(report["totals"]["requests"], 0);
            assert!(report["breakdowns"].as_array().expect("a list").iter().all(|one| one["rows"] == json!([])));
            assert_eq!((&report["sessions"], &report["anomalies"]["found"]), (&json!([]), &json!([])));
            let days = if period == "day" { 1 } else { 7 };
            assert_eq!(report["days"].as_array().expect("days").len(), days);
        }
    }
    let nobody_knows = report(&empty, &Filter::default(), &[]).await;
    assert!(nobody_knows["forecast"]["expected"].is_null(), "{}", nobody_knows["forecast"]);
    assert!(nobody_knows["comparisons"].as_array().expect("a list").iter().all(|one| one["totals"].is_null()));
}

/// What speaks against the figures, counted by hand.
#[tokio::test]
async fn data_quality_is_counted() {
    let start = instant("2026-09-10T12:00:00Z");
    let priced = json!({"spend": 0.5});
    let lost = json!({"spend": 0.0, "metadata": {"cost_breakdown": {"total_cost": 0.125}}});
    let rows = [
        made::row("priced", start, priced),
        made::row("lost", start, lost.clone()),
        made::row("free", start, json!({"spend": 0.0, "model_group": "local", "session_id": null})),
        made::row("hit", start, json!({"spend": 0.0, "cache_hit": "True", "session_id": ""})),
        made::row("failed", start, json!({"spend": 0.0, "status": "failure", "model_group": "bad"})),
        made::row("broken", start, json!({"spend": 0.0, "metadata": {"cost_breakdown": {"total_cost": "much"}}})),
        made::row("nothing", start, json!({"spend": 0.0, "total_tokens": 0, "model_group": "silent"})),
    ];
    let app = App::over(made::database("report_doubts", &rows).await, instant("2026-09-12T00:00:00Z"), &[]);
    let mut report = day(&app, "2026-09-10", "UTC").await;
    // See `data_quality`.
    for name in ["flags", "origins"] {
        report["quality"].as_object_mut().expect("an object").remove(name).expect("a field");
    }
    assert_eq!(
        report["quality"],
        json!({
            "unpriced_requests": 3, "unpriced_tokens": 45,
            "unpriced_models": [{"model": "local", "requests": 1, "total_tokens": 15}],
            "requests_without_session": 2, "requests_with_lost_cost": 1, "lost_cost": "0.125",
        })
    );
    // The one hit is worth what the model's other answered requests cost on average: 0.50 by three.
    assert_eq!(report["totals"]["cache_savings"], "0.16666667");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_can() {
    let app = App::over(made::database("report_refused", &[]).await, instant("2026-11-17T00:00:00Z"), &[]);
    for (question, parameter, allowed) in [
        ("period=year", "period", "day, week, month"),
        ("format=pdf", "format", "json, csv, focus, markdown, html"),
        ("timezone=Mars/Base", "timezone", "must be an IANA time zone"),
        ("top=0", "top", "1 to 100"),
        ("top=101", "top", "1 to 100"),
        ("period=day&end_date=2026-11-01", "period", "must not be combined with end_date"),
        ("start_date=2026-11-02&end_date=2026-11-01", "end_date", "must be after start_date"),
        ("start_date=2024-01-01&end_date=2026-01-01", "start_date", "at most 366 days"),
        ("perod=day", "perod", "did you mean period?"),
    ] {
        let problem = app.get(&format!("/api/v1/reports/cost?{question}")).await.problem(422);
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        assert!(problem["detail"].as_str().expect("a text").contains(allowed), "{question}: {problem}");
    }
}
