//! How a request is stored: what many have in common once, in tables that the facts refer to, and the rest as narrow as it may
//! be. `traceability.requests` is the way back.

use sqlx::{AssertSqlSafe, PgConnection};
use traceability_facts::Fact;
use traceability_litellm::PROJECTION;

/// Columns that many facts have in common.
struct Common {
    table: &'static str,
    /// The facts' column that refers to it.
    reference: &'static str,
    facts: &'static [Fact],
}

/// In the order of their columns, of which the digests are made.
const COMMON: [Common; 2] = [
    Common {
        table: "traceability.owners",
        reference: "owner",
        facts: &[Fact::AgentName, Fact::UserId, Fact::TeamId, Fact::OrganizationId, Fact::ApiKeyHash, Fact::KeyAlias],
    },
    Common {
        table: "traceability.deployments",
        reference: "deployment",
        facts: &[
            Fact::Model,
            Fact::ModelGroup,
            Fact::Provider,
            Fact::CallType,
            Fact::ContextWindow,
            Fact::InputPrice,
            Fact::CacheReadPrice,
        ],
    },
];

impl Common {
    /// The names of these columns.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.facts.iter().map(|fact| fact.name())
    }

    /// SQL of these columns of `s`.
    fn columns(&self) -> String {
        self.names().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", ")
    }

    /// SQL that joins the row of the table that has what `s` has.
    fn join(&self) -> String {
        format!(" JOIN {} {} ON {}.digest = {}", self.table, self.reference, self.reference, self.digest())
    }

    /// SQL of what they are found by: a record's text tells NULL from the empty text, and where a value ends.
    fn digest(&self) -> String {
        format!("sha256(convert_to(ROW({})::text, 'UTF8'))", self.columns())
    }

    /// Adds what the copied rows have and the table has not. It is found first and added then: on a cluster the copied rows are
    /// the coordinator's alone.
    async fn add_new(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let digests = format!("SELECT DISTINCT {} FROM pg_temp.staging s", self.digest());
        let digests: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(digests)).fetch_all(&mut *conn).await?;
        let known = format!("SELECT t.digest FROM {} t WHERE t.digest = ANY($1)", self.table);
        let known: Vec<Vec<u8>> = sqlx::query_scalar(AssertSqlSafe(known)).bind(&digests).fetch_all(&mut *conn).await?;
        if known.len() == digests.len() {
            return Ok(());
        }
        let last = format!("SELECT COALESCE(max(t.id), 0) FROM {} t", self.table);
        let last: i32 = sqlx::query_scalar(AssertSqlSafe(last)).fetch_one(&mut *conn).await?;
        let insert = format!(
            "INSERT INTO {} (id, digest, {}) SELECT $2 + row_number() OVER (), n.* FROM (\
                 SELECT DISTINCT {} AS digest, {} FROM pg_temp.staging s WHERE {} <> ALL($1)) n",
            self.table,
            self.names().collect::<Vec<_>>().join(", "),
            self.digest(),
            self.columns(),
            self.digest(),
        );
        sqlx::query(AssertSqlSafe(insert)).bind(known).bind(last).execute(conn).await?;
        Ok(())
    }
}

/// Adds to the tables that facts refer to what the copied rows have of it.
pub(super) async fn add_new(conn: &mut PgConnection) -> sqlx::Result<()> {
    for common in &COMMON {
        common.add_new(&mut *conn).await?;
    }
    Ok(())
}

/// Takes out the owners without a request, whose names nobody is to find any more.
pub(super) async fn forget_owners(conn: &mut PgConnection) -> sqlx::Result<()> {
    // What is in use is asked of all servers of a cluster first: none of them could tell who is not.
    let used: Vec<i32> =
        sqlx::query_scalar("SELECT DISTINCT f.owner FROM traceability.facts f").fetch_all(&mut *conn).await?;
    sqlx::query("DELETE FROM traceability.owners WHERE id <> ALL($1)").bind(used).execute(conn).await?;
    Ok(())
}

/// A UUID as PostgreSQL writes one, so that it comes back as it was.
const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

/// What is stored otherwise than the projection has it: the columns of the facts, and SQL of them over the row `s`.
fn otherwise() -> [(Fact, &'static str, String); 9] {
    let narrow = |column: &str| format!("s.{column}::integer");
    [
        (Fact::CallId, "call_uuid", format!("CASE WHEN s.call_id ~ '{UUID}' THEN s.call_id::uuid END")),
        (Fact::CallId, "call_name", format!("CASE WHEN s.call_id !~ '{UUID}' THEN s.call_id END")),
        (
            Fact::EndedAt,
            "ended_at",
            "NULLIF(s.ended_at, s.started_at + s.duration_ms * interval '1 millisecond')".to_owned(),
        ),
        (Fact::DurationMs, "duration_ms", narrow("duration_ms")),
        (Fact::TtftMs, "ttft_ms", narrow("ttft_ms")),
        (Fact::CachedTokens, "cached_tokens", narrow("cached_tokens")),
        (Fact::ReasoningTokens, "reasoning_tokens", narrow("reasoning_tokens")),
        (Fact::CacheWriteTokens, "cache_write_tokens", narrow("cache_write_tokens")),
        (Fact::ToolCalls, "tool_calls", format!("LEAST(s.tool_calls, {})::integer", i32::MAX)),
    ]
}

/// SQL of how the facts store these of a row `s`: their columns and values, and what has to be joined for them.
struct Stored {
    columns: Vec<(&'static str, String)>,
    joins: String,
}

fn stored(is_meant: impl Fn(Fact) -> bool) -> Stored {
    let facts = || Fact::ALL.into_iter().filter(|fact| is_meant(*fact));
    let common: Vec<&Common> =
        COMMON.iter().filter(|common| facts().any(|fact| common.facts.contains(&fact))).collect();
    let is_common = |fact: &Fact| COMMON.iter().any(|common| common.facts.contains(fact));
    let otherwise: Vec<_> = otherwise().into_iter().filter(|(fact, ..)| is_meant(*fact)).collect();
    let is_otherwise = |fact: &Fact| otherwise.iter().any(|(other, ..)| other == fact);
    let as_they_are = facts().filter(|fact| !is_common(fact) && !is_otherwise(fact));
    let mut columns: Vec<_> = as_they_are.map(|fact| (fact.name(), format!("s.{}", fact.name()))).collect();
    columns.extend(otherwise.iter().map(|(_, column, sql)| (*column, sql.clone())));
    columns.extend(common.iter().map(|common| (common.reference, format!("{}.id", common.reference))));
    Stored { columns, joins: common.into_iter().map(Common::join).collect() }
}

impl Stored {
    /// Also which projection has made the row, and which merge stores it.
    fn by(mut self, merge: i64) -> Self {
        self.columns
            .extend([("projection", format!("{PROJECTION}::smallint")), ("merged_in", format!("{merge}::bigint"))]);
        self
    }

    fn unzip(self) -> (String, String, String) {
        let (names, values): (Vec<&str>, Vec<String>) = self.columns.into_iter().unzip();
        (names.join(", "), values.join(", "), self.joins)
    }
}

/// SQL that stores the rows `s` of a slice of which the condition is true.
pub(super) fn insert(slice: &str, is_new: &str, merge: i64) -> String {
    let (names, values, joins) = stored(|_| true).by(merge).unzip();
    format!(
        "INSERT INTO traceability.facts ({names}) SELECT {values} FROM {slice} s{joins} WHERE {is_new} ON CONFLICT DO NOTHING"
    )
}

/// SQL that alters these of facts `f`, as the rows `s` of a slice have them that are joined to `from`.
pub(super) fn update(slice: &str, from: &str, is_meant: impl Fn(Fact) -> bool, merge: i64) -> String {
    let (names, values, joins) = stored(is_meant).by(merge).unzip();
    format!("UPDATE traceability.facts f SET ({names}) = ROW({values}) FROM {slice} s{joins}{from}")
}
