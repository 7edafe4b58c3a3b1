//! Whatever is asked, the answer is never an internal error, and what is no answer is a problem document.

use local::fixtures::Release;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tests::endpoints::{self, Endpoint};
use tests::{Answer, App, encode};

const CASES: u32 = 400;

/// A text as a client might send it: what is near to right, what is near to wrong, and anything at all.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "1",
        "0",
        "-1",
        "50",
        "1000",
        "99999999999",
        "0.001",
        "1e308",
        "NaN",
        "true",
        "false",
        "success",
        "failure",
        "cost",
        "start",
        "asc",
        "desc",
        "hour",
        "day",
        "model",
        "tag",
        "agent",
        "key",
        "gpt-4o",
        "unknown",
        "default",
        "alice",
        "2025-11-01",
        "2025-11-30",
        "2025-11-20T10:00:00+02:00",
        "9999-12-31",
        "1970-01-01",
        "UTC",
        "Europe/Berlin",
        "America/Santiago",
        "Pacific/Apia",
        "",
        "null",
        "'",
        "\"",
        "\\",
        "%",
        "{}",
        "[]",
        "\u{0}",
        "\u{fffd}",
    ];
    prop_oneof![
        6 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => any::<String>().prop_map(|text| format!("{text}\u{0}")),
        1 => "[0-9]{1,20}",
        1 => "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?)?",
        1 => "1[A-Za-z0-9_-]{0,80}",
    ]
}

/// JSON that might be a field's value.
fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        8 => value().prop_map(serde_json::Value::from),
        1 => any::<f64>().prop_map(serde_json::Value::from),
        1 => any::<i64>().prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
    ]
    .boxed();
    let nested = scalar.clone().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![6 => scalar, 1 => nested]
}

/// How often a question is asked that the database had no time for.
const ATTEMPTS: usize = 10;

fn run<S: Strategy>(strategy: &S, mut ask: impl AsyncFnMut(S::Value) -> Answer)
where
    S::Value: Clone,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    // The closure of a runner cannot be changed by it, but what it asks may keep its connection.
    let ask = std::cell::RefCell::new(&mut ask);
    let checked = TestRunner::new(config).run(strategy, |input| {
        let mut ask = ask.borrow_mut();
        let mut answer = runtime.block_on((*ask)(input.clone()));
        // 503 and 504 are right answers of a machine that is busy with the other tests. A fault stays one.
        for _ in 1..ATTEMPTS {
            if !matches!(answer.status.as_u16(), 503 | 504) {
                break;
            }
            answer = runtime.block_on((*ask)(input.clone()));
        }
        let status = answer.status.as_u16();
        prop_assert!(status < 500, "{}", answer.text);
        if status >= 400 {
            let _ = answer.problem(status);
        }
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

/// The API, made when the first question comes: its connection belongs to the runtime that asks.
async fn app(kept: &mut Option<App>) -> App {
    if kept.is_none() {
        *kept = Some(App::of_release(Release::V1_80_0).await);
    }
    kept.clone().expect("it is kept")
}

#[test]
fn any_query_and_any_id_have_an_answer_or_a_problem() {
    let endpoints: Vec<Endpoint> =
        endpoints::all().into_iter().filter(|endpoint| endpoint.method == http::Method::GET).collect();
    let names: Vec<String> = endpoints.iter().flat_map(|endpoint| endpoint.query.clone()).collect();
    let name =
        prop_oneof![8 => any::<prop::sample::Index>().prop_map(move |at| at.get(&names).clone()), 1 => any::<String>()];
    // Mostly of the endpoint's own parameters: what is unknown is refused before anything else is looked at.
    let own = vec((any::<prop::sample::Index>(), value()), 0..4);
    let input = (any::<prop::sample::Index>(), value(), own, vec((name, value()), 0..2), any::<bool>());
    let mut kept = None;
    run(&input, async |(at, id, own, others, strict)| {
        let endpoint = at.get(&endpoints);
        let own = own.into_iter().filter(|_| !endpoint.query.is_empty());
        let mut pairs: Vec<(String, String)> =
            own.map(|(at, value)| (at.get(&endpoint.query).clone(), value)).collect();
        pairs.dedup_by(|a, b| a.0 == b.0);
        if !strict {
            pairs.extend(others);
        }
        let query: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let target = format!("{}?{}", endpoint.with_id(&id), query.join("&"));
        app(&mut kept).await.get(&target).await
    });
}

#[test]
fn any_body_has_an_answer_or_a_problem() {
    let document = endpoints::document();
    let fields = document["components"]["schemas"]["SessionFilters"]["properties"].as_object().expect("fields");
    let fields: Vec<String> = fields.keys().cloned().collect();
    let name = prop_oneof![12 => proptest::sample::select(fields), 1 => any::<String>()];
    let object = proptest::collection::btree_map(name, json_value(), 0..3)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()).to_string());
    let body = prop_oneof![6 => object, 1 => json_value().prop_map(|value| value.to_string()), 1 => any::<String>()];
    let mut kept = None;
    run(&body, async |body| {
        let app = app(&mut kept).await;
        app.post_text("/api/v1/sessions/search", &body, Some("application/json")).await
    });
}
