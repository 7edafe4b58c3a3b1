//! What is found, what is not, and what holds for any text.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use traceability_core::environment::Environment;

use super::super::message::{Message, Source};
use super::Redaction;

fn redaction(words: &str) -> Redaction {
    let environment: Environment = [("REDACT", words)].into_iter().collect();
    Redaction::from_environment(&environment).unwrap_or_else(|error| panic!("{error}"))
}

fn with_patterns(words: &str, patterns: &str) -> Redaction {
    let environment: Environment = [("REDACT", words), ("REDACT_PATTERNS", patterns)].into_iter().collect();
    Redaction::from_environment(&environment).unwrap_or_else(|error| panic!("{error}"))
}

fn all() -> Redaction {
    with_patterns("email,card,phone,secret", r#"{"ticket": "TCK-[0-9]+"}"#)
}

fn replaced(redaction: &Redaction, text: &str) -> String {
    let mut text = text.to_owned();
    redaction.text(&mut text);
    text
}

/// Each text and what becomes of it.
fn check(words: &str, cases: &[(&str, &str)]) {
    let redaction = redaction(words);
    for (text, expected) in cases {
        assert_eq!(replaced(&redaction, text), *expected, "{text}");
    }
}

/// Texts in which nothing is found.
fn check_untouched(words: &str, texts: &[&str]) {
    let redaction = redaction(words);
    for text in texts {
        assert_eq!(replaced(&redaction, text), *text);
    }
}

#[test]
fn finds_email_addresses() {
    check(
        "email",
        &[
            ("Mail alice@example.com.", "Mail [redacted: email]."),
            ("<bob.o+tag@mail.example.co.uk>", "<[redacted: email]>"),
            ("søren@eksempel.dk,x_y@a-b.io", "[redacted: email],[redacted: email]"),
            ("mailto:a@b.museum?subject=x", "mailto:[redacted: email]?subject=x"),
        ],
    );
    check_untouched(
        "email",
        &["@alice", "user@localhost", "a @ b.com", "react@18.2.0", "@scope/pkg@1.2.3", "x@", "5@6.7"],
    );
}

#[test]
fn finds_cards() {
    check(
        "card",
        &[
            ("4111111111111111", "[redacted: card]"),
            ("Card 4111 1111 1111 1111, thanks", "Card [redacted: card], thanks"),
            ("5555-5555-5555-4444", "[redacted: card]"),
            ("Amex 3782 822463 10005", "Amex [redacted: card]"),
            ("a,4222222222222,b", "a,[redacted: card],b"),
            ("12 4111 1111 1111 1111 exp 12", "12 [redacted: card] exp 12"),
            ("it is 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "it is [redacted: card]"),
            ("4111111111111111 5555555555554444", "[redacted: card] [redacted: card]"),
            ("6304000000000000000", "[redacted: card]"),
            ("[redacted: 4111111111111111]", "[redacted: [redacted: card]]"),
        ],
    );
    check_untouched(
        "card",
        &[
            "4111111111111112",
            "41111111111111111111111",
            "4111  1111  1111  1111",
            "0.4111111111111111",
            "1763848800000",
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
            "2023-11-14 22:13:20",
            "a4d14111-1111-1111-8111-411111111111",
            "0000000000000000",
        ],
    );
}

#[test]
fn finds_phone_numbers() {
    check(
        "phone",
        &[
            ("Call +49 30 1234567 now", "Call [redacted: phone] now"),
            ("+4915112345678", "[redacted: phone]"),
            ("+1 (555) 123-4567", "[redacted: phone]"),
            ("(+49) 170 1234567", "([redacted: phone]"),
            ("0049 (0)30 / 1234567", "[redacted: phone]"),
            ("tel:+45 12 34 56 78.", "tel:[redacted: phone]."),
            ("(030) 1234-5678", "[redacted: phone]"),
            ("(555) 123-4567", "[redacted: phone]"),
            ("555-123-4567", "[redacted: phone]"),
            ("1-800-555-1234", "[redacted: phone]"),
            ("030/12345678, 0171 1234567", "[redacted: phone], [redacted: phone]"),
            ("01 23 45 67 89", "[redacted: phone]"),
            ("on 01/02/2023 030/12345678", "on 01/02/2023 [redacted: phone]"),
        ],
    );
    check_untouched(
        "phone",
        &[
            "2023-11-14",
            "2023-11-14T22:13:20.123456+00:00",
            "+2023-11-14 22:13:20 started",
            "14/11/2023 22:13",
            "01.02.2023 12:30",
            "01-02-2023 22:13:20",
            "550e8400-e29b-41d4-a716-446655440000",
            "00000000-0171-1234-5678-123456789012",
            "192.168.100.200",
            "10.0.0.1:5432",
            "1234567890",
            "0012345678",
            "-123456789",
            "1,234,567.89",
            "1 234 567,89 €",
            "EUR 12.345.678,00",
            "+10.000.000",
            "0.0012345678",
            "01-23-45-67-89-10",
            "112-1234567-1234567",
            "chatcmpl-0171-12345678",
            "1e+12345678",
            "978-3-16-148410-0",
        ],
    );
}

#[test]
fn finds_secrets() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\n-----END RSA PRIVATE KEY-----";
    check(
        "secret",
        &[
            ("use sk-proj-a1B2c3D4e5F6g7H8", "use [redacted: secret]"),
            ("sk-ant-api03-abcDEF123456-_x", "[redacted: secret]"),
            ("AKIAIOSFODNN7EXAMPLE", "[redacted: secret]"),
            ("ghp_0123456789abcdefghij0123456789abcdef", "[redacted: secret]"),
            ("github_pat_11ABCDEFG0123456789_abc", "[redacted: secret]"),
            ("xoxb-123456789012-abcdef", "[redacted: secret]"),
            ("glpat-ABCdef0123456789_-xy", "[redacted: secret]"),
            ("AIzaSyA0123456789abcdefghijklmnopqrstuv", "[redacted: secret]"),
            (jwt, "[redacted: secret]"),
            (key, "[redacted: secret]"),
            ("x -----BEGIN PRIVATE KEY-----\\nMIIE... (truncated 3 chars)", "x [redacted: secret]"),
            ("Authorization: Bearer abc123def456", "Authorization: Bearer [redacted: secret]"),
            ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted: secret]"),
            ("bearer 0123456789abcdef", "bearer [redacted: secret]"),
            ("password=hunter2&user=a", "password=[redacted: secret]&user=a"),
            (r#"x "password": "correct horse", "a": 1"#, r#"x "password": "[redacted: secret]", "a": 1"#),
            (r#"\"password\": \"a b\", \"user\": \"c\""#, r#"\"password\": \"[redacted: secret]\", \"user\": \"c\""#),
            (r#"password: str = "hunter2""#, r#"password: str = "[redacted: secret]""#),
            ("DB_PASSWORD='a b' x", "DB_PASSWORD='[redacted: secret]' x"),
            ("password: api_key: abc", "password: [redacted: secret] [redacted: secret]"),
            ("mysql --password hunter2 db", "mysql --password [redacted: secret] db"),
            ("postgres://u:p@ss@db/x", "postgres://u:[redacted: secret]@db/x"),
        ],
    );
    check_untouched(
        "secret",
        &[
            "risk-based-approach-2024",
            "sk-learn and task-0123456789",
            "the bearer certificates",
            "max_tokens=100 and valid_token = await get()",
            "token: hello",
            "PWD=/home/alice",
            "password: null",
            "password=***",
            "eyJ.x",
            "https://example.com:8080/a@b",
            "-----BEGIN CERTIFICATE-----",
        ],
    );
}

#[test]
fn reads_all_of_a_value() {
    let mut value = json!({
        "alice@example.com": {"card": 4_111_111_111_111_111_u64, "n": 42},
        "list": ["TCK-7", null, true, 1.5],
        "password": "hunter2", "apiKey": 12345, "max_tokens": 100,
        "schema": {"password": {"type": "string"}},
        "arguments": r#"{"to": "bob\u0040example.com", "password": "x"}"#,
    });
    all().value(&mut value);
    assert_eq!(
        value,
        json!({
            "[redacted: email]": {"card": "[redacted: card]", "n": 42},
            "list": ["[redacted: ticket]", null, true, 1.5],
            "password": "[redacted: secret]", "apiKey": "[redacted: secret]", "max_tokens": 100,
            "schema": {"password": {"type": "string"}},
            "arguments": r#"{"password":"[redacted: secret]","to":"[redacted: email]"}"#,
        })
    );
}

#[test]
fn keys_that_become_the_same_stay_apart() {
    let mut value = json!({"a@example.com": 1, "b@example.com": 2, "c": 3});
    all().value(&mut value);
    assert_eq!(value, json!({"[redacted: email]": 1, "[redacted: email] (2)": 2, "c": 3}));
}

#[test]
fn what_overlaps_is_replaced_as_one() {
    assert_eq!(replaced(&all(), "password=alice@example.com-and-more"), "password=[redacted: secret]");
    let own = with_patterns("email", r#"{"domain": "example\\.com", "all": "[a-z]+"}"#);
    assert_eq!(replaced(&own, "a@example.com"), "[redacted: all]");
    assert_eq!(replaced(&own, "[redacted: all]"), "[redacted: all]");
}

#[test]
fn what_a_stream_says_in_pieces_is_found() {
    let events = "data: {\"delta\":{\"text\":\"call alice@exa\"}}\n\ndata: {\"delta\":{\"text\":\"mple.com\"}}\n\ndata: [DONE]\n";
    let redacted = "data: {\"delta\":{\"text\":\"call [redacted: email]\"}}\n\ndata: {\"delta\":{\"text\":\"\"}}\n\ndata: [DONE]\n";
    assert_eq!(replaced(&all(), events), redacted);
    let untouched = events.replace('@', " at ");
    assert_eq!(replaced(&all(), &untouched), untouched);
    let mut value = json!({"logprobs": {"content": [{"token": "alice@"}, {"token": "example"}, {"token": ".com"}]}});
    all().value(&mut value);
    assert_eq!(value, json!({"logprobs": "[redacted: email]"}));
    let mut value = json!({"logprobs": {"tokens": ["Hello", " you"]}});
    all().value(&mut value);
    assert_eq!(value, json!({"logprobs": {"tokens": ["Hello", " you"]}}));
}

/// The events by which each API streams a text in two pieces.
fn events(first: &str, second: &str) -> Vec<(&'static str, Vec<Value>)> {
    let piece = |event: &dyn Fn(&str) -> Value| vec![event(first), json!({"type": "ping"}), event(second)];
    vec![
        (
            "chat",
            piece(
                &|text| json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}, "logprobs": {"content": [{"token": text}]}}]}),
            ),
        ),
        (
            "a tool of a chat",
            piece(
                &|text| json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "function": {"arguments": text}}]}}]}),
            ),
        ),
        (
            "a text completion",
            piece(&|text| json!({"object": "text_completion", "choices": [{"index": 0, "text": text}]})),
        ),
        (
            "Anthropic",
            piece(
                &|text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
            ),
        ),
        (
            "a tool of Anthropic's",
            piece(
                &|text| json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": text}}),
            ),
        ),
        (
            "thinking",
            piece(
                &|text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}}),
            ),
        ),
        ("Responses", piece(&|text| json!({"type": "response.output_text.delta", "item_id": "i", "delta": text}))),
        (
            "a tool of Responses",
            piece(&|text| json!({"type": "response.function_call_arguments.delta", "item_id": "i", "delta": text})),
        ),
        ("Gemini", piece(&|text| json!({"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}]}))),
        (
            "realtime",
            piece(
                &|text| json!({"type": "response.audio_transcript.delta", "item_id": "i", "content_index": 0, "delta": text}),
            ),
        ),
        (
            "realtime's input",
            piece(
                &|text| json!({"type": "conversation.item.input_audio_transcription.delta", "item_id": "i", "delta": text}),
            ),
        ),
    ]
}

#[test]
fn pieces_are_put_together_in_every_form_of_a_stream() {
    for (first, second) in
        [("mail alice@exam", "ple.com"), ("4111 1111", " 1111 1111"), ("{\"to\": \"alice@exam", "ple.com\"}")]
    {
        for (name, events) in events(first, second) {
            let lines: Vec<String> = events.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect();
            let python: Vec<String> = lines
                .iter()
                .map(|line| format!("'{}'", line.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")))
                .collect();
            let chunks = format!("cannot parse chunks to standard response object. Chunks=[{}]", python.join(", "));
            for form in [
                json!(events),
                json!(lines.concat()),
                json!(chunks),
                json!({"response": chunks}),
                json!(json!(events).to_string()),
            ] {
                let mut redacted = form.clone();
                all().value(&mut redacted);
                let text = redacted.to_string();
                assert!(text.contains("[redacted: "), "{name}: {text}");
                for piece in ["alice", "ple.com", "4111", "1111"] {
                    assert!(!text.contains(piece), "{name} tells {piece}: {text}");
                }
                let once = redacted.clone();
                all().value(&mut redacted);
                assert_eq!(redacted, once, "{name}");
                let mut untouched: Value =
                    serde_json::from_str(&form.to_string().replace("alice@", "al ").replace("4111 1111", "one"))
                        .expect("JSON");
                let before = untouched.clone();
                all().value(&mut untouched);
                assert_eq!(untouched, before, "{name}");
            }
            let mut messages: Vec<Message> =
                events.iter().map(|event| Message::with_raw(Source::Response, "event", event.clone())).collect();
            all().messages(&mut messages);
            let text = serde_json::to_string(&messages).expect("JSON");
            assert!(
                text.contains("[redacted: ") && !text.contains("alice") && !text.contains("1111"),
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn texts_of_different_places_are_not_put_together() {
    let mut value = json!([
        {"choices": [{"index": 0, "delta": {"content": "alice@exam"}}, {"index": 1, "delta": {"content": "x"}}]},
        {"choices": [{"index": 1, "delta": {"content": "ple.com"}}]},
        {"type": "response.output_text.delta", "item_id": "a", "delta": "bob@exam"},
        {"type": "response.output_text.delta", "item_id": "b", "delta": "ple.com"},
    ]);
    let before = value.clone();
    all().value(&mut value);
    assert_eq!(value, before);
    let mut messages = json!([{"role": "user", "content": "alice@exam"}, {"role": "user", "content": "ple.com"}]);
    let before = messages.clone();
    all().value(&mut messages);
    assert_eq!(messages, before);
}

/// What each detector finds: before it, it itself, and after it.
const EXAMPLES: &[(&str, &str, &str, &str)] = &[
    ("email", "Mail ", "alice@example.com", " now"),
    ("email", "<", "bob.o+tag@mail.example.co.uk", ">"),
    ("card", "Card ", "4111111111111111", ", thanks"),
    ("card", "Card ", "4111 1111 1111 1111", ", thanks"),
    ("card", "Card ", "5555-5555-5555-4444", ""),
    ("phone", "Call ", "+4915112345678", " now"),
    ("phone", "Call ", "+49 30 1234567", " now"),
    ("phone", "", "(555) 123-4567", ""),
    ("secret", "use ", "sk-proj-a1B2c3D4e5F6g7H8", " now"),
    ("secret", "", "AKIAIOSFODNN7EXAMPLE", ""),
    ("secret", "", "ghp_0123456789abcdefghij0123456789abcdef", ""),
    ("secret", "password: ", "hunter2-and-more", ""),
    ("secret", "Bearer ", "abc123def456", ""),
    ("ticket", "of ", "TCK-4711", ", done"),
];

/// Writes a text in another way; the number is a place in it.
type Disguise = fn(&str, usize) -> String;

/// Ways to write a text so that it looks, or is read, the same.
const DISGUISES: &[(&str, Disguise)] = &[
    ("as it is", |text, _| text.to_owned()),
    ("soft hyphen", |text, at| inserted(text, at, "\u{ad}")),
    ("zero-width space", |text, at| inserted(text, at, "\u{200b}")),
    ("zero-width joiner", |text, at| inserted(text, at, "\u{200d}")),
    ("word joiner", |text, at| inserted(text, at, "\u{2060}")),
    ("byte order mark", |text, at| inserted(text, at, "\u{feff}")),
    ("mark of direction", |text, at| inserted(text, at, "\u{202e}")),
    ("no-break space", |text, at| inserted(text, at, "\u{a0}")),
    ("narrow space", |text, at| inserted(text, at, "\u{202f}")),
    ("entity of a soft hyphen", |text, at| inserted(text, at, "&shy;")),
    ("encoded no-break space", |text, at| inserted(text, at, "%C2%A0")),
    ("between all letters", |text, _| {
        let letters: Vec<String> = text.chars().map(String::from).collect();
        letters.join("\u{200b}")
    }),
    ("no-break spaces for spaces", |text, _| text.replace(' ', "\u{a0}")),
    ("full-width", |text, _| text.chars().map(full_width).collect()),
    ("one full-width letter", |text, at| {
        text.chars().enumerate().map(|(place, letter)| if place == at { full_width(letter) } else { letter }).collect()
    }),
    ("percent", |text, _| text.replace('@', "%40").replace('.', "%2E").replace('+', "%2b").replace(' ', "%20")),
    ("all percent", |text, _| joined(text.bytes().map(|byte| format!("%{byte:02X}")))),
    ("percent twice", |text, _| joined(text.bytes().map(|byte| format!("%25{byte:02x}")))),
    ("entities", |text, _| joined(text.chars().map(|letter| format!("&#{};", u32::from(letter))))),
    ("hexadecimal entities", |text, _| joined(text.chars().map(|letter| format!("&#x{:X};", u32::from(letter))))),
    ("entities of entities", |text, _| text.replace('@', "&amp;#64;").replace('-', "&amp;#45;")),
    ("named entities", |text, _| {
        text.replace('@', "&commat;").replace('.', "&period;").replace('+', "&plus;").replace('(', "&lpar;")
    }),
    ("escapes", |text, _| joined(text.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))))),
    ("non-breaking hyphens", |text, _| text.replace('-', "\u{2011}")),
];

fn joined(pieces: impl Iterator<Item = String>) -> String {
    pieces.collect::<Vec<_>>().concat()
}

fn full_width(letter: char) -> char {
    match letter {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(letter) + 0xfee0).expect("a letter"),
        letter => letter,
    }
}

/// The text with something after this letter of it, but for the last.
fn inserted(text: &str, at: usize, what: &str) -> String {
    let at = 1 + at % (text.len() - 1);
    format!("{}{what}{}", &text[..at], &text[at..])
}

#[test]
fn no_disguise_hides_anything() {
    for (kind, before, example, after) in EXAMPLES {
        // By itself: some phone numbers are those of cards as well.
        let redaction =
            if *kind == "ticket" { with_patterns("", r#"{"ticket": "TCK-[0-9]+"}"#) } else { redaction(kind) };
        for (name, disguise) in DISGUISES {
            for at in 0..example.len() {
                let text = format!("{before}{}{after}", disguise(example, at));
                let redacted = replaced(&redaction, &text);
                let expected = format!("{before}[redacted: {kind}]{after}");
                // A no-break space may be a space, which ends a word, or nothing. What was beside it is gone, too.
                let more = redacted.starts_with(before)
                    && redacted.contains("[redacted: ")
                    && redacted.len() <= expected.len() + 1;
                let spaces = ["no-break space", "narrow space", "encoded no-break space"].contains(name);
                assert!(redacted == expected || spaces && more, "{name} at {at}: {text:?} became {redacted:?}");
            }
        }
    }
}

#[test]
fn stored_json_is_written_anew_only_if_it_changes() {
    let raw = |json: &str| RawValue::from_string(json.to_owned()).expect("this is JSON");
    for json in [r#"{ "b": 1.0,  "a": "x" }"#, "null"] {
        assert_eq!(all().raw(raw(json)).expect("JSON").get(), json);
    }
    assert_eq!(all().raw(raw(r#"{ "b": "TCK-1" }"#)).expect("JSON").get(), r#"{"b":"[redacted: ticket]"}"#);
    assert_eq!(Redaction::none().raw(raw("{ }")).expect("JSON").get(), "{ }");
}

#[test]
fn no_text_of_a_message_is_forgotten() {
    let mark = "alice@example.com";
    let mut message = Message::new(Source::Prompt, mark);
    for text in
        [&mut message.name, &mut message.text, &mut message.tool_call_id, &mut message.refusal, &mut message.reasoning]
    {
        *text = Some(mark.to_owned());
    }
    message.raw = Some(json!([mark]));
    let call = super::ToolCall::new(mark, Some(mark.to_owned()), mark.to_owned(), json!({"a": mark}));
    message.tool_calls = vec![call, super::ToolCall::new("x", None, "x".into(), Value::from(mark))];
    message.parts = vec![super::Part::new(mark, json!({"url": mark, "mime_type": mark, "name": mark}))];
    let count = |message: &Message| serde_json::to_string(message).expect("a message is JSON").matches(mark).count();
    assert_eq!(count(&message), 19);
    all().message(&mut message);
    assert_eq!(count(&message), 0);
}

#[test]
fn a_bad_setting_is_named_and_its_value_kept_back() {
    for (setting, value, told) in [
        ("REDACT", "email,hunter2", "email, card, phone and secret"),
        ("REDACT", "EMAIL", "email, card, phone and secret"),
        ("REDACT_PATTERNS", "hunter2", "JSON object"),
        ("REDACT_PATTERNS", r#"["hunter2"]"#, "JSON object"),
        ("REDACT_PATTERNS", r#"{"Hunter2": "x"}"#, "a-z"),
        ("REDACT_PATTERNS", r#"{"": "x"}"#, "a-z"),
        ("REDACT_PATTERNS", r#"{"own": 1}"#, "own must be"),
        ("REDACT_PATTERNS", r#"{"own": "(hunter2"}"#, "own must be"),
        ("REDACT_PATTERNS", r#"{"own": "(?=hunter2)x"}"#, "own must be"),
        ("REDACT_PATTERNS", r#"{"own": "\\w{1000}{100}"}"#, "own must be"),
        ("REDACT_PATTERNS", r#"{"own": "(hunter2)?"}"#, "own must not match the empty text"),
        ("REDACT_PATTERNS", r#"{"own": "\\b"}"#, "own must not match the empty text"),
    ] {
        let environment: Environment = [(setting, value)].into_iter().collect();
        let error = Redaction::from_environment(&environment).err().expect("a bad setting").to_string();
        assert!(error.contains(setting) && error.contains(told) && !error.contains("unter2"), "{error}");
    }
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("p{n}"), json!("x"))).collect();
    let environment: Environment = [("REDACT_PATTERNS", json!(many).to_string())].into_iter().collect();
    assert!(Redaction::from_environment(&environment).is_err());
}

#[test]
fn nothing_is_replaced_where_nothing_is_set() {
    let redaction = Redaction::from_environment(&Environment::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(redaction.is_none());
    assert_eq!(replaced(&redaction, "alice@example.com"), "alice@example.com");
}

/// Time that grows with the square of a text would keep this test running for hours.
#[test]
fn hostile_texts_take_linear_time() {
    for piece in [
        "password=",
        "password: ",
        "0171 123 ",
        "01 ",
        "+1",
        "sk-",
        "eyJ",
        "4111 ",
        "4",
        "a@b.",
        "://a:b",
        "-----BEGIN PRIVATE KEY-----",
        "bearer ",
        "{\"a\":",
        "[redacted: card]",
        "\\\"",
        "[",
        "data: {}\n",
        "Chunks=['",
        "\\",
        "\\u{",
        "%25",
        "&amp;",
        "&#6",
        "\u{200b}",
        "ａ＠",
        "0049",
        "(030)",
    ] {
        let _ = replaced(&all(), &piece.repeat(100_000 / piece.len()));
    }
    let addresses: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (format!("a{n}@example.com"), json!(n))).collect();
    let mut addresses = Value::Object(addresses);
    all().value(&mut addresses);
    assert_eq!(addresses.as_object().map(serde_json::Map::len), Some(20_000));
}

/// Pieces of what is looked for, and of what surrounds it.
const PIECES: &[&str] = &[
    "alice",
    "@",
    "example.com",
    ".",
    "-",
    " ",
    "4111",
    "4111111111111111",
    "1111 1111 1111",
    "+49",
    "030/",
    "(555) ",
    "123-4567",
    "0171 1234567",
    "password",
    "\"",
    "=",
    ": ",
    "hunter2",
    "sk-abc1234567",
    "Bearer ",
    "eyJhbGciOi",
    "[redacted: email]",
    "[redacted: ",
    "]",
    "://u:",
    "p@",
    "-----BEGIN PRIVATE KEY-----",
    "-----",
    "æ",
    "🙂",
    "\\",
    "\n",
    "{",
    "}",
    "TCK-12",
    "data: ",
    ",",
    "/",
    "0",
    "1",
    "\u{200b}",
    "\u{ad}",
    "\u{a0}",
    "%40",
    "&#64;",
    "&commat;",
    "＠",
    "４１１１",
    "\\u0040",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "[0-9 ()+./:-]{0,60}",
        prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_is_left_of_any_text_has_nothing_to_replace(text in any_text()) {
        let redaction = all();
        let once = replaced(&redaction, &text);
        prop_assert_eq!(&replaced(&redaction, &once), &once, "{:?}", text);
        prop_assert!(!has_card(&once), "{:?}", once);
    }

    // Beside a `¹`, which is read as a digit, a number is another one.
    #[test]
    fn a_card_is_found_wherever_it_stands(before in r"\PN{0,10}", after in r"\PN{0,10}", digits in "[2-6][0-9]{14}", dashes: bool) {
        let card = with_check_digit(&digits);
        let card = if dashes { format!("{}-{}-{}-{}", &card[..4], &card[4..8], &card[8..12], &card[12..]) } else { card };
        let redacted = replaced(&redaction("card"), &format!("{before}{card}{after}"));
        prop_assert_eq!(redacted, format!("{before}[redacted: card]{after}"));
    }
}

fn with_check_digit(digits: &str) -> String {
    let numbers = ('0'..='9').map(|check| format!("{digits}{check}"));
    let valid = |number: &String| luhn(number.as_bytes());
    numbers.into_iter().find(valid).expect("one of ten is valid")
}

fn luhn(digits: &[u8]) -> bool {
    let double = |n: u8| if n > 4 { 2 * n - 9 } else { 2 * n };
    let value = |(index, byte): (usize, &u8)| u32::from(if index % 2 == 1 { double(byte - b'0') } else { byte - b'0' });
    digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

/// Whether a text has a card's number in one group of digits.
fn has_card(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let decimals = at > 1 && bytes[at - 1] == b'.' && (bytes[at - 2].is_ascii_digit() || bytes[at - 2] == b']');
        let scheme = !matches!(bytes[at], b'0' | b'1' | b'7');
        if (13..=19).contains(&(end - at)) && scheme && !decimals && luhn(&bytes[at..end]) {
            return true;
        }
        at = end + 1;
    }
    false
}
