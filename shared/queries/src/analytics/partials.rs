//! The relation that every question about sums is answered from: for each group and each bucket any number of rows, whose
//! measures merge into those of the whole.

use sqlx::{Postgres, QueryBuilder};
use traceability_facts::measures::Measure;
use traceability_facts::{Beside, Fact};

use super::Question;
use super::grouping::Grouping;
use super::rollup_plan::RollupPlan;
use crate::Source;

/// Appends `WITH … partials AS (…)`: rows of `k1, k2, bucket` and the measures.
pub(super) fn push_partials(
    sql: &mut QueryBuilder<Postgres>,
    source: Source<'_>,
    question: &Question,
    grouping: &Grouping,
    measures: &[Measure],
) {
    let facts: Vec<Fact> = measures.iter().flat_map(|measure| measure.facts).copied().collect();
    let facts = grouping.facts(question, &facts);
    sql.push("WITH ");
    let Some(plan) = RollupPlan::of(source, question, grouping) else {
        source.push_requests(sql, &facts, Beside::Nothing, question.filter.rows(&question.window));
        sql.push(", partials AS (");
        push_requests(sql, question, grouping, measures, |sql| {
            grouping.push_bucket(sql);
            sql.push(" AS bucket");
        });
        sql.push(")");
        return;
    };
    let edges = plan.edges();
    if !edges.is_empty() {
        edges.push_requests(sql, source, &facts);
        sql.push(", ");
    }
    sql.push("partials AS (");
    plan.push_sums(sql, measures);
    if !edges.is_empty() {
        sql.push(" UNION ALL ");
        // Those at the edges of the roll-ups have their bucket with them.
        push_requests(sql, question, grouping, measures, |sql| {
            sql.push("f.bucket");
        });
    }
    sql.push(")");
}

/// Appends a `SELECT` of the sums of the requests, each in the bucket that `push_bucket` appends.
fn push_requests(
    sql: &mut QueryBuilder<Postgres>,
    question: &Question,
    grouping: &Grouping,
    measures: &[Measure],
    push_bucket: impl FnOnce(&mut QueryBuilder<Postgres>),
) {
    let [first, second] = grouping.keys();
    sql.push(format!("SELECT {first} AS k1, {second} AS k2, "));
    push_bucket(sql);
    for measure in measures {
        sql.push(", ").push(measure.of_facts());
    }
    grouping.push_from_requests(sql, question);
    sql.push(" GROUP BY 1, 2, 3");
}
