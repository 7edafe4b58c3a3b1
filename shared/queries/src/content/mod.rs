//! The stored prompts and responses of single requests.

mod row;

use std::collections::HashMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Postgres, QueryBuilder};
use traceability_core::scope::Scope;
use traceability_db::Connection;
use traceability_db::DbError;
use traceability_facts::scope::ScopeSql;
use traceability_facts::{Beside, CONTENT_COLUMNS, Fact, RowSelector};

use crate::Source;
use crate::filter::utc;
use crate::position::RequestPosition;
use crate::real_ids::RealIds;
use crate::source::SourceConnection;

pub use row::{ContentRow, StoredLengths};

use row::FACTS;

fn select(source: Source<'_>, rows: RowSelector<'_>) -> QueryBuilder<Postgres> {
    let mut sql = source.requests_with(&FACTS, Beside::Content, rows);
    sql.push(format!(
        " SELECT f.request_id, f.call_id, f.session_id, f.user_id AS owner, f.started_at AT TIME ZONE 'UTC' AS started_at, COALESCE(f.model, '') AS model, \
         f.model_group, f.call_type, f.status, f.prompt_tokens::bigint, f.completion_tokens::bigint, \
         f.total_tokens::bigint, f.spend AS cost, f.duration_ms::bigint AS duration_ms, f.cache_hit, f.tool_calls, \
         {CONTENT_COLUMNS} FROM requests AS f"
    ));
    sql
}

/// The content of the request with this id, or with this call id: from LiteLLM's log, which has it as soon as the request is
/// over. Of one that is in the index only, no content is left.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn of_request(db: &mut SourceConnection, scope: &Scope, id: &str) -> Result<Option<ContentRow>, DbError> {
    let (conn, facts) = db.log().await?;
    let found = find(conn, Source { facts: &facts, scope }, id).await?;
    if found.is_some() {
        return Ok(found);
    }
    if !db.facts.outlives_log() {
        return db.require_index().map(|()| None);
    }
    let mut found = find(&mut db.conn, Source { facts: &db.facts, scope }, id).await?;
    // The index may have shortened the id; whoever asks knows the whole.
    if let Some(row) = found.as_mut().filter(|row| row.request_id == db.facts.stored(id)) {
        id.clone_into(&mut row.request_id);
    }
    Ok(found)
}

async fn find(conn: &mut Connection, source: Source<'_>, id: &str) -> sqlx::Result<Option<ContentRow>> {
    for rows in [RowSelector::Request(id), RowSelector::Call(id)] {
        let mut sql = select(source, rows);
        sql.push(" ORDER BY f.started_at DESC, f.request_id LIMIT 1");
        let found = sql.build_query_as().fetch_optional(&mut *conn).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Reads the contents of a session's requests, oldest first from after `after`, until `take` breaks off, which leaves the row
/// that it was given to the next page, or it has taken `limit` rows. Returns whether the session goes on.
///
/// The requests are found and put in order first, and only then are the contents of this page read, a few at a time: each
/// repeats its whole history, and brings LiteLLM's metadata along.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn read_session(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    after: Option<&RequestPosition>,
    limit: u32,
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<bool, DbError> {
    let of_keys = Judged::of(db, scope);
    let mut after = after.cloned();
    let mut left = i64::from(limit);
    loop {
        // One more than the page tells whether another follows.
        let wanted = if of_keys == Judged::ByKeys { left + 1 } else { KEYS };
        let mut sql = select_keys(db, scope, session_id);
        if let Some(after) = &after {
            sql.push(" WHERE (f.started_at, f.request_id) > (").push_bind(utc(after.started_at));
            sql.push(", ").push_bind(db.facts.stored(&after.request_id).into_owned()).push(")");
        }
        sql.push(" ORDER BY f.started_at, f.request_id LIMIT ").push_bind(wanted);
        let mut keys: Vec<RequestPosition> = sql.build_query_as().fetch_all(&mut db.conn).await?;
        let is_end = i64::try_from(keys.len()).unwrap_or(i64::MAX) < wanted;
        if of_keys == Judged::ByKeys && !is_end {
            keys.pop();
        }
        for part in keys.chunks(HELD) {
            let read = read(db, scope, part, |row| {
                if left == 0 {
                    return ControlFlow::Break(());
                }
                let flow = take(row);
                left -= i64::from(flow.is_continue());
                flow
            });
            if read.await?.is_break() {
                return Ok(true);
            }
        }
        if is_end || (left == 0 && of_keys == Judged::ByKeys) {
            return Ok(!is_end);
        }
        // Where some of them are not the caller's, or were deleted meanwhile, the page has room left.
        after = keys.pop().or(after);
    }
}

/// Where it is decided which requests of a session are the caller's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// Where they are found.
    ByKeys,
    /// Where their contents are read: a request's agent lies in its payload, which must not be unpacked for the whole session
    /// each time.
    ByContents,
}

impl Judged {
    fn of(db: &SourceConnection, scope: &Scope) -> Self {
        if scope.asks_for_agents() && db.facts.has_stored_content() { Self::ByContents } else { Self::ByKeys }
    }
}

/// How many requests are found at a time where not all of them may be the caller's.
const KEYS: i64 = 1_000;

/// A query for the requests of a session, as [`RequestPosition`]s. Who may see them is decided once their contents are read,
/// where that is [`Judged::ByContents`].
fn select_keys(db: &SourceConnection, scope: &Scope, session_id: &str) -> QueryBuilder<Postgres> {
    let scope = match Judged::of(db, scope) {
        Judged::ByKeys => scope,
        Judged::ByContents => &Scope::AllRows,
    };
    let facts = [Fact::RequestId, Fact::StartedAt];
    let mut sql = Source { facts: &db.facts, scope }.requests(&facts, RowSelector::Session(session_id));
    sql.push(" SELECT f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at FROM requests AS f");
    sql
}

/// Where a request of a session is, by its id or its call id; `None` if it is not one of the caller's there.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn position_of(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    request: &str,
) -> Result<Option<RequestPosition>, DbError> {
    let facts = [Fact::RequestId, Fact::CallId, Fact::StartedAt];
    let mut sql = Source { facts: &db.facts, scope }.requests(&facts, RowSelector::Session(session_id));
    sql.push(
        " SELECT f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at FROM requests AS f WHERE f.request_id = ",
    );
    let stored = db.facts.stored(request).into_owned();
    sql.push_bind(stored.clone()).push(" OR f.call_id = ").push_bind(stored);
    sql.push(" ORDER BY f.started_at, f.request_id LIMIT 1");
    Ok(sql.build_query_as().fetch_optional(&mut db.conn).await?)
}

/// How many requests of a session the caller sees before one of them.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn count_before(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    request: &RequestPosition,
) -> Result<u64, DbError> {
    let facts = [Fact::RequestId, Fact::StartedAt];
    let mut sql = Source { facts: &db.facts, scope }.requests(&facts, RowSelector::Session(session_id));
    sql.push(" SELECT count(*) FROM requests AS f");
    push_before(&mut sql, db, request);
    let count: i64 = sql.build_query_scalar().fetch_one(&mut db.conn).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The last `limit` requests of a session before one of them, oldest first.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn positions_before(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    request: &RequestPosition,
    limit: u32,
) -> Result<Vec<RequestPosition>, DbError> {
    let facts = [Fact::RequestId, Fact::StartedAt];
    let mut sql = Source { facts: &db.facts, scope }.requests(&facts, RowSelector::Session(session_id));
    sql.push(" SELECT f.request_id, f.started_at AT TIME ZONE 'UTC' AS started_at FROM requests AS f");
    push_before(&mut sql, db, request);
    sql.push(" ORDER BY f.started_at DESC, f.request_id DESC LIMIT ").push_bind(i64::from(limit));
    let mut positions: Vec<RequestPosition> = sql.build_query_as().fetch_all(&mut db.conn).await?;
    positions.reverse();
    Ok(positions)
}

fn push_before(sql: &mut QueryBuilder<Postgres>, db: &SourceConnection, request: &RequestPosition) {
    sql.push(" WHERE (f.started_at, f.request_id) < (").push_bind(utc(request.started_at));
    sql.push(", ").push_bind(db.facts.stored(&request.request_id).into_owned()).push(")");
}

/// Reads the contents of these requests of a session, in this order, until `take` breaks off.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn read_positions(
    db: &mut SourceConnection,
    scope: &Scope,
    positions: &[RequestPosition],
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<(), DbError> {
    for part in positions.chunks(HELD) {
        if read(db, scope, part, &mut take).await?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Some of the requests of a session up to one of them.
#[derive(Debug, Clone, Copy)]
pub struct EarlierRequests<'a> {
    /// When they started.
    pub starts: &'a [DateTime<Utc>],
    /// The last that may be one of them.
    pub until: &'a RequestPosition,
}

/// Reads the contents of those earlier requests of the session that are `wanted`, oldest first: what a later page needs to know
/// of them.
///
/// # Errors
/// [`DbError`] when a database does not answer.
pub async fn read_session_at(
    db: &mut SourceConnection,
    scope: &Scope,
    session_id: &str,
    EarlierRequests { starts, until }: EarlierRequests<'_>,
    wanted: impl Fn(&RequestPosition) -> bool,
    mut take: impl FnMut(ContentRow),
) -> Result<(), DbError> {
    if starts.is_empty() {
        return Ok(());
    }
    let starts: Vec<_> = starts.iter().copied().map(utc).collect();
    let mut sql = select_keys(db, scope, session_id);
    sql.push(" WHERE f.started_at = ANY(").push_bind(starts);
    sql.push(") AND (f.started_at, f.request_id) <= (").push_bind(utc(until.started_at));
    sql.push(", ").push_bind(db.facts.stored(&until.request_id).into_owned());
    sql.push(") ORDER BY f.started_at, f.request_id");
    let mut keys: Vec<RequestPosition> = sql.build_query_as().fetch_all(&mut db.conn).await?;
    keys.retain(wanted);
    read_positions(db, scope, &keys, |row| {
        take(row);
        ControlFlow::Continue(())
    })
    .await
}

/// Hands over the requests with these keys, in this order, one by one, with the content that the log has of them. Of those
/// that are in the index only, no content is left; what is nowhere any more is left out.
async fn read(
    db: &mut SourceConnection,
    scope: &Scope,
    keys: &[RequestPosition],
    mut take: impl FnMut(ContentRow) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, DbError> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(ControlFlow::Continue(())) };
    let known = db.facts.clone();
    let key = |row: &ContentRow| {
        let RequestPosition { started_at, request_id } = row.position();
        RequestPosition { started_at, request_id: known.stored(&request_id).into_owned() }
    };
    let mut ids: Vec<String> = keys.iter().map(|key| key.request_id.clone()).collect();
    let mut ahead: HashMap<RequestPosition, ContentRow> = HashMap::new();
    let mut without_content: HashMap<RequestPosition, ContentRow> = HashMap::new();
    if !known.has_stored_content() {
        let mut sql = select(Source { facts: &known, scope }, RowSelector::Requests(&ids));
        push_between(&mut sql, first, last);
        let rows: Vec<ContentRow> = sql.build_query_as().fetch_all(&mut db.conn).await?;
        without_content = rows.into_iter().map(|row| (key(&row), row)).collect();
        let shortened = keys.iter().map(|key| (key.request_id.as_str(), key.started_at));
        let real_ids = RealIds::of(db, scope, shortened).await?;
        ids = ids.into_iter().map(|id| real_ids.whole(id)).collect();
    }
    let (conn, facts) = db.log().await?;
    let mut sql = select(Source { facts: &facts, scope }, RowSelector::Requests(&ids));
    push_between(&mut sql, first, last);
    sql.push(" ORDER BY f.started_at, f.request_id");
    let mut rows = sql.build_query_as::<ContentRow>().fetch(conn).fuse();
    // Requests of the same instant come in whatever order this database has for their ids.
    let mut reached = None;
    for wanted in keys {
        while !ahead.contains_key(wanted) && reached.is_none_or(|reached| reached <= wanted.started_at) {
            let Some(row) = rows.try_next().await? else { break };
            reached = Some(row.started_at);
            ahead.insert(key(&row), row);
        }
        let row = ahead.remove(wanted).or_else(|| without_content.remove(wanted));
        if row.is_some_and(|row| take(row).is_break()) {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Appends the condition of the time in which the requests from one to another started: in the partitions of other times
/// nobody needs to look.
fn push_between(sql: &mut QueryBuilder<Postgres>, first: &RequestPosition, last: &RequestPosition) {
    sql.push(" WHERE f.started_at >= ").push_bind(utc(first.started_at));
    sql.push(" AND f.started_at <= ").push_bind(utc(last.started_at));
}

/// Requests whose contents are asked for at a time.
const HELD: usize = 40;
