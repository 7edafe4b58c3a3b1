//! What LiteLLM's table of models said of the deployed model when a request was made: it is copied into each row, unless a setting
//! leaves it out.

/// The most prompt tokens that the model takes.
pub(super) fn context_window() -> String {
    // Some models have a limit of what they take and give together.
    let limits = ["max_input_tokens", "max_tokens"].map(|key| number(key, "1", "1000000000000", 0, "bigint"));
    format!("COALESCE({})", limits.join(", "))
}

/// Dollars for a prompt token.
pub(super) fn input_price() -> String {
    price("input_cost_per_token")
}

/// Dollars for a prompt token that the provider read from its cache.
pub(super) fn cache_read_price() -> String {
    price("cache_read_input_token_cost")
}

fn price(key: &str) -> String {
    number(key, "0", "1000000", 18, "double precision")
}

/// A number of the table within bounds, with so many decimals: what a cast would refuse must not fail the query.
fn number(key: &str, least: &str, most: &str, decimals: u8, sql_type: &str) -> String {
    let value = format!("p.metadata #> '{{model_map_information,model_map_value,{key}}}'");
    format!(
        "CASE jsonb_typeof({value}) WHEN 'number' THEN CASE WHEN ({value})::numeric BETWEEN {least} AND {most} \
         THEN round(({value})::numeric, {decimals})::{sql_type} END END"
    )
}
