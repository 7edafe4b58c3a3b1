//! Where a canary may not sing, in whatever wrapping.

use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::super::Disclosure;
use super::super::redaction::Redaction;
use super::{RowKeys, without_headers};

const CANARY: &str = "corp-session-2f9b7c1d5e";

#[expect(clippy::unnecessary_wraps, reason = "any column may be null")]
fn raw(value: &Value) -> Option<Box<RawValue>> {
    Some(to_raw_value(value).expect("a value is JSON"))
}

fn keys(keys: &[&str]) -> RowKeys {
    RowKeys(keys.iter().map(|key| (*key).to_owned()).collect())
}

fn shown(metadata: &Value, own: &[&str]) -> Value {
    let none = Redaction::none();
    let shown = Disclosure::Content(&none).metadata(raw(metadata), &keys(own)).expect("metadata");
    let withheld = Disclosure::Withheld.metadata(raw(metadata), &keys(own));
    assert!(!withheld.is_some_and(|json| json.get().contains(CANARY)), "{metadata}");
    serde_json::from_str(shown.get()).expect("JSON")
}

#[test]
fn what_is_under_the_name_of_a_credential_is_hashed() {
    let hash = "0a".repeat(32);
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        shown(
            &json!({
                "user_api_key": "abc", "a": [{"X-Api-Key": "abc", "token": hash, "refreshToken": null, "password": "REDACTED_BY_LITELM"}],
                "text": "{\"cookie\": \"abc\"}", "credentials": {"deep": ["abc"]}, "input_cost_per_token": 0.5, "user_api_key_alias": "abc",
                "api_key": "litellm_proxy_master_key", "used_client_oauth_token": true,
            }),
            &[]
        ),
        json!({
            "user_api_key": sha256, "a": [{"X-Api-Key": sha256, "token": hash, "refreshToken": null, "password": "REDACTED_BY_LITELM"}],
            "text": format!("{{\"cookie\":\"{sha256}\"}}"), "credentials": {"deep": [sha256]}, "input_cost_per_token": 0.5,
            "user_api_key_alias": "abc", "api_key": "litellm_proxy_master_key", "used_client_oauth_token": true,
        })
    );
}

#[test]
fn headers_are_left_out() {
    let headers = json!({"host": "a", "authorization": format!("Bearer {CANARY}")});
    let metadata = json!({
        "headers": headers, "requester_custom_headers": headers, "a": [{"extra_headers": headers, "b": 1}],
        "text": json!({"headers": headers, "b": 1}).to_string(), "user_api_key_auth": {"key": CANARY}, "secret_fields": headers,
        "error_information": {"error_message": format!("refused {CANARY}")},
    });
    assert_eq!(
        shown(&metadata, &[]),
        json!({"a": [{"b": 1}], "text": "{\"b\":1}", "error_information": {"error_message": "refused masked"}})
    );
}

#[test]
fn the_keys_of_the_row_are_masked_in_its_texts() {
    let hash = "0a".repeat(32);
    for (text, masked) in [
        (
            format!("Invalid model name passed in for key {CANARY}"),
            "Invalid model name passed in for key masked".into(),
        ),
        (format!("Key Hash (Token) ={hash}. x"), "Key Hash (Token) =masked. x".into()),
        ("the word abcd of abcdef, by a".into(), "the word masked of abcdef, by a".into()),
        ("a \"b c\\\\d\"".into(), "a masked".to_owned()),
    ] {
        let own = [CANARY, &hash, "abcd", "a", "\"b c\\\\d\"", "litellm_proxy_master_key"];
        assert_eq!(
            shown(&json!({"error_information": {"traceback": text}}), &own)["error_information"]["traceback"],
            masked
        );
    }
}

#[test]
fn texts_lose_what_looks_like_a_credential() {
    for (text, masked) in [
        ("Received key sk-live-9d8c7b6a5f4e3d2c1b0a.", "Received key masked."),
        ("{'Authorization': 'Bearer abc'}", "{'Authorization': 'masked'}"),
        ("Bearer 0123456789abcdef", "Bearer masked"),
        ("headers={'host': 'h', 'x': ['}']} and", "headers=masked and"),
        ("Headers({'a': 'b'}) extra_headers: [('x', 'y'", "Headers({'a': 'b'}) extra_headers: masked"),
        ("{\\\"headers\\\": {\\\"cookie\\\": \\\"sid\\\"}, \\\"b\\\": 1}", "{\\\"headers\\\": masked, \\\"b\\\": 1}"),
        ("Set-Cookie: sid=a b; Path=/\nnext", "Set-Cookie: masked\nnext"),
        ("virtual key: k1k2k3k4", "virtual key: masked"),
        ("https://u:pass@h", "https://u:masked@h"),
    ] {
        assert_eq!(shown(&json!({"m": text}), &[])["m"], masked);
    }
    for text in [
        "Budget has been exceeded! Key=tiny-budget (sk-...ar3A) Current cost: 0.00016",
        "Rate limit: tokens per min (TPM): Limit 30000, Used 29980, token: 1200",
        "Traceback (most recent call last):\n  File \"/a/b.py\", line 3, in f\n    api_key=api_key, headers={\"a\": b},\nKeyError",
    ] {
        assert_eq!(shown(&json!({"m": text}), &[])["m"], text);
    }
}

#[test]
fn hostile_metadata_ends() {
    let tokens: Value = (0..1_000).map(|n| (format!("{n}_token"), json!(format!("secret-{n}")))).collect();
    let _ = shown(&json!({"a": tokens}), &[CANARY]);
    for piece in
        ["headers={", "headers=[] ", "cookie=", "token: a1", "api_key:", "\\", "File \"a\", line 1\n    a\n", CANARY]
    {
        let _ = shown(&json!({"a": piece.repeat(50_000 / piece.len())}), &[CANARY]);
    }
}

#[test]
fn metadata_without_credentials_is_as_it_was_stored() {
    let none = Redaction::none();
    let stored = raw(&json!({"b": 1.0, "a": {"text": "hello"}}));
    let json = stored.as_ref().map(|stored| stored.get().to_owned());
    let shown = Disclosure::Content(&none).metadata(stored, &keys(&["k1k2k3k4"]));
    assert_eq!(shown.map(|shown| shown.get().to_owned()), json);
}

#[test]
fn responses_lose_the_headers_beside_their_content() {
    let content = json!({"content": [{"type": "tool_use", "input": {"headers": {"a": 1}}}]});
    let mut stored = content.clone();
    stored["_hidden_params"] = json!({"additional_headers": {"set-cookie": CANARY}});
    stored["headers"] = json!({"authorization": CANARY});
    for stored in [stored.clone(), json!(stored.to_string()), json!({"response": stored.to_string()})] {
        let bare = without_headers(raw(&stored).expect("JSON"));
        assert!(!bare.get().contains(CANARY) && bare.get().contains("tool_use"), "{}", bare.get());
    }
    let tools = json!({"results": [{"session": {"tools": [{"type": "mcp", "server_url": format!("https://u:{CANARY}@h/"), "headers": {"a": CANARY}}]}}]});
    assert!(!without_headers(raw(&tools).expect("JSON")).get().contains(CANARY));
    let kept = raw(&json!({"content": "of headers and tools", "tools": [{"name": "f"}], "a": 1.0})).expect("JSON");
    assert_eq!(without_headers(kept.clone()).get(), kept.get());
}

/// Wraps a value so that it stands deeper, as JSON or as a text of JSON.
fn wrapped(value: Value, wrappings: &[(u8, &str)]) -> Value {
    wrappings.iter().fold(value, |value, (kind, name)| match kind % 4 {
        0 => json!({*name: value}),
        1 => json!([1, value]),
        2 => json!({*name: value.to_string()}),
        _ => json!([{"other": "text", *name: [value]}]),
    })
}

const NAMES: &[&str] = &["spend_logs_metadata", "guardrail_information", "x", "response", "error_information", "a b"];
const SECRET_NAMES: &[&str] = &[
    "user_api_key",
    "api_key",
    "apiKey",
    "token",
    "authorization",
    "Proxy-Authorization",
    "headers",
    "cookie",
    "Set-Cookie",
    "x-api-key",
    "Ocp-Apim-Subscription-Key",
    "requester_custom_headers",
    "extra_headers",
    "client_secret",
    "aws_secret_access_key",
    "password",
    "secret_fields",
    "user_api_key_auth",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_canary_is_shown(
        name in prop::sample::select(SECRET_NAMES), secret in "[a-z]{3}[A-Za-z0-9_.\\-/+=\"' ]{8,24}[a-z0-9]",
        wrappings in prop::collection::vec((any::<u8>(), prop::sample::select(NAMES)), 0..7), list: bool, quoted: bool,
    ) {
        let held = if list { json!([secret]) } else { json!(secret) };
        let mut metadata = json!({"error_information": {"error_message": if quoted { format!("for {secret}!") } else { "no".into() }}});
        metadata["held"] = wrapped(json!({name: held}), &wrappings);
        let none = Redaction::none();
        let own = RowKeys(if quoted { vec![secret.clone()] } else { Vec::new() });
        let shown = Disclosure::Content(&none).metadata(raw(&metadata), &own).expect("metadata");
        let mut text = shown.get().to_owned();
        for _ in 0..8 {
            text = text.replace("\\\"", "\"").replace("\\\\", "\\");
        }
        prop_assert!(!text.contains(&secret), "{} in {}", secret, text);
    }
}
