//! The lines of the FOCUS form.

use std::collections::HashMap;

use traceability_core::dimension::Dimension;
use traceability_core::money::Money;
use traceability_core::time::TimeWindow;
use traceability_db::Connection;
use traceability_queries::Source;
use traceability_queries::analytics::{Figures, Question, labels};
use traceability_queries::reports;

use super::calendar::{Daily, Part};
use super::document::Charge;

/// What was charged on each day, the rest beyond the most expensive as one line a day: they sum to the total.
pub(super) async fn charges(
    conn: &mut Connection,
    source: Source<'_>,
    question: &Question,
    daily: &Daily,
    window: &TimeWindow,
) -> sqlx::Result<Vec<Charge>> {
    let days: Vec<(&Part, &Figures)> = daily.within(window).collect();
    let starts: Vec<_> = days.iter().map(|(part, _)| part.window.start).collect();
    let found = reports::charges(conn, source, question, &starts).await?;
    let distinct = |of: fn(&reports::SumOfDay) -> Option<&String>| {
        let mut ids: Vec<String> = found.iter().filter_map(of).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (teams, keys) = (distinct(|sum| sum.team_id.as_ref()), distinct(|sum| sum.key.as_ref()));
    let teams = labels(conn, source, Dimension::Team, teams).await?;
    let keys = labels(conn, source, Dimension::Key, keys).await?;

    let mut rest: Vec<Charge> = days.iter().map(|(part, figures)| rest_of(part, figures)).collect();
    let mut charges: Vec<Vec<Charge>> = vec![Vec::new(); days.len()];
    for sum in found {
        let Some(place) = usize::try_from(sum.bucket).ok().filter(|place| *place < days.len()) else { continue };
        let spend = Money(sum.spend.clone());
        rest[place].spend = &rest[place].spend - &spend;
        rest[place].requests -= sum.requests;
        rest[place].total_tokens -= sum.total_tokens;
        charges[place].push(charge(sum, spend, days[place].0, (&teams, &keys)));
    }
    for (charges, rest) in charges.iter_mut().zip(rest) {
        if rest.requests > 0 {
            charges.push(rest);
        }
    }
    Ok(charges.into_iter().flatten().collect())
}

/// All of a day, from which what is told apart is taken away.
fn rest_of(part: &Part, figures: &Figures) -> Charge {
    Charge {
        start: part.window.start,
        end: part.window.end,
        other: true,
        requests: figures.requests,
        total_tokens: figures.total_tokens,
        spend: Money(figures.exact_spend.clone()),
        ..Charge::default()
    }
}

type Names = HashMap<String, String>;

fn charge(sum: reports::SumOfDay, spend: Money, part: &Part, (teams, keys): (&Names, &Names)) -> Charge {
    Charge {
        start: part.window.start,
        end: part.window.end,
        other: false,
        model: sum.model,
        provider: sum.provider,
        agent_name: sum.agent_name,
        user_id: sum.user_id,
        end_user: sum.end_user,
        session_id: sum.session_id,
        team_label: sum.team_id.as_ref().and_then(|id| teams.get(id).cloned()),
        team_id: sum.team_id,
        key_label: sum.key.as_ref().and_then(|id| keys.get(id).cloned()),
        key: sum.key,
        requests: sum.requests,
        total_tokens: sum.total_tokens,
        spend,
    }
}
