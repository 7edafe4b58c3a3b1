//! Names that are longer than an index of PostgreSQL takes. Whoever calls LiteLLM can write some into its log, and must not
//! keep everybody's requests out of the index with them.

use sqlx::{AssertSqlSafe, PgConnection};
use traceability_facts::Fact;

use crate::names::{LONGEST, stored_sql as short};

/// What is part of an index.
const NAMES: [Fact; 14] = [
    Fact::RequestId,
    Fact::CallId,
    Fact::SessionId,
    Fact::AgentName,
    Fact::ConversationName,
    Fact::UserId,
    Fact::EndUser,
    Fact::TeamId,
    Fact::ApiKeyHash,
    Fact::KeyAlias,
    Fact::Model,
    Fact::ModelGroup,
    Fact::Provider,
    Fact::ErrorClass,
];

/// SQL of a fact as the index has it: of a name that is too long the beginning, and its hash to tell it from others.
pub(super) fn stored(alias: &str, fact: Fact) -> String {
    let column = format!("{alias}.{}", fact.name());
    match fact {
        Fact::Tags => format!(
            "CASE WHEN octet_length({column}::text) > {LONGEST} THEN (SELECT jsonb_agg(CASE jsonb_typeof(j.value) \
             WHEN 'string' THEN to_jsonb({}) ELSE j.value END ORDER BY j.place) \
             FROM jsonb_array_elements({column}) WITH ORDINALITY AS j(value, place)) ELSE {column} END",
            short("j.value #>> '{}'")
        ),
        Fact::Tools => format!(
            "CASE WHEN octet_length({column}::text) > {LONGEST} THEN ARRAY(SELECT {} \
             FROM unnest({column}) WITH ORDINALITY AS t(name, place) ORDER BY t.place) ELSE {column} END",
            short("t.name")
        ),
        fact if NAMES.contains(&fact) => short(&column),
        _ => column,
    }
}

/// Shortens what was copied.
pub(super) async fn shorten(conn: &mut PgConnection) -> sqlx::Result<()> {
    let facts = || NAMES.into_iter().chain([Fact::Tags, Fact::Tools]);
    let columns: Vec<&str> = facts().map(Fact::name).collect();
    let values: Vec<String> = facts().map(|fact| stored("s", fact)).collect();
    let long: Vec<String> = facts().map(|fact| format!("octet_length(s.{}::text) > {LONGEST}", fact.name())).collect();
    let sql = format!(
        "UPDATE pg_temp.staging s SET ({}) = ROW({}) WHERE {}",
        columns.join(", "),
        values.join(", "),
        long.join(" OR ")
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
