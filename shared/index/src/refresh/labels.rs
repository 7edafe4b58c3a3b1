//! What LiteLLM calls teams and keys: a copy, since its tables may be in another database.

use sqlx::Row;
use traceability_db::DbError;

use super::{Refresh, RefreshError, begin};
use crate::names::stored;

impl Refresh<'_> {
    /// Copies the labels that are new or other than before. A name whose team or key was deleted stays.
    pub(super) async fn copy_labels(&mut self) -> Result<(), RefreshError> {
        for (dimension, sql) in self.projection.labels() {
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut self.log).await.map_err(DbError::from)?;
            let (mut ids, mut labels) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
            for row in rows {
                ids.push(stored(row.try_get::<&str, _>(0)?).into_owned());
                labels.push(row.try_get::<String, _>(1)?);
            }
            let Some(mut transaction) = begin(&mut self.index).await? else { return Ok(()) };
            sqlx::query(
                "INSERT INTO traceability.labels (dimension, id, label) \
                 SELECT $1, n.id, n.label FROM unnest($2::text[], $3::text[]) AS n(id, label) \
                 WHERE NOT EXISTS (SELECT 1 FROM traceability.labels l \
                                   WHERE l.dimension = $1 AND l.id = n.id AND l.label = n.label) \
                 ON CONFLICT (dimension, id) DO UPDATE SET label = EXCLUDED.label",
            )
            .bind(dimension)
            .bind(ids)
            .bind(labels)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}
