//! The SQL that finds tool calls, made of the tables in [`traceability_content::calls`].
//!
//! Paths are strict, and each step is guarded by a filter: a lax path looks into lists where the reader of messages expects
//! an object, and an unguarded strict one gives up at the first message that lacks a key.

use traceability_content::calls::{
    BLOCK_KEYS, BLOCK_TYPES, EVENT_CLASSES, EVENT_LISTS, EVENT_TYPE, EventClass, Form, ITEM_SUFFIX, NAMES, Place,
    SHAPES, Shape, Step, Test,
};

/// SQL of whether the response in the column `r` has one of the shapes that hold calls.
pub(super) fn has_shape(r: &str) -> String {
    let tests: Vec<String> = SHAPES.iter().flat_map(|(_, tests)| tests.iter().map(|test| predicate(*test))).collect();
    holds(r, &tests)
}

/// SQL of whether the response has this shape, of which an earlier one may hold as well.
pub(super) fn is_shape(r: &str, shape: Shape) -> String {
    let (_, tests) = SHAPES[shape as usize];
    let tests: Vec<String> = tests.iter().map(|test| predicate(*test)).collect();
    let condition = holds(r, &tests);
    if shape == Shape::Events {
        return format!("({condition} OR jsonb_typeof({r}) = 'array' AND {})", are_events(r));
    }
    condition
}

/// SQL of a value by shape: `of` gives it for each of these, `other` is that of responses of none.
pub(super) fn by_shape(r: &str, shapes: &[Shape], of: impl Fn(Shape) -> String, other: &str) -> String {
    let branches: Vec<String> =
        shapes.iter().map(|shape| format!(" WHEN {} THEN {}", is_shape(r, *shape), of(*shape))).collect();
    format!("CASE{} ELSE {other} END", branches.concat())
}

/// SQL of whether there may be a call in a response of this shape: one look at it, at what [`count`] goes through.
pub(super) fn may_call(r: &str, shape: Shape) -> String {
    let places = shape.places();
    let shared = |length: usize| {
        let prefix = &places[0].0[..length];
        places.iter().all(|(steps, _)| steps.len() > length && steps.starts_with(prefix))
    };
    let length = (0..=places[0].0.len()).rev().find(|length| shared(*length)).unwrap_or_default();
    let filled = |(steps, _): &Place| {
        let keys = steps[length..].iter().map(|(Step::Object(key) | Step::List(key))| *key);
        let path = keys.collect::<Vec<_>>().join(".");
        match steps.last() {
            Some(Step::List(_)) => format!("@.{path}.size() > 0"),
            Some(Step::Object(_)) | None => format!("@.{path}.type() == \"object\""),
        }
    };
    let any: Vec<String> = places.iter().map(filled).collect();
    format!("{r} @? 'strict {} ? ({})'", walk(&places[0].0[..length]), any.join(" || "))
}

fn holds(r: &str, tests: &[String]) -> String {
    format!("{r} @? 'strict $ ? ({})'", tests.join(" || "))
}

fn predicate(test: Test) -> String {
    let path = |keys: &[&str]| format!("@.{}", keys.join("."));
    match test {
        Test::List(keys) => format!("({0}.type() == \"array\" && {0}.size() > 0)", path(keys)),
        Test::Object(keys) => format!("{}.type() == \"object\"", path(keys)),
        Test::Text(keys) => format!("({0}.type() == \"string\" && {0} != \"\")", path(keys)),
        Test::Events(key) => format!("(@.{key}.type() == \"array\" && exists(@.{key}[*] ? ({})))", is_event()),
    }
}

/// SQL of whether a list has events.
pub(super) fn are_events(list: &str) -> String {
    format!("{list} @? 'strict $[*] ? ({})'", is_event())
}

fn is_event() -> String {
    format!("@.type like_regex \"{EVENT_TYPE}\"")
}

/// SQL of the number of calls in a response of this shape.
pub(super) fn count(r: &str, shape: Shape) -> String {
    let counts: Vec<String> = lists(r, shape).iter().map(|list| format!("jsonb_array_length({list})")).collect();
    let counts = counts.join(" + ");
    if shape == Shape::Events {
        format!("COALESCE(NULLIF({counts}, 0), jsonb_array_length({}))", noted(r))
    } else {
        counts
    }
}

/// SQL of a list of the calls in a response of this shape.
pub(super) fn list(r: &str, shape: Shape) -> String {
    let lists = lists(r, shape).join(" || ");
    if shape == Shape::Events { format!("COALESCE(NULLIF({lists}, '[]'), {})", noted(r)) } else { lists }
}

fn lists(r: &str, shape: Shape) -> Vec<String> {
    if shape == Shape::Events {
        let events = event_list(r);
        return event_calls().iter().map(|path| at(&events, path)).collect();
    }
    let places = shape.places();
    (0..places.len()).map(|index| at(r, &format!("strict {}", calls(places, index)))).collect()
}

/// What LiteLLM itself noted of a realtime session, for where the events do not have it.
fn noted(r: &str) -> String {
    let places = Shape::Bare.places();
    at(r, &format!("strict {}", calls(places, 0)))
}

fn at(json: &str, path: &str) -> String {
    format!("jsonb_path_query_array({json}, '{path}')")
}

/// SQL of the name of a call; NULL if it has none.
pub(super) fn name(call: &str) -> String {
    let names: Vec<String> = NAMES
        .iter()
        .map(|path| {
            let path = format!("$.{} ? (@.type() == \"string\" && @ != \"\")", path.join("."));
            format!("jsonb_path_query_first({call}, '{path}') #>> '{{}}'")
        })
        .collect();
    let suffix = ITEM_SUFFIX.len();
    format!(
        "COALESCE({}, NULLIF(CASE WHEN {call} ->> 'type' LIKE '%\\{ITEM_SUFFIX}' THEN left({call} ->> 'type', -{suffix}) END, ''))",
        names.join(", ")
    )
}

/// The path to the calls in one of these places.
fn calls(places: &[Place], index: usize) -> String {
    let (steps, form) = places[index];
    let found = walk(steps);
    match form {
        Form::Function => found,
        Form::Tool => format!("{found} ? (@.type() == \"object\")"),
        Form::Block => format!("{found} ? ({})", is_call_block()),
        Form::Item => format!("{found} ? ({})", is_call_item()),
        Form::Copy => {
            let earlier = places[..index].iter().map(|(steps, _)| ids(&walk(steps)));
            format!("{found} ? (@.type() == \"object\"{})", unless_in(earlier))
        }
    }
}

fn walk(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Object(key) => format!(" ? (@.{key}.type() == \"object\").{key}"),
        Step::List(key) => format!(" ? (@.{key}.type() == \"array\").{key}[*]"),
    };
    format!("${}", steps.iter().map(step).collect::<String>())
}

fn ids(path: &str) -> String {
    format!("{path} ? (@.id.type() == \"string\").id")
}

/// The rest of a filter: no id of these paths is the item's.
fn unless_in(paths: impl Iterator<Item = String>) -> String {
    // A comparison with an id that is missing is neither true nor false, but does not exist.
    let rest: Vec<String> = paths.map(|path| format!(" && !(exists(@ ? (@.id == {path})))")).collect();
    rest.concat()
}

fn is_call_block() -> String {
    let keys: Vec<String> = BLOCK_KEYS.iter().map(|key| format!("@.{key}.type() == \"object\"")).collect();
    format!("@.type like_regex \"{BLOCK_TYPES}\" || {}", keys.join(" || "))
}

fn is_call_item() -> String {
    format!("@.type like_regex \"{ITEM_SUFFIX}$\"")
}

/// SQL of the list of events of a response.
fn event_list(r: &str) -> String {
    let keys: Vec<String> = EVENT_LISTS.iter().map(|key| format!("@.key == \"{key}\"")).collect();
    format!(
        "CASE jsonb_typeof({r}) WHEN 'array' THEN {r} ELSE jsonb_path_query_first({r}, 'strict $.keyvalue() ? \
         (({}) && @.value.type() == \"array\" && exists(@.value[*] ? ({}))).value') END",
        keys.join(" || "),
        is_event()
    )
}

/// The paths to the calls in a list of events, by class; each leaves out the items that an earlier one has.
fn event_calls() -> Vec<String> {
    let items = |(class, pattern): (EventClass, &str)| {
        let of_class = format!("@.type like_regex \"{pattern}\"");
        match class {
            EventClass::Finished => {
                format!("$[*] ? ({of_class} && @.response.output.type() == \"array\").response.output[*]")
            }
            EventClass::Done | EventClass::Added => {
                format!("$[*] ? ({of_class} && @.item.type() == \"object\").item")
            }
        }
    };
    let items = EVENT_CLASSES.map(items);
    let calls = |index: usize| {
        let earlier = items[..index].iter().map(|path| ids(path));
        format!("strict {} ? ({}{})", items[index], is_call_item(), unless_in(earlier))
    };
    (0..items.len()).map(calls).collect()
}
