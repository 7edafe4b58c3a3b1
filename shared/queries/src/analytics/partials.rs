//! The relation that every question about sums is answered from: for each group and each bucket any number of rows, whose
//! measures merge into those of the whole.

use sqlx::{Postgres, QueryBuilder};
use traceability_core::time::TimeWindow;
use traceability_facts::Fact;
use traceability_facts::measures::Measure;

use super::Question;
use super::grouping::Grouping;
use super::rollup_plan::RollupPlan;
use crate::Source;

/// Appends a `SELECT` of `k1, k2, bucket` and the measures.
pub(super) fn push(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    needs: &[Measure],
) {
    match RollupPlan::of(source, question, grouping) {
        Some(rolled) => rolled.push_partials(sql, source, question, grouping, needs),
        None => push_facts(sql, source, question, &question.window, grouping, needs),
    }
}

/// The part of a window, from the facts.
fn push_facts(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    question: &Question,
    window: &TimeWindow,
    grouping: &Grouping,
    needs: &[Measure],
) {
    let [first, second] = grouping.keys();
    sql.push(format!("SELECT {first} AS k1, {second} AS k2, "));
    grouping.push_bucket(sql);
    sql.push(" AS bucket");
    for measure in needs {
        sql.push(", ").push(measure.of_facts());
    }
    let facts: Vec<Fact> = needs.iter().flat_map(|measure| measure.facts).copied().collect();
    grouping.push_from(sql, source, question, window, &facts);
    grouping.push_where(sql, question);
    sql.push(" GROUP BY 1, 2, 3");
}
