//! Groupings that lack levels of roll-ups: what they have is right, and what is asked of them is answered the same.

use local::fixtures::Release;
use tests::database::{number, run};
use tests::expected::Dice;
use tests::{Database, Pair, index};

use crate::index_equality::{ask_some, now, spread};

async fn assert_derived(database: &Database) {
    let mut conn = database.connect().await;
    index::assert_derived(&mut conn).await;
    sqlx::Connection::close(conn).await.expect("closed");
}

const ROLLUPS: &str = "SELECT count(*) FROM traceability.rollups";

/// Months of an index that has all levels are decided about; what is left out stays as long as somebody may be reading it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn levels_that_are_not_worth_their_room_are_taken_out_and_answers_stay() {
    let database = spread("index_levels", Release::V1_109_1).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, now());
    let all = number(&database, ROLLUPS).await;
    // As an earlier version leaves it, which has decided about no month.
    run(&database, "UPDATE traceability.state SET levels_until = NULL, thinned_until = NULL").await;
    index::refresh_thinly(&database).await.expect("it runs");
    let decided = "SELECT count(*) FROM traceability.state s CROSS JOIN jsonb_each(s.rollup_levels)";
    assert_eq!(number(&database, decided).await, 19, "every grouping of so small a log lacks some");
    assert_eq!(number(&database, ROLLUPS).await, all, "somebody may have asked a moment ago");
    assert_derived(&database).await;
    ask_some(&pair, &mut Dice(11)).await;

    run(&database, "UPDATE traceability.state SET levels_at = '2026-01-01'").await;
    index::refresh_thinly(&database).await.expect("it runs");
    let thin = number(&database, ROLLUPS).await;
    assert!(thin < all / 2, "{thin} of {all} roll-ups");
    assert_derived(&database).await;
    ask_some(&pair, &mut Dice(12)).await;

    // A first run leaves no more than that, and rolls up by what the months before have decided.
    run(&database, "TRUNCATE traceability.rollups; UPDATE traceability.state SET ready = false, rolled_until = NULL")
        .await;
    index::refresh_thinly(&database).await.expect("it runs");
    assert!(number(&database, ROLLUPS).await <= thin);
    assert_derived(&database).await;
}

/// Whatever levels there are, by month and grouping, and whatever is out of date.
#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn whatever_levels_there_are_the_answers_are_the_same() {
    let database = spread("index_levels_any", Release::V1_109_1).await;
    index::fill(&database).await;
    let pair = Pair::over(&database, now());
    for seed in [21, 22] {
        let any_levels = format!(
            "SELECT setseed(0.{seed}); UPDATE traceability.state SET rolled_until = 0, rollup_levels = (\
                 SELECT jsonb_object_agg(g.dimension, g.changes) FROM (\
                     SELECT d.dimension, jsonb_agg(jsonb_build_array(m.starts, floor(random() * 32)::integer | 16) ORDER BY m.starts) \
                            AS changes \
                     FROM (SELECT DISTINCT r.dimension FROM traceability.rollups r) d \
                     CROSS JOIN (SELECT DISTINCT r.starts FROM traceability.rollups r WHERE r.level = 4) m \
                     WHERE random() < 0.5 GROUP BY d.dimension) g)"
        );
        run(&database, &any_levels).await;
        index::refresh(&database).await.expect("it runs");
        assert_derived(&database).await;
        ask_some(&pair, &mut Dice(seed)).await;

        run(
            &database,
            "INSERT INTO traceability.stale (quarter) SELECT DISTINCT floor(EXTRACT(EPOCH FROM f.started_at) / 900)::integer \
             FROM traceability.facts f WHERE abs(hashtext(f.session_id)) % 5 = 0 ON CONFLICT DO NOTHING",
        )
        .await;
        ask_some(&pair, &mut Dice(seed + 10)).await;
        index::refresh(&database).await.expect("it runs");
        assert_eq!(number(&database, "SELECT count(*) FROM traceability.stale").await, 0);
        assert_derived(&database).await;
    }
}
