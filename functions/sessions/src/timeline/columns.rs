//! The steps of a timeline as columns, whose names stand once.

use std::collections::HashMap;

use serde::Serialize;
use traceability_content::repeats_history;
use traceability_queries::sessions::StepRow;
use traceability_steps::{Prompt, Span, lanes, repeated_tokens, seconds};
use utoipa::ToSchema;

use super::totals::spans;

/// A name by its place in `names`, from 0.
type Name = u32;

/// Names, each once.
#[derive(Default)]
pub struct Names {
    pub list: Vec<String>,
    places: HashMap<String, Name>,
}

impl Names {
    /// The name's place.
    fn place(&mut self, name: &str) -> Name {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = Name::try_from(self.list.len()).unwrap_or(Name::MAX);
        self.list.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }
}

/// The requests as columns of equal length. `model`, `model_group`, `provider`, `call_type`, `status`, `error_class`,
/// `agent_name` and `tools` refer to `names`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Columns {
    /// LiteLLM's request ids.
    request_id: Vec<String>,
    /// The ids that the proxy gave the calls (`x-litellm-call-id`); only with `call_ids=true`.
    #[schema(required = true)]
    pub call_id: Option<Vec<Option<String>>>,
    /// Seconds from the start of the session to the start of the request.
    started_after: Vec<f64>,
    /// Seconds from start to end.
    seconds: Vec<f64>,
    /// Seconds to the first token; null where the response was not streamed.
    time_to_first_token: Vec<Option<f64>>,
    /// The deployed models, as LiteLLM wrote them.
    model: Vec<Name>,
    /// The models' public names.
    model_group: Vec<Option<Name>>,
    /// The providers.
    provider: Vec<Option<Name>>,
    /// LiteLLM's call types, such as `acompletion`.
    call_type: Vec<Option<Name>>,
    /// `success` or `failure`.
    status: Vec<Name>,
    /// The classes of the errors of failed requests.
    error_class: Vec<Option<Name>>,
    /// The agents; null where nobody named one.
    agent_name: Vec<Option<Name>>,
    /// Tokens of the prompts.
    prompt_tokens: Vec<i64>,
    /// Tokens of the completions.
    completion_tokens: Vec<i64>,
    /// Prompt tokens that the provider read from its own cache; null where LiteLLM kept no usage.
    cached_tokens: Vec<Option<i64>>,
    /// Prompt tokens that the session had sent or received before, see `repeated_tokens_basis`; null where that is not known,
    /// and for calls that are no conversation.
    repeated_tokens: Vec<Option<i64>>,
    /// US dollars.
    cost: Vec<f64>,
    /// US dollars of all requests up to this one.
    running_cost: Vec<f64>,
    /// The distinct names of the called tools, as far as they are known.
    tools: Vec<Vec<Name>>,
    /// The number of tool calls, as far as they are known.
    tool_calls: Vec<i64>,
    /// Whether LiteLLM's own response cache answered.
    cache_hit: Vec<bool>,
    /// Requests that ran at the same time lie in different lanes, counted from 0.
    lane: Vec<u32>,
    /// The step whose conversation this one goes on with; null where it begins one, or where that is not known. The whole
    /// column is null without `content=summary`.
    #[schema(required = true)]
    pub parent: Option<Vec<Option<usize>>>,
    /// Whether a human spoke: the request added a message of the user; null where that is not known. The whole column is null
    /// without `content=summary`.
    #[schema(required = true)]
    pub human: Option<Vec<Option<bool>>>,
}

impl Columns {
    /// The columns of these requests, which are in the order of their start.
    pub fn of(rows: &[StepRow], repeated_tokens: Vec<Option<i64>>, names: &mut Names) -> Self {
        let start = rows.first().map(|row| row.started_at.timestamp_micros()).unwrap_or_default();
        let mut of_all = |name: fn(&StepRow) -> &str| rows.iter().map(|row| names.place(name(row))).collect::<Vec<_>>();
        let (model, status) = (of_all(|row| &row.model), of_all(|row| &row.status));
        let mut of_some = |name: fn(&StepRow) -> &Option<String>| {
            rows.iter().map(|row| name(row).as_deref().map(|name| names.place(name))).collect::<Vec<_>>()
        };
        Self {
            model_group: of_some(|row| &row.model_group),
            provider: of_some(|row| &row.provider),
            call_type: of_some(|row| &row.call_type),
            error_class: of_some(|row| &row.error_class),
            agent_name: of_some(|row| &row.agent_name),
            tools: rows.iter().map(|row| row.tools.iter().map(|tool| names.place(tool)).collect()).collect(),
            model,
            status,
            request_id: rows.iter().map(|row| row.request_id.clone()).collect(),
            call_id: None,
            started_after: rows.iter().map(|row| seconds(row.started_at.timestamp_micros() - start)).collect(),
            seconds: rows.iter().map(|row| milliseconds(row.duration_ms)).collect(),
            time_to_first_token: rows.iter().map(|row| row.ttft_ms.map(milliseconds)).collect(),
            prompt_tokens: rows.iter().map(|row| row.prompt_tokens).collect(),
            completion_tokens: rows.iter().map(|row| row.completion_tokens).collect(),
            cached_tokens: rows.iter().map(|row| row.cached_tokens).collect(),
            repeated_tokens,
            cost: rows.iter().map(|row| row.cost).collect(),
            running_cost: rows.iter().map(|row| row.running_cost).collect(),
            tool_calls: rows.iter().map(|row| row.tool_calls).collect(),
            cache_hit: rows.iter().map(|row| row.cache_hit).collect(),
            lane: lanes(&rows.iter().map(shown).collect::<Vec<_>>()),
            parent: None,
            human: None,
        }
    }
}

fn milliseconds(milliseconds: i64) -> f64 {
    seconds(milliseconds.saturating_mul(1_000))
}

/// When a request ran as the timeline shows it: LiteLLM's own duration can be longer than its two times are apart.
fn shown(row: &StepRow) -> Span {
    let start = row.started_at.timestamp_micros();
    let shown = start.saturating_add(row.duration_ms.saturating_mul(1_000));
    Span::new(start, shown.max(row.ended_at.timestamp_micros()))
}

/// How many tokens of each prompt the session had sent before, estimated from their numbers alone. A conversation is what one
/// agent asks of one model.
pub fn estimated(rows: &[StepRow]) -> Vec<Option<i64>> {
    let prompt = |(row, span): (_, Span)| {
        let row: &StepRow = row;
        let is_conversation = repeats_history(row.call_type.as_deref().unwrap_or_default());
        let conversation = (row.agent_name.as_deref(), row.model_group.as_deref());
        Prompt {
            span,
            conversation: is_conversation.then_some(conversation),
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
        }
    };
    repeated_tokens(&rows.iter().zip(spans(rows)).map(prompt).collect::<Vec<_>>())
}
