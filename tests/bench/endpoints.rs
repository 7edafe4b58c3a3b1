//! What is measured, and with which parameters.

use chrono::Duration;
use traceability_core::dimension::Dimension;
use traceability_core::time::TimeWindow;

use crate::ask::{Analytics, Ask, PAGE, Sessions};
use crate::data::Data;

/// One line of the report.
pub struct Endpoint {
    /// Its name, by which the budgets know it.
    pub name: &'static str,
    /// The requests to make, in this order, from the start again when they are used up.
    pub asks: Vec<Ask>,
}

/// The totals of a session.
pub const SUMMARY: &str = "session summary";
/// The first page of any session's messages.
pub const MESSAGES: &str = "session messages, first page";
/// One request in full.
pub const REQUEST: &str = "request by id";
/// The first page of sessions, whenever they were.
pub const NEWEST_SESSIONS: &str = "sessions, newest, no dates";
/// The first page of a week's sessions.
pub const WEEK_OF_SESSIONS: &str = "sessions, 7 days";
/// A week's totals.
pub const OVERVIEW: &str = "overview, 7 days";
/// A week by model.
pub const MODELS: &str = "models, 7 days";
/// A week by day.
pub const TRENDS: &str = "usage trends, 7 days";

/// A month's cost report.
pub const COST_REPORT: &str = "cost report, 30 days";

/// Every endpoint that is measured. The windows end with the log, so that each has its rows whenever it was filled.
pub async fn all(data: &mut Data) -> sqlx::Result<Vec<Endpoint>> {
    let last = |days| TimeWindow { start: data.until - Duration::days(days), end: data.until };
    let (day, week, month, year) = (last(1), last(7), last(30), last(366));
    let drawn = data.draw(week).await?;
    let endpoint = |name, asks| Endpoint { name, asks };
    let each = |ids: &[String], ask: fn(String) -> Ask| ids.iter().cloned().map(ask).collect::<Vec<_>>();
    let pairs =
        |ids: &[String]| ids.windows(2).map(|pair| Ask::Diff(pair[0].clone(), pair[1].clone())).collect::<Vec<_>>();
    let search = |sessions: Sessions| vec![Ask::Sessions(sessions)];
    let of_week = || Sessions { window: Some(week), ..Sessions::default() };
    let by_user = |user: &String| Ask::Sessions(Sessions { user_id: Some(user.clone()), ..of_week() });
    let by_agent = |agent: &String| Ask::Sessions(Sessions { agent_name: Some(agent.clone()), ..of_week() });
    let question = |question, window| vec![Ask::Analytics(question, window)];
    Ok(vec![
        endpoint(SUMMARY, each(&drawn.sessions, Ask::Summary)),
        endpoint("session summary, largest sessions", each(&drawn.largest_sessions, Ask::Summary)),
        endpoint("session timeline", each(&drawn.sessions, Ask::Timeline)),
        endpoint("session timeline, largest sessions", each(&drawn.largest_sessions, Ask::Timeline)),
        endpoint("session diff", pairs(&drawn.sessions)),
        endpoint("session diff, largest sessions", pairs(&drawn.largest_sessions)),
        endpoint(MESSAGES, each(&drawn.sessions, Ask::SessionMessages)),
        endpoint("session messages, largest sessions", each(&drawn.largest_sessions, Ask::SessionMessages)),
        endpoint(REQUEST, each(&drawn.requests, Ask::Request)),
        endpoint("request messages", each(&drawn.requests, Ask::RequestMessages)),
        endpoint("requests, newest", vec![Ask::Requests(PAGE)]),
        endpoint(NEWEST_SESSIONS, search(Sessions::default())),
        endpoint(WEEK_OF_SESSIONS, search(of_week())),
        endpoint("sessions, 7 days, dearest", search(Sessions { most_expensive: true, ..of_week() })),
        endpoint("sessions, 7 days, of a user", drawn.users.iter().map(by_user).collect()),
        endpoint("sessions, 7 days, of a busy agent", drawn.agents.iter().take(3).map(by_agent).collect()),
        endpoint(OVERVIEW, question(Analytics::Overview, week)),
        endpoint(MODELS, question(Analytics::Models, week)),
        endpoint(TRENDS, question(Analytics::Trends, week)),
        endpoint("cost breakdown by model, 7 days", question(Analytics::CostBreakdown, week)),
        endpoint("facets of models, 30 days", vec![Ask::Facets(Dimension::Model, month)]),
        endpoint("facets of users, 366 days", vec![Ask::Facets(Dimension::User, year)]),
        endpoint("overview, 30 days", question(Analytics::Overview, month)),
        endpoint("agents, 1 day", question(Analytics::Agents, day)),
        endpoint(COST_REPORT, vec![Ask::Report(month)]),
        endpoint("health", vec![Ask::Health]),
        endpoint("liveness", vec![Ask::Live]),
    ])
}
