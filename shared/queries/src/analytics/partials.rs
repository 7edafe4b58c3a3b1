//! The relation that every question about sums is answered from: for each group and each bucket any number of rows, whose
//! measures merge into those of the whole.

use sqlx::{Postgres, QueryBuilder};
use traceability_facts::measures::Measure;
use traceability_facts::{Fact, RowSelector};

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
    needs: &[Measure],
) {
    let facts: Vec<Fact> = needs.iter().flat_map(|measure| measure.facts).copied().collect();
    let facts = grouping.facts(question, &facts);
    sql.push("WITH ");
    let Some(rolled) = RollupPlan::of(source, question, grouping) else {
        source.push_requests(sql, &facts, RowSelector::Started(&question.window));
        sql.push(", partials AS (");
        push_requests(sql, question, grouping, needs);
        sql.push(")");
        return;
    };
    let edges = rolled.edges();
    if !edges.is_empty() {
        edges.push_requests(sql, source, &facts);
        sql.push(", ");
    }
    sql.push("partials AS (");
    rolled.push_sums(sql, needs);
    if !edges.is_empty() {
        sql.push(" UNION ALL ");
        push_edges(sql, question, grouping, needs);
    }
    sql.push(")");
}

/// Appends a `SELECT` of the sums of the requests, whose bucket their start tells.
fn push_requests(sql: &mut QueryBuilder<Postgres>, question: &Question, grouping: &Grouping, needs: &[Measure]) {
    let [first, second] = grouping.keys();
    sql.push(format!("SELECT {first} AS k1, {second} AS k2, "));
    grouping.push_bucket(sql);
    sql.push(" AS bucket");
    push_measures(sql, question, grouping, needs);
}

/// Appends a `SELECT` of the sums of the requests at the edges of the roll-ups, which have their bucket with them.
fn push_edges(sql: &mut QueryBuilder<Postgres>, question: &Question, grouping: &Grouping, needs: &[Measure]) {
    let [first, second] = grouping.keys();
    sql.push(format!("SELECT {first} AS k1, {second} AS k2, f.bucket"));
    push_measures(sql, question, grouping, needs);
}

fn push_measures(sql: &mut QueryBuilder<Postgres>, question: &Question, grouping: &Grouping, needs: &[Measure]) {
    for measure in needs {
        sql.push(", ").push(measure.of_facts());
    }
    grouping.push_from_requests(sql, question);
    sql.push(" GROUP BY 1, 2, 3");
}
