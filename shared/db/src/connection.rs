//! A connection that a request has taken from the pool.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{AssertSqlSafe, Either, Execute, Executor, Postgres, SqlStr};

use super::db_stats::DbStats;
use super::kind::DatabaseKind;
use super::pooled_connection::PooledConnection;

/// A read-only connection. What it does is counted for the request that has it, and it never goes back to the pool in the
/// middle of something.
#[derive(Debug)]
pub struct Connection {
    /// `None` only while it is dropped.
    pooled: Option<PooledConnection>,
    stats: Option<Arc<DbStats>>,
    kind: DatabaseKind,
}

impl Connection {
    pub(super) fn new(pooled: PooledConnection, stats: Option<Arc<DbStats>>, kind: DatabaseKind) -> Self {
        Self { pooled: Some(pooled), stats, kind }
    }

    /// Begins a transaction that cannot write, under these settings. It ends with the request.
    pub(super) async fn begin(&mut self, settings: &str) -> sqlx::Result<()> {
        self.pooled().in_transaction = true;
        self.set(&format!("BEGIN READ ONLY; {settings}")).await
    }

    /// Runs statements of ours that return nothing.
    pub(super) async fn set(&mut self, statements: &str) -> sqlx::Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(self).await.map(|_| ())
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.pooled.as_ref().is_some_and(PooledConnection::is_pooled)
    }

    fn pooled(&mut self) -> &mut PooledConnection {
        self.pooled.as_mut().expect("a connection is kept until it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Whatever else it is dropped with, it settles by itself.
        if let (Some(pooled), Some(stats)) = (self.pooled.take(), &self.stats)
            && pooled.is_unsettled()
        {
            stats.leave(pooled);
        }
    }
}

/// A statement that the server forgets at once: behind a pooler the next one may be on another connection.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Connection { pooled, stats, kind } = self;
        let pooled = pooled.as_mut().expect("a connection is kept until it is dropped");
        let is_pooled = pooled.is_pooled();
        let (conn, busy) = pooled.parts();
        let mut answers = if is_pooled { conn.fetch_many(Unnamed(query)) } else { conn.fetch_many(query) };
        let mut waiting = None;
        // Time counts while the database is waited for, not while its rows are looked at.
        futures::stream::poll_fn(move |context| {
            *busy = true;
            let since = *waiting.get_or_insert_with(Instant::now);
            let Poll::Ready(answer) = answers.poll_next_unpin(context) else { return Poll::Pending };
            waiting = None;
            if let Some(stats) = stats.as_ref() {
                stats.add_time(since.elapsed());
                if matches!(answer, Some(Ok(Either::Right(_)))) {
                    stats.add_row();
                }
                if matches!(answer, Some(Err(_))) {
                    stats.note_failure(*kind);
                }
            }
            // After an error, too, it has to show that it is ready: the server may have ended it.
            *busy = answer.is_some();
            Poll::Ready(answer)
        })
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut answers = self.fetch_many(query);
            let mut found = None;
            // To the end: only then is the connection ready for the next statement.
            while let Some(answer) = answers.next().await {
                if let Either::Right(row) = answer? {
                    found.get_or_insert(row);
                }
            }
            Ok(found)
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        self.pooled().parts().0.prepare_with(sql, parameters)
    }
}
