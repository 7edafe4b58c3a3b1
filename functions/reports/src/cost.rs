//! `GET /api/v1/reports/cost`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use traceability_core::moment::{Moment, TimeZone};
use traceability_core::scalar::Bounded;
use traceability_core::time::day_of;
use traceability_http::error::ParameterProblem;
use traceability_http::filters::ReportFilters;
use traceability_http::params::Query2;
use traceability_http::window::{cache_policy, resolve};
use traceability_http::{ApiError, ApiResult, AppState, CachePolicy, Caller, Problem};
use traceability_queries::Source;
use traceability_report::{CostReport, Form, Period, ReportQuery, Span, cost_report, render};
use utoipa::IntoParams;

/// What the report is about, and what it is written as.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Params {
    /// The day, week (from Monday on) or calendar month of `timezone` to which `start_date` belongs; the last whole one
    /// without a `start_date`. `day`, if no dates are given. Not together with `end_date`.
    #[param(inline, required = false)]
    period: Option<Period>,
    /// The start of any other window, which belongs to it: RFC 3339 (no offset means UTC), or a date, which means the start
    /// of that day in `timezone`.
    #[param(value_type = Option<String>, example = "2026-11-01")]
    start_date: Option<Moment>,
    /// The end of that window, which does not belong to it; now, if not given. A window has 366 days at most.
    #[param(value_type = Option<String>, example = "2026-12-01")]
    end_date: Option<Moment>,
    /// The IANA time zone in which days, weeks and months begin.
    #[serde(default)]
    #[param(value_type = Option<String>, default = "UTC", example = "Europe/Berlin")]
    timezone: TimeZone,
    /// What the report is written as: `json`, `csv` (one line per value of each dimension), `focus` (a CSV with the columns of
    /// FOCUS 1.2, one line per day, model, provider, agent, user, team and key), `markdown`, or `html`, one page without
    /// anything beside it.
    #[param(inline, required = false)]
    format: Option<Form>,
    /// How many rows each breakdown has beside all others as one, and how many sessions there are, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 10)]
    top: Option<Bounded<1, 100>>,
}

impl Params {
    fn span(&self, state: &AppState) -> Result<(CachePolicy, Span), ParameterProblem> {
        let (zone, now) = (self.timezone.0, state.clock.now());
        let period = match (self.period, self.start_date, self.end_date) {
            (Some(_), _, Some(_)) => {
                return Err(ParameterProblem::new("period", "must not be combined with end_date"));
            }
            (Some(period), Some(start), None) => Some(Span::of(period, zone, day_of(start.instant(zone), zone))),
            (Some(period), None, None) => Some(Span::last(period, zone, now)),
            (None, None, None) => Some(Span::last(Period::Day, zone, now)),
            (None, ..) => None,
        };
        let Some(span) = period else {
            let window = resolve(self.start_date, self.end_date, self.timezone, 30, now)?;
            return Ok((cache_policy(self.end_date, self.timezone), Span::between(window, zone)));
        };
        let edge = |instant| Some(Moment::Instant(instant));
        resolve(edge(span.window.start), edge(span.window.end), self.timezone, 30, now)?;
        Ok((CachePolicy::RevalidateAfter(span.window.end), span))
    }
}

/// Report costs
///
/// What was spent in a day, week, month or any other window, by whom and on what, how that compares, what is unusual, and where
/// the month will end; of the requests that the caller may see. Each of its figures is that of the other endpoints for the
/// same window. Amounts are not rounded, and the rows of each breakdown sum to the total.
#[utoipa::path(
    get,
    path = "/api/v1/reports/cost",
    tag = "reports",
    params(Params, ReportFilters),
    responses(
        (status = 200, description = "The report", content(
            (CostReport = "application/json"),
            (String = "text/csv"),
            (String = "text/markdown"),
            (String = "text/html"),
        )),
        (status = "4XX", description = "A parameter is not allowed", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The database did not answer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_cost_report(
    State(state): State<AppState>,
    caller: Caller,
    Query2(params, filters): Query2<Params, ReportFilters>,
) -> ApiResult<Response> {
    let form = params.format.unwrap_or(Form::Json);
    let (cache, span) = params.span(&state)?;
    let query = ReportQuery {
        span,
        filter: filters.request_filter(),
        top: params.top.map_or(10, |top| top.0),
        links: state.reports.links.clone(),
        budgets: state.reports.budgets.clone(),
        charges: form == Form::Focus,
        now: state.clock.now(),
    };
    let mut db = state.db.connect().await?;
    let source = Source { facts: &db.facts, scope: caller.scope() };
    let mut report = cost_report(&mut db.conn, source, &query).await?;
    // A copy of the same figures stays good, whenever they were asked for.
    report.generated_at = None;
    let text = render(&report, form).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok((cache, headers(&report, form), text).into_response())
}

fn headers(report: &CostReport, form: Form) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    let name = format!("inline; filename=\"{}\"", report.file_name(form));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    // The page needs its own styles and pictures, and nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers
}
