//! What every analytics question can be narrowed by.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use traceability::api::ApiResult;
use traceability::api::window::WindowParams;
use traceability::queries::analytics::Question;
use traceability::queries::filter::RequestFilter;
use traceability::scalar::Text;
use utoipa::IntoParams;

/// Filters on requests.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
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
}

/// The question that the parameters ask.
pub(crate) fn question(window: &WindowParams, filters: &Filters, now: DateTime<Utc>) -> ApiResult<Question> {
    Ok(Question::new(
        window.window(now)?,
        RequestFilter {
            agent_name: Text::of(filters.agent_name.as_ref()),
            user_id: Text::of(filters.user_id.as_ref()),
            model: Text::of(filters.model.as_ref()),
            team_id: Text::of(filters.team_id.as_ref()),
            ..RequestFilter::default()
        },
    ))
}
