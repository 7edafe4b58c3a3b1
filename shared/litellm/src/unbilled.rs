//! Costs that LiteLLM noted beside `spend` and not in it: those of some streamed responses, in several releases.

/// The whole cost in `metadata.cost_breakdown` of a request that cost nothing by `spend`. Only then is the metadata read.
pub(super) const UNBILLED_COST: &str = "CASE WHEN s.spend = 0 AND \
     jsonb_typeof(s.metadata #> '{cost_breakdown,total_cost}') = 'number' \
     THEN LEAST(GREATEST((s.metadata #>> '{cost_breakdown,total_cost}')::numeric, 0), 1e12) END AS unbilled_cost";
