//! What stands out in a session.

use std::collections::HashMap;

use serde::Serialize;
use traceability_content::Call;
use traceability_queries::sessions::StepRow;
use traceability_steps::{idle_gaps, repeated_percent, seconds};
use utoipa::ToSchema;

use super::outlines::Outlines;
use super::totals::spans;

/// Five minutes, in microseconds: from then on nobody waits for an answer, but goes away.
const IDLE: i64 = 300_000_000;
/// How many repeated calls are listed.
const MOST_REPEATED: usize = 100;

/// What stands out in the steps. A step is its place in the columns, from 0.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// How many requests failed.
    failures: usize,
    /// The first of them.
    #[schema(required = true)]
    first_failure: Option<usize>,
    /// The times of five minutes and more in which no request was being answered.
    idle_gaps: Vec<Idle>,
    /// The calls of tools that were made more than once with equal arguments, most often first, 100 at most; null without
    /// `content=summary`. They are of the first `content_steps` requests.
    #[schema(required = true)]
    repeated_calls: Option<Vec<RepeatedCall>>,
    /// How many in 100 prompt tokens the session had sent or received before, over the requests of which that is known.
    #[schema(required = true)]
    repeated_prompt_percent: Option<f64>,
    /// The first of the requests that cost the most; null if none cost anything.
    #[schema(required = true)]
    most_expensive_step: Option<usize>,
}

/// A time in which no request was being answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Idle {
    /// The step whose response was complete last before it.
    after_step: usize,
    /// How long it was.
    seconds: f64,
}

/// A call of a tool that was made more than once with equal arguments.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RepeatedCall {
    /// The tool's name.
    tool: String,
    /// A short hash of the arguments; null for calls without any.
    #[schema(required = true)]
    arguments_hash: Option<String>,
    /// How often it was called.
    count: usize,
    /// The first request whose response made the call.
    first_step: usize,
    /// The last one.
    last_step: usize,
}

impl Verdict {
    /// What stands out in these requests, which are in the order of their start.
    pub fn of(rows: &[StepRow], repeated_tokens: &[Option<i64>], outlines: Option<&Outlines>) -> Self {
        let failed = || rows.iter().enumerate().filter(|(_, row)| row.status == "failure").map(|(step, _)| step);
        let gaps = idle_gaps(&spans(rows), IDLE).into_iter();
        let costs = rows.iter().enumerate().filter(|(_, row)| row.cost > 0.0);
        // The first of several: the last in this order is the largest.
        let most = costs.rev().max_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost));
        let prompts = rows.iter().map(|row| row.prompt_tokens).zip(repeated_tokens.iter().copied());
        Self {
            failures: failed().count(),
            first_failure: failed().next(),
            idle_gaps: gaps.map(|gap| Idle { after_step: gap.after_step, seconds: seconds(gap.length) }).collect(),
            repeated_calls: outlines.map(|outlines| repeated_calls(&outlines.calls)),
            repeated_prompt_percent: repeated_percent(prompts),
            most_expensive_step: most.map(|(step, _)| step),
        }
    }
}

fn repeated_calls(calls: &[(usize, Call)]) -> Vec<RepeatedCall> {
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut repeated: Vec<RepeatedCall> = Vec::new();
    for (step, call) in calls {
        let place = *places.entry(call.identity).or_insert(repeated.len());
        if place == repeated.len() {
            let (tool, arguments_hash) = (call.tool.clone(), call.arguments_hash.clone());
            repeated.push(RepeatedCall { tool, arguments_hash, count: 0, first_step: *step, last_step: *step });
        }
        repeated[place].count += 1;
        repeated[place].last_step = *step;
    }
    repeated.retain(|call| call.count > 1);
    repeated.sort_by_key(|call| (std::cmp::Reverse(call.count), call.first_step));
    repeated.truncate(MOST_REPEATED);
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_repeated_from_the_second_time_on() {
        let call = |identity: u64| Call { tool: format!("tool {identity}"), identity, arguments_hash: None };
        let calls = [(0, 1), (0, 2), (3, 2), (4, 3), (5, 2), (6, 3)].map(|(step, identity)| (step, call(identity)));
        let repeated = |identity, count, first_step, last_step| RepeatedCall {
            tool: format!("tool {identity}"),
            arguments_hash: None,
            count,
            first_step,
            last_step,
        };
        assert_eq!(repeated_calls(&calls), [repeated(2, 3, 0, 5), repeated(3, 2, 4, 6)]);
    }
}
