//! The filters on requests that the questions about a window share.

use serde::Deserialize;
use traceability_core::scalar::{Origin, Text, Texts};
use traceability_queries::filter::RequestFilter;
use traceability_queries::request_filter;
use utoipa::IntoParams;

/// Filters on requests. Several values of one mean any of them.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// Only requests of this agent; `unknown` for those that name none.
    #[param(inline, required = false)]
    agent_name: Option<Texts>,
    /// Only requests of this LiteLLM user; `unknown` for none.
    #[param(inline, required = false)]
    user_id: Option<Texts>,
    /// Only requests of this end user, whom the caller named; `unknown` for none.
    #[param(inline, required = false)]
    end_user: Option<Texts>,
    /// Only requests to this model, by its public name or as LiteLLM wrote it.
    #[param(inline, required = false)]
    model: Option<Texts>,
    /// Only requests to this provider; `unknown` for none.
    #[param(inline, required = false)]
    provider: Option<Texts>,
    /// Only requests of this team; `unknown` for none.
    #[param(inline, required = false)]
    team_id: Option<Texts>,
    /// Only requests with this virtual key: its hash, or its alias in LiteLLM's key table; `unknown` for none.
    #[param(inline, required = false)]
    key: Option<Texts>,
    /// Only requests with this tag; `untagged` for those without any. An answer with this filter reads every request.
    #[param(inline, required = false)]
    tag: Option<Texts>,
    /// Only requests of this session.
    #[param(inline, required = false)]
    session_id: Option<Texts>,
    /// Only requests of this origin: `user` leaves out LiteLLM's own calls (`internal`) and mere reads (`read`); `unknown` for
    /// those that LiteLLM's log had lost when the index began to note it. An answer with this filter reads every request.
    #[param(inline, required = false)]
    origin: Option<Origin>,
}

impl Filters {
    /// What the requests must be.
    #[must_use]
    pub fn request_filter(&self) -> RequestFilter {
        request_filter!(self, agent_name, user_id, end_user, model, provider, team_id, key, tag, session_id, origin)
    }
}

/// Filters of a report on requests.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportFilters {
    /// Only requests of this agent; `unknown` for those that name none.
    #[param(value_type = Option<String>)]
    agent_name: Option<Text>,
    /// Only requests of this LiteLLM user; `unknown` for none.
    #[param(value_type = Option<String>)]
    user_id: Option<Text>,
    /// Only requests to this model, by its public name or as LiteLLM wrote it.
    #[param(value_type = Option<String>)]
    model: Option<Text>,
    /// Only requests of this team; `unknown` for none.
    #[param(value_type = Option<String>)]
    team_id: Option<Text>,
    /// Only requests of this origin: `user` leaves out LiteLLM's own calls (`internal`) and mere reads (`read`); `unknown` for
    /// those that LiteLLM's log had lost when the index began to note it. An answer with this filter reads every request.
    #[param(inline, required = false)]
    origin: Option<Origin>,
}

impl ReportFilters {
    /// What the requests must be.
    #[must_use]
    pub fn request_filter(&self) -> RequestFilter {
        request_filter!(self, agent_name, user_id, model, team_id, origin)
    }
}
