//! Bodies of the search: what is no JSON object of filters is refused, by name, and with what is allowed instead.

use local::fixtures::Release;
use serde_json::{Value, json};
use tests::{App, endpoints};

const SEARCH: &str = "/api/v1/sessions/search";
const JSON: Option<&str> = Some("application/json");
const MIB: usize = 1024 * 1024;

/// The fields of the filters, as the document has them.
fn fields() -> Vec<String> {
    let document = endpoints::document();
    let properties = document["components"]["schemas"]["SessionFilters"]["properties"].as_object().cloned();
    properties.expect("the filters are described").into_iter().map(|(name, _)| name).collect()
}

/// Whether a field takes several values, as the document says.
fn is_list(field: &str) -> bool {
    let document = endpoints::document();
    let schema = &document["components"]["schemas"]["SessionFilters"]["properties"][field];
    schema.to_string().contains("Texts")
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_with_the_place_where_it_ends_to_be() {
    let app = App::of_release(Release::V1_80_0).await;
    for body in [
        "",
        "agent_name=x",
        "{",
        "{}{}",
        "{\"agent_name\":}",
        "{\"min_cost\":NaN}",
        "{\"min_cost\":Infinity}",
        "{\"min_cost\":1e999}",
        "{\"agent_name\":\"\\ud800\"}",
        "{\"agent_name\":\"\\udc00x\"}",
        "{\"agent_name\":\"\u{1}\"}",
        "{'agent_name':'x'}",
        "\u{feff}{}",
        &format!("{{\"tag\":{}", "{\"a\":".repeat(100_000)),
    ] {
        let answer = app.post_text(SEARCH, body, JSON).await;
        let detail = answer.problem(400)["detail"].as_str().expect("a text").to_owned();
        assert!(detail.contains("not JSON") && detail.contains("line 1, column "), "{body:.60}: {detail}");
    }
}

#[tokio::test]
async fn json_that_is_no_object_is_refused() {
    let app = App::of_release(Release::V1_80_0).await;
    for body in ["[]", "null", "1", "true", "\"agent_name\"", "[{\"agent_name\":\"x\"}]", &"[".repeat(100_000)] {
        let problem = app.post_text(SEARCH, body, JSON).await.problem(400);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("must be a JSON object")), "{problem}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_the_known_one_that_is_nearest() {
    let app = App::of_release(Release::V1_80_0).await;
    for field in fields() {
        let misspelt = &field[..field.len() - 1];
        let answer = app.post(SEARCH, &json!({misspelt: "2025-11-01"})).await;
        assert_eq!(answer.blamed(), [misspelt]);
        assert!(answer.text.contains(&format!("did you mean {field}?")), "{misspelt}: {}", answer.text);
    }
    // The order and the page are no filters: they stand in the query.
    for field in ["limit", "offset", "cursor", "sort", "days", "", "agent_name\u{0}", "AGENT_NAME"] {
        assert_eq!(app.post(SEARCH, &json!({field: 1})).await.blamed(), [field]);
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused_by_its_fields_name() {
    let app = App::of_release(Release::V1_80_0).await;
    for field in fields() {
        // A list of values is one of the filters by name alone.
        let of_texts = (!is_list(&field)).then(|| json!(["x"]));
        for value in [json!([]), json!({}), json!({"a": "x"}), json!([[]]), json!([""])].into_iter().chain(of_texts) {
            let answer = app.post(SEARCH, &json!({&field: value})).await;
            assert_eq!(answer.blamed(), std::slice::from_ref(&field), "{field}: {value}");
        }
        let nothing = app.post(SEARCH, &json!({&field: null})).await;
        assert_eq!(nothing.status, 200, "null is no filter, as the document says of {field}: {}", nothing.text);
    }
}

#[tokio::test]
async fn a_value_that_is_not_allowed_is_refused_by_its_fields_name() {
    let app = App::of_release(Release::V1_80_0).await;
    let long = "x".repeat(10_000);
    let text = "must have 1 to 1000 characters";
    let money = "must be an amount in US dollars";
    let cases: &[(&str, Value, &str)] = &[
        ("agent_name", json!(""), text),
        ("agent_name", json!(long), text),
        ("conversation_name", json!(long), text),
        ("user_id", json!(""), text),
        ("model", json!("a\u{0}b"), "NUL"),
        ("tag", json!("\u{0}"), "NUL"),
        ("end_user", json!(long), text),
        ("team_id", json!(long), text),
        ("start_date", json!("yesterday"), "RFC 3339"),
        ("start_date", json!(20_251_101), "RFC 3339"),
        ("start_date", json!(true), "RFC 3339"),
        ("end_date", json!(long), "RFC 3339"),
        ("end_date", json!("2025-11-31"), "RFC 3339"),
        ("timezone", json!("Berlin"), "IANA"),
        ("timezone", json!(long), "IANA"),
        ("timezone", json!(1), "IANA"),
        ("min_cost", json!(-1), money),
        ("min_cost", json!(-0.01), money),
        ("min_cost", json!("NaN"), money),
        ("min_cost", json!("inf"), money),
        ("max_cost", json!("1e999"), money),
        ("max_cost", json!(true), money),
        ("model", json!(["a", ""]), text),
        ("model", json!((0..51).collect::<Vec<_>>()), "must not have more than 50 values"),
        ("model", json!([]), "must have a value"),
        ("id_prefix", json!(long), "must have 1 to 100 characters"),
        ("min_tokens", json!(0), "must be a whole number from 1"),
        ("min_duration", json!(-1), "must be a number of seconds"),
        ("min_requests", json!(0), "must be a whole number from 1"),
        ("min_requests", json!(-5), "must be a whole number from 1"),
        ("min_requests", json!(1.5), "must be a whole number from 1"),
        ("min_requests", json!(u64::MAX), "must be a whole number from 1"),
        ("has_tool_calls", json!("maybe"), "must be true or false"),
        ("has_tool_calls", json!(2), "must be true or false"),
        ("status", json!("ok"), "must be one of: success, failure"),
        ("status", json!(1), "must be one of: success, failure"),
    ];
    for (field, value, allowed) in cases {
        let answer = app.post(SEARCH, &json!({*field: value})).await;
        assert_eq!(answer.blamed(), [*field], "{field}: {value:.60}");
        assert!(answer.text.contains(allowed), "{field}: {}", answer.text);
    }
    let reversed = app.post(SEARCH, &json!({"start_date": "2025-11-02", "end_date": "2025-11-01"})).await;
    assert_eq!(reversed.blamed(), ["end_date"]);
    let contradiction = app.post(SEARCH, &json!({"min_cost": 0.5, "max_cost": "0.25"})).await;
    assert_eq!(contradiction.blamed(), ["max_cost"]);
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_too_large_and_one_of_less_is_read() {
    let app = App::of_release(Release::V1_80_0).await;
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let problem = app.post_text(SEARCH, &padded(MIB + 1), JSON).await.problem(413);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("1 MiB")), "{problem}");
    assert_eq!(app.post_text(SEARCH, &padded(MIB), JSON).await.status, 200);
}

#[tokio::test]
async fn a_large_body_of_wrong_fields_gets_a_small_answer() {
    let app = App::of_release(Release::V1_80_0).await;
    let many: serde_json::Map<String, Value> = (0..50_000).map(|number| (format!("f{number}"), json!(1))).collect();
    let answer = app.post(SEARCH, &Value::Object(many)).await;
    assert!(!answer.blamed().is_empty());
    assert!(answer.text.len() < 20_000, "{} bytes", answer.text.len());
    // Looking for what is nearest to a long text takes long.
    let answer = app.post(SEARCH, &json!({"timezone": "Europe/".repeat(100_000)})).await;
    assert_eq!(answer.blamed(), ["timezone"]);
    assert!(answer.text.len() < 2_000, "{} bytes", answer.text.len());
}

#[tokio::test]
async fn a_body_that_does_not_say_it_is_json_is_refused() {
    let app = App::of_release(Release::V1_80_0).await;
    for wrong in [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some("json"),
        Some("text/json+x"),
    ] {
        let problem = app.post_text(SEARCH, "{}", wrong).await.problem(415);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("application/json")), "{problem}");
    }
    for right in ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"]
    {
        assert_eq!(app.post_text(SEARCH, "{}", Some(right)).await.status, 200, "{right}");
    }
}

#[tokio::test]
async fn a_field_that_is_given_twice_is_refused() {
    let app = App::of_release(Release::V1_80_0).await;
    let answer = app.post_text(SEARCH, r#"{"model":"gpt-4o","tag":"x","model":"gpt-4o-mini"}"#, JSON).await;
    assert_eq!(answer.blamed(), ["model"]);
    assert!(answer.text.contains("must be given once"), "{}", answer.text);
}
