//! The report as a document.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use traceability_core::choice;
use traceability_core::money::Money;
use traceability_core::scalar::Origin;
use traceability_queries::filter::RequestFilter;
use utoipa::ToSchema;

use super::forms::Form;
use super::period::Period;

/// What was spent in a time, by whom and on what, how that compares, what is unusual, and where the month will end. Amounts
/// are not rounded: the rows of a breakdown sum to the total, digit for digit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostReport {
    /// The report's time: `2026-11-03`, `2026-W45`, `2026-11`, or from when to when.
    #[schema(example = "2026-11")]
    pub label: String,
    /// Whether that is a whole day, week (from Monday on) or calendar month; null for any other window.
    pub period: Option<Period>,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it is over; this instant does not belong to it.
    pub end: DateTime<Utc>,
    /// The time zone in which days begin.
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// Which requests the report is about.
    pub filters: Filters,
    /// When the report was made; null in answers of the API, which say as of when they are in `X-As-Of`.
    pub generated_at: Option<DateTime<Utc>>,
    /// The first request that is known of those the reader may see, whatever the filters; null if there is none. It is looked
    /// for up to a month before the same time a year ago.
    pub data_since: Option<DateTime<Utc>>,
    /// The figures of the time.
    pub totals: Totals,
    /// The figures of the time before, and of the same time a month and a year ago.
    pub comparisons: Vec<Comparison>,
    /// The spend of each day.
    pub days: Vec<DaySpend>,
    /// The spend of each of the 28 days before, from the one on in which the log begins.
    pub days_before: Vec<DaySpend>,
    /// The spend by each dimension.
    pub breakdowns: Vec<Breakdown>,
    /// The most expensive sessions with a request in this time, by what they cost in all.
    pub sessions: Vec<ExpensiveSession>,
    /// What was seen for the first time.
    pub first_seen: FirstSeen,
    /// What is unusual.
    pub anomalies: Anomalies,
    /// Where the month will end.
    pub forecast: Forecast,
    /// What was used of the budgets.
    pub budgets: Vec<BudgetUse>,
    /// What the log does not tell, or tells wrong.
    pub quality: Quality,
    /// The lines of the FOCUS form, which are of no other.
    #[serde(skip)]
    #[schema(ignore)]
    pub charges: Vec<Charge>,
}

impl CostReport {
    /// A name for its file.
    #[must_use]
    pub fn file_name(&self, form: Form) -> String {
        let safe = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
        let label: String = self.label.chars().map(safe).collect();
        format!("cost-report-{label}.{}", form.extension())
    }
}

/// The filters of a report; those that are null let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Filters {
    /// The team.
    pub team_id: Option<String>,
    /// The agent.
    pub agent_name: Option<String>,
    /// The LiteLLM user.
    pub user_id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Who made the requests.
    pub origin: Option<Origin>,
}

impl Filters {
    /// Those of a filter that reports have, each with one value.
    #[must_use]
    pub fn of(filter: &RequestFilter) -> Self {
        Self {
            team_id: filter.team_id.first().cloned(),
            agent_name: filter.agent_name.first().cloned(),
            user_id: filter.user_id.first().cloned(),
            model: filter.model.first().cloned(),
            origin: filter.origin,
        }
    }
}

/// The figures of a time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// US dollars.
    pub spend: Money,
    /// Requests.
    pub requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// Tokens of the prompts.
    pub prompt_tokens: i64,
    /// Tokens of the completions.
    pub completion_tokens: i64,
    /// Prompt tokens that the providers read from their own caches; null where LiteLLM kept no usage and, without an index,
    /// in comparisons, since it would cost a reading of every request's metadata.
    pub cached_tokens: Option<i64>,
    /// Sessions with a request in the time.
    pub sessions: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// Requests that LiteLLM's own response cache answered.
    pub cache_hits: i64,
    /// What these would have cost, at the model's spend divided by its requests that were answered and not from the cache.
    /// An estimate; models without any such request count for nothing, and it is null if there are no others.
    pub cache_savings: Option<Money>,
}

choice! {
    /// What a report's time is compared with.
    Against {
        /// The period before, as many days, or as long a time.
        Previous = "previous",
        /// The same period, or as many days, a month ago; of a week the one four weeks ago.
        MonthAgo = "month_ago",
        /// The same a year ago; of a week the one 52 weeks ago.
        YearAgo = "year_ago",
    }
}

choice! {
    /// How much of a time is known.
    Coverage {
        /// All of it.
        Whole = "whole",
        /// The log begins in the middle of it.
        Partly = "partly",
        /// The log begins later.
        Unknown = "unknown",
    }
}

/// Another time's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// Which time that is.
    pub against: Against,
    /// How it is called.
    pub label: String,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it is over.
    pub end: DateTime<Utc>,
    /// How much of it is known.
    #[serde(rename = "reach")]
    pub coverage: Coverage,
    /// The figures; null where nothing of the time is known.
    pub totals: Option<Totals>,
    /// By how many in 100 the report's spend differs from that one; null where that one is 0 or not wholly known.
    pub spend_change_percent: Option<f64>,
}

/// What a day cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DaySpend {
    /// The day, on the calendar of the time zone.
    pub day: NaiveDate,
    /// US dollars, of the part of the day that belongs to the report's time.
    pub spend: Money,
    /// Requests.
    pub requests: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// All tokens.
    pub total_tokens: i64,
}

choice! {
    /// What a breakdown is by.
    BreakdownBy {
        /// The key's team.
        Team = "team",
        /// The agent.
        Agent = "agent",
        /// The LiteLLM user who owns the key.
        User = "user",
        /// The model's public name.
        Model = "model",
        /// The provider.
        Provider = "provider",
        /// The virtual key, by its hash.
        Key = "key",
        /// The end user that the caller named.
        EndUser = "end_user",
    }
}

/// The spend by one dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdown {
    /// The dimension.
    pub by: BreakdownBy,
    /// The most expensive first, then all others as one. They sum to the total.
    pub rows: Vec<Share>,
}

/// What one of them cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// Its id; `unknown` for requests that have none; null for all others as one.
    pub id: Option<String>,
    /// Its name, where LiteLLM has one: a team's or a key's alias.
    pub label: Option<String>,
    /// US dollars.
    pub spend: Money,
    /// Percentage of the total, 0 to 100 also where refunds make a row cost more than the total, or less than nothing.
    pub percent: f64,
    /// Requests.
    pub requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// Requests that failed.
    pub failed_requests: i64,
    /// What it cost in the time before, all others as one those of that time; null where that time is not wholly known, and of
    /// agents where they are not looked for in the time before, as in `first_seen`.
    pub previous_spend: Option<Money>,
}

/// An expensive session, all of it: with its requests before and after the report's time, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpensiveSession {
    /// Its id.
    pub session_id: String,
    /// What it cost in all.
    pub spend: Money,
    /// Its requests.
    pub requests: i64,
    /// Their tokens.
    pub total_tokens: i64,
    /// The start of the first request.
    pub session_start: DateTime<Utc>,
    /// The start of the latest request.
    pub last_activity: DateTime<Utc>,
    /// The agent of the most requests, `unknown` if nobody named one.
    pub agent_name: String,
    /// The LiteLLM user of the most requests, `unknown` if none is known.
    pub user_id: String,
    /// Where the API shows the session; null where reports were not told where the API is.
    pub link: Option<String>,
}

/// What had a request in the report's time and none in the time looked back over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstSeen {
    /// From when to the start of the report's time was looked back: 90 days, or as far as the log reaches; null where it does
    /// not reach before the report's time, so that nothing can be told.
    pub since: Option<DateTime<Utc>>,
    /// Models, the most expensive first.
    pub models: Vec<FirstSeenGroup>,
    /// Agents, the most expensive first; null where they are not looked for: without an index, in a log with many requests, of
    /// which each one's metadata would have to be read.
    pub agents: Option<Vec<FirstSeenGroup>>,
    /// LiteLLM users, the most expensive first.
    pub users: Vec<FirstSeenGroup>,
}

/// A model, agent or user that was seen for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstSeenGroup {
    /// Its id.
    pub id: String,
    /// What it cost in the report's time.
    pub spend: Money,
    /// Its requests in the report's time.
    pub requests: i64,
}

/// Days that cost much more or less than is usual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Anomalies {
    /// How it was looked for.
    pub method: String,
    /// The days: those of all requests first, then the others, each by how many dollars they are away.
    pub found: Vec<Anomaly>,
}

/// A day that cost much more or less than is usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Anomaly {
    /// The day, on the calendar of the time zone.
    pub day: NaiveDate,
    /// Of what; null for all that was spent.
    pub by: Option<BreakdownBy>,
    /// Of which one; null for all that was spent.
    pub id: Option<String>,
    /// Its name, where LiteLLM has one.
    pub label: Option<String>,
    /// What it cost that day.
    pub spend: Money,
    /// The median of the days before.
    pub median: Money,
    /// The median of how far those days are from their median.
    pub mad: Money,
    /// How many of these, scaled as a standard deviation is, the day is away from the median; null where all days before cost
    /// the same.
    pub deviations: Option<f64>,
    /// How many days those are.
    pub days: u32,
    /// All of this in words.
    pub text: String,
}

/// Where the month will end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Forecast {
    /// The calendar month in which the report's time ends.
    #[schema(example = "2026-11")]
    pub month: String,
    /// Up to when its spend is known: the end of the report's time or of the month, or now.
    pub until: DateTime<Utc>,
    /// What was spent in it until then.
    pub spent: Money,
    /// What will have been spent when it is over; null where that cannot be told.
    pub expected: Option<Money>,
    /// The lower end of the interval in which that lies in 80 of 100 cases.
    pub low: Option<Money>,
    /// Its upper end.
    pub high: Option<Money>,
    /// How it was estimated, or why it was not.
    pub method: String,
}

/// What the log does not tell, or tells wrong. What is null is not known: of more than two million requests not each one is
/// looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// Requests that were answered and have tokens but cost nothing, without those that LiteLLM's own response cache answered.
    pub unpriced_requests: Option<i64>,
    /// Their tokens.
    pub unpriced_tokens: Option<i64>,
    /// The models none of whose requests with tokens cost anything, those of the most such requests first; 20 at most.
    pub unpriced_models: Option<Vec<UnpricedModel>>,
    /// Requests to which the caller gave no session.
    pub requests_without_session: Option<i64>,
    /// Requests whose `metadata.cost_breakdown` has a cost that `spend` lacks; null over an index, which has no copy of it.
    pub requests_with_lost_cost: Option<i64>,
    /// How much that is in all. It is in no other figure of this report.
    pub lost_cost: Option<Money>,
    /// Requests that are marked as doubtful, by what is doubtful about them. An index counts what it was told: of requests that
    /// LiteLLM's log had lost when it began to note this, it knows `ends_before_start` and `time_out_of_range` only.
    pub flags: Option<Vec<FlaggedRequests>>,
    /// Requests by who made them, and what they cost; all of it is in the totals. Without an index null for more than 50,000
    /// requests, since it takes reading the metadata of each.
    pub origins: Option<Vec<RequestsOfOrigin>>,
}

/// Requests with one mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlaggedRequests {
    /// The mark, as `data_quality` of a request has it.
    #[schema(example = "no_usage")]
    pub flag: String,
    /// Requests that have it.
    pub requests: i64,
    /// What it means.
    pub description: String,
}

/// Requests of one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestsOfOrigin {
    /// Who made them; `unknown` where LiteLLM's log had lost them when the index began to note it.
    pub origin: Origin,
    /// Requests.
    pub requests: i64,
    /// US dollars.
    pub cost: Money,
}

/// A model without a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnpricedModel {
    /// The model's public name.
    pub model: String,
    /// Its requests that have tokens.
    pub requests: i64,
    /// Their tokens.
    pub total_tokens: i64,
}

/// A line of the FOCUS form: what was charged for one day, model, provider, agent, user, team and key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// When the day, or the part of it that belongs to the report's time, begins.
    pub start: DateTime<Utc>,
    /// When it is over.
    pub end: DateTime<Utc>,
    /// Whether it is all charges of the day beyond the most expensive.
    pub other: bool,
    /// The model's public name.
    pub model: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The agent.
    pub agent_name: Option<String>,
    /// The LiteLLM user.
    pub user_id: Option<String>,
    /// The end user.
    pub end_user: Option<String>,
    /// The session, where all requests of the charge are of one.
    pub session_id: Option<String>,
    /// The team.
    pub team_id: Option<String>,
    /// The team's alias.
    pub team_label: Option<String>,
    /// The key's hash.
    pub key: Option<String>,
    /// The key's alias.
    pub key_label: Option<String>,
    /// Requests.
    pub requests: i64,
    /// All tokens.
    pub total_tokens: i64,
    /// US dollars.
    pub spend: Money,
}

choice! {
    /// Whose budget it is.
    BudgetOf {
        /// All that is spent.
        Total = "total",
        /// A team's.
        Team = "team",
        /// An agent's.
        Agent = "agent",
        /// A LiteLLM user's.
        User = "user",
    }
}

/// What was used of a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetUse {
    /// Whose it is.
    pub of: BudgetOf,
    /// Their id; null for all.
    pub id: Option<String>,
    /// Their name, where LiteLLM has one: a team's.
    pub label: Option<String>,
    /// The calendar month in the report's time zone.
    #[schema(example = "2026-11")]
    pub month: String,
    /// Up to when it was counted: the end of the report's time or of the month, or now.
    pub until: DateTime<Utc>,
    /// What may be spent in the month.
    pub amount: Money,
    /// What was.
    pub spent: Money,
    /// How many in 100 of the amount that is.
    pub used_percent: f64,
    /// What will have been spent at the end of the month, estimated as the forecast is; null where it cannot be.
    pub projected: Option<Money>,
    /// By how much that is more than the amount; 0 if it is not, null where it cannot be estimated.
    pub projected_overrun: Option<Money>,
}
