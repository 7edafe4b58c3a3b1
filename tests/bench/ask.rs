//! The questions: each can be asked over HTTP, and of the database alone.

use std::ops::ControlFlow;

use chrono::{DateTime, SecondsFormat, Utc};
use traceability_core::dimension::Dimension;
use traceability_core::report_settings::Budgets;
use traceability_core::scalar::SortOrder;
use traceability_core::scope::Scope;
use traceability_core::time::{TimeWindow, day_of, next_day, start_of_day};
use traceability_db::Connection;
use traceability_db::DbError;
use traceability_queries::analytics;
use traceability_queries::analytics::{
    AgentPerformance, Bucket, CostShare, FacetQuery, ModelUsage, Overview, Question, UsageTrend, View,
    report_over_time, report_total,
};
use traceability_queries::filter::RequestFilter;
use traceability_queries::requests::RequestSearch;
use traceability_queries::sessions;
use traceability_queries::sessions::{SessionSearch, SessionSort, TotalsFilter};
use traceability_queries::source::SourceConnection;
use traceability_queries::{Source, content, health, requests};
use traceability_report as report;
use traceability_report::{ReportQuery, Span};
use url::Url;

/// One request of the API, with its parameters.
#[derive(Debug, Clone)]
pub enum Ask {
    /// The totals of a session.
    Summary(String),
    /// The requests of a session as columns.
    Timeline(String),
    /// The first page of a session's messages.
    SessionMessages(String),
    /// One request in full.
    Request(String),
    /// What one request said.
    RequestMessages(String),
    /// So many of the newest requests.
    Requests(u32),
    /// The first page of sessions.
    Sessions(Sessions),
    /// A question about a window.
    Analytics(Analytics, TimeWindow),
    /// The values of a dimension in a window.
    Facets(Dimension, TimeWindow),
    /// Two sessions side by side, without content.
    Diff(String, String),
    /// The cost report of a window.
    Report(TimeWindow),
    /// Whether the log can be read.
    Health,
    /// Whether the service is there; asks the database nothing.
    Live,
}

/// A search for sessions.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    /// Without one, the service looks back as far as it does.
    pub window: Option<TimeWindow>,
    /// By cost rather than by start.
    pub most_expensive: bool,
    /// Those of this user.
    pub user_id: Option<String>,
    /// Those of this agent.
    pub agent_name: Option<String>,
}

/// A question about a window.
#[derive(Debug, Clone, Copy)]
pub enum Analytics {
    /// Totals.
    Overview,
    /// By model.
    Models,
    /// By day.
    Trends,
    /// Costs by model.
    CostBreakdown,
    /// By agent.
    Agents,
}

/// The service's page.
pub const PAGE: u32 = 50;
/// The largest page of messages.
const MESSAGES: u32 = 1_000;

impl Ask {
    /// The path and the query string to `GET`.
    pub fn target(&self) -> String {
        match self {
            Self::Summary(id) => target(&["api", "v1", "sessions", id, "summary"], &[]),
            Self::Timeline(id) => target(&["api", "v1", "sessions", id, "timeline"], &[]),
            Self::SessionMessages(id) => target(&["api", "v1", "sessions", id, "messages"], &[]),
            Self::Request(id) => target(&["api", "v1", "requests", id], &[]),
            Self::RequestMessages(id) => target(&["api", "v1", "requests", id, "messages"], &[]),
            Self::Requests(limit) => target(&["api", "v1", "requests"], &[("limit", limit.to_string())]),
            Self::Sessions(search) => target(&["api", "v1", "sessions"], &search.parameters()),
            Self::Analytics(question, window) => {
                let mut parameters = dates(window);
                if matches!(question, Analytics::CostBreakdown) {
                    parameters.push(("group_by", "model".into()));
                }
                target(&["api", "v1", "analytics", question.path()], &parameters)
            }
            Self::Facets(dimension, window) => target(&["api", "v1", "facets", dimension.word()], &dates(window)),
            Self::Diff(a, b) => {
                let parameters = [("a", a.clone()), ("b", b.clone()), ("content", "none".into())];
                target(&["api", "v1", "sessions", "diff"], &parameters)
            }
            Self::Report(window) => target(&["api", "v1", "reports", "cost"], &dates(window)),
            Self::Health => target(&["health"], &[]),
            Self::Live => target(&["health", "live"], &[]),
        }
    }

    /// Whether the service asks the database at all.
    pub const fn needs_database(&self) -> bool {
        !matches!(self, Self::Live)
    }

    /// Asks the database as the service does, and reads the answer to its end. An answer that is empty is an error:
    /// it would be quick for the wrong reason.
    pub async fn of_database(&self, db: &mut SourceConnection) -> Result<(), DbError> {
        let scope = &Scope::AllRows;
        let found = match self {
            Self::SessionMessages(id) => {
                let mut found = 0;
                content::read_session(db, scope, id, None, MESSAGES, |_| {
                    found += 1;
                    ControlFlow::Continue(())
                })
                .await?;
                found > 0
            }
            Self::Timeline(id) => !sessions::steps(db, scope, id, 20_001).await?.is_empty(),
            Self::Diff(a, b) => {
                let of_a = sessions::steps(db, scope, a, 20_001).await?;
                !of_a.is_empty() && !sessions::steps(db, scope, b, 20_001).await?.is_empty()
            }
            Self::Request(id) => requests::find(db, scope, id).await?.is_some(),
            Self::RequestMessages(id) => content::of_request(db, scope, id).await?.is_some(),
            _ => self.of_facts(&mut db.conn, Source { facts: &db.facts, scope }).await?,
        };
        if found { Ok(()) } else { Err(sqlx::Error::RowNotFound.into()) }
    }

    /// What is asked without content.
    async fn of_facts(&self, conn: &mut Connection, source: Source<'_>) -> sqlx::Result<bool> {
        Ok(match self {
            Self::Summary(id) => sessions::summary(conn, source, id).await?.is_some(),
            Self::Requests(limit) => {
                let window = as_far_as_possible(Utc::now());
                let filter = RequestFilter::default();
                let search = RequestSearch { window, ended_since: None, filter, order: SortOrder::Desc };
                !requests::list(conn, source, &search, None, (limit + 1, 0)).await?.is_empty()
            }
            Self::Sessions(search) => {
                let mut found = sessions::search(conn, source, &search.search(Utc::now()), None, PAGE + 1, 0).await?;
                found.truncate(PAGE as usize);
                let ids: Vec<String> = found.into_iter().map(|position| position.session_id).collect();
                !sessions::summaries(conn, source, &ids).await?.is_empty()
            }
            Self::Facets(dimension, window) => {
                let question = Question::new(*window, RequestFilter::default());
                let query = FacetQuery { dimension: *dimension, prefix: None, limit: PAGE };
                !analytics::facets(conn, source, &question, query).await?.is_empty()
            }
            Self::Analytics(question, window) => question.ask(conn, source, *window).await?,
            Self::Report(window) => {
                let query = ReportQuery {
                    span: Span::between(*window, chrono_tz::Tz::UTC),
                    filter: RequestFilter::default(),
                    top: 10,
                    links: None,
                    budgets: Budgets::default(),
                    charges: false,
                    now: Utc::now(),
                };
                report::cost_report(conn, source, &query).await?.totals.requests > 0
            }
            Self::Health => health::newest_request(conn, source).await?.is_some(),
            _ => true,
        })
    }
}

impl Sessions {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = self.window.as_ref().map(dates).unwrap_or_default();
        if self.most_expensive {
            parameters.push(("sort", "cost".into()));
        }
        parameters.extend(self.user_id.clone().map(|user| ("user_id", user)));
        parameters.extend(self.agent_name.clone().map(|agent| ("agent_name", agent)));
        parameters
    }

    fn search(&self, now: DateTime<Utc>) -> SessionSearch {
        SessionSearch {
            window: self.window.unwrap_or_else(|| as_far_as_possible(now)),
            filter: RequestFilter {
                user_id: self.user_id.iter().cloned().collect(),
                agent_name: self.agent_name.iter().cloned().collect(),
                ..RequestFilter::default()
            },
            id_prefix: None,
            totals: TotalsFilter::default(),
            sort: if self.most_expensive { SessionSort::Cost } else { SessionSort::Start },
            descending: true,
            as_of: now,
        }
    }
}

impl Analytics {
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Models => "models",
            Self::Trends => "usage-trends",
            Self::CostBreakdown => "cost-breakdown",
            Self::Agents => "agents",
        }
    }

    /// Whether there is an answer.
    async fn ask(self, conn: &mut Connection, source: Source<'_>, window: TimeWindow) -> sqlx::Result<bool> {
        let question = Question::new(window, RequestFilter::default());
        let view = View::default();
        Ok(match self {
            Self::Overview => report_total::<Overview>(conn, source, &question, &view).await?.total_requests > 0,
            Self::Models => {
                let keys = [Dimension::Model, Dimension::Provider];
                !analytics::report::<ModelUsage>(conn, source, &question, &keys, &view).await?.is_empty()
            }
            Self::Trends => {
                let days = days_of(window);
                !report_over_time::<UsageTrend>(conn, source, &question, &days, None).await?.is_empty()
            }
            Self::CostBreakdown => {
                !analytics::report::<CostShare>(conn, source, &question, &[Dimension::Model], &view).await?.is_empty()
            }
            Self::Agents => !analytics::report::<AgentPerformance>(conn, source, &question, &[Dimension::Agent], &view)
                .await?
                .is_empty(),
        })
    }
}

/// The window of a list that is asked for without dates.
fn as_far_as_possible(now: DateTime<Utc>) -> TimeWindow {
    TimeWindow { start: now - chrono::Duration::days(traceability_core::time::MAX_DAYS.into()), end: now }
}

/// Where the days of a window begin.
fn days_of(window: TimeWindow) -> Vec<Bucket> {
    let zone = chrono_tz::Tz::UTC;
    let first = day_of(window.start, zone);
    let days = std::iter::successors(Some(first), |day| Some(next_day(*day))).map(|day| start_of_day(day, zone));
    let bucket = |start: DateTime<Utc>| Bucket { start, label: start.date_naive().to_string() };
    days.take_while(|start| *start < window.end).map(bucket).collect()
}

/// The parameters that say the window.
pub fn dates(window: &TimeWindow) -> Vec<(&'static str, String)> {
    let text = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::Millis, true);
    vec![("start_date", text(window.start)), ("end_date", text(window.end))]
}

/// A path and a query string, percent-encoded; ids hold whatever a provider chose.
pub fn target(segments: &[&str], parameters: &[(&str, String)]) -> String {
    let mut url = Url::parse("http://localhost/").expect("a URL");
    url.path_segments_mut().expect("it has a path").clear().extend(segments);
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    url[url::Position::BeforePath..].to_owned()
}
