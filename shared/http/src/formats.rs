//! In which formats a list is asked for. A function answers JSON alone; the local runner writes the others from its pages.

use http::uri::PathAndQuery;
use http::{HeaderMap, Uri, header};
use traceability_core::choice;
use url::form_urlencoded;

use crate::error::{ApiError, ParameterProblem};

choice! {
    /// What a list is written as.
    ExportFormat {
        /// A page, as a JSON array.
        Json = "json",
        /// All rows, one JSON object on each line.
        Jsonl = "jsonl",
        /// All rows, as a table for spreadsheets.
        Csv = "csv",
        /// All rows, as typed columns.
        Parquet = "parquet",
    }
}

impl ExportFormat {
    /// All of them, as a problem lists them.
    const ALL: [Self; 4] = [Self::Json, Self::Jsonl, Self::Csv, Self::Parquet];

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// What the name of a file ends in; also the word of `format`.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// The parameter that names a format. It wins over `Accept`.
pub const FORMAT: &str = "format";

/// What the API document says of it.
pub const DESCRIPTION: &str = "What the answer is written as. `json` is a page, an array. The others are exports, which have all rows that match: \
     `jsonl` (an object on each line), `csv` (a header, then a line for each row; what is an array or an object is JSON text, and \
     what a spreadsheet would take for a formula has an apostrophe before it), or `parquet` (typed columns, costs as decimals). \
     `Accept` asks for the same by `application/x-ndjson`, `text/csv` or `application/vnd.apache.parquet`. An export takes neither \
     `limit` nor a position. Where the service cannot write a format, the answer is 406 and lists those that it can.";

/// The lists that can be exported, by their routes.
pub const LISTS: [&str; 11] = [
    "/api/v1/sessions",
    "/api/v1/sessions/{session_id}/messages",
    "/api/v1/requests",
    "/api/v1/analytics/agents",
    "/api/v1/analytics/models",
    "/api/v1/analytics/users",
    "/api/v1/analytics/usage-trends",
    "/api/v1/analytics/cost-breakdown",
    "/api/v1/analytics/latency",
    "/api/v1/analytics/errors",
    "/api/v1/analytics/tools",
];

/// What an export must not be asked with: it has no pages.
const PAGING: [&str; 4] = ["limit", "offset", "cursor", "around"];

/// The format that a request for one of the [`LISTS`] asks for.
///
/// # Errors
/// [`ApiError`] for a format that does not exist, or one beside a page.
pub fn asked(uri: &Uri, headers: &HeaderMap) -> Result<ExportFormat, ApiError> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    format(&pairs.into_owned().collect::<Vec<_>>(), headers)
}

fn format(pairs: &[(String, String)], headers: &HeaderMap) -> Result<ExportFormat, ApiError> {
    let mut given = pairs.iter().filter(|(name, _)| name == FORMAT);
    let format = match (given.next(), given.next()) {
        (Some(_), Some(_)) => return Err(ParameterProblem::new(FORMAT, "must be given once").into()),
        (Some((_, word)), None) => word.parse().map_err(|allowed: String| ParameterProblem::new(FORMAT, allowed))?,
        (None, _) => accepted(headers),
    };
    if format == ExportFormat::Json {
        return Ok(format);
    }
    let problem = |name: &&str| {
        let detail = format!("must not be given with {}: an export has all rows that match", format.extension());
        ParameterProblem::new(*name, detail)
    };
    let paging = PAGING.iter().filter(|name| pairs.iter().any(|(given, _)| given == **name));
    let problems: Vec<_> = paging.map(problem).collect();
    if problems.is_empty() { Ok(format) } else { Err(ApiError::InvalidParameters(problems)) }
}

/// Refuses every format but JSON: whoever can write another has done so before.
///
/// # Errors
/// [`ApiError`] for a format that does not exist, or that is not written here.
pub(crate) fn only_json(pairs: &[(String, String)], headers: &HeaderMap) -> Result<(), ApiError> {
    match format(pairs, headers)? {
        ExportFormat::Json => Ok(()),
        other => Err(ApiError::NotAcceptable(format!(
            "This service writes this list as json only, not as {}. The local runner writes {}.",
            other.extension(),
            ExportFormat::ALL.map(ExportFormat::extension).join(", ")
        ))),
    }
}

/// The format that `Accept` prefers; JSON where it names none of them.
fn accepted(headers: &HeaderMap) -> ExportFormat {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best = (0.0, ExportFormat::Json);
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |quality| quality.parse().ok());
        let format = match name.as_str() {
            "*/*" | "application/*" => Some(ExportFormat::Json),
            name => ExportFormat::ALL.into_iter().find(|format| format.content_type() == name),
        };
        if let (Some(quality), Some(format)) = (quality, format)
            && quality > best.0
        {
            best = (quality, format);
        }
    }
    best.1
}

/// The address without these parameters.
#[must_use]
pub fn without(uri: &Uri, names: &[&str]) -> Option<Uri> {
    let is_left = |pair: &&str| !names.contains(&pair.split('=').next().unwrap_or_default());
    let query = uri.query()?.split('&').filter(is_left).collect::<Vec<_>>().join("&");
    let target = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(target: &str, accept: Option<&'static str>) -> Result<ExportFormat, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, http::HeaderValue::from_static(accept));
        }
        asked(&target.parse().expect("an address"), &headers)
    }

    #[test]
    fn the_parameter_wins_over_the_header() {
        for (target, accept, expected) in [
            ("/", None, ExportFormat::Json),
            ("/?format=csv", None, ExportFormat::Csv),
            ("/?format=json", Some("text/csv"), ExportFormat::Json),
            ("/?model=a", Some("text/csv"), ExportFormat::Csv),
            ("/", Some("text/html, */*;q=0.8"), ExportFormat::Json),
            ("/", Some("Application/X-NDJSON"), ExportFormat::Jsonl),
            ("/", Some("text/csv;q=0.5, application/json"), ExportFormat::Json),
            ("/", Some("application/json;q=0.5, application/vnd.apache.parquet;q=0.6"), ExportFormat::Parquet),
        ] {
            assert_eq!(ask(target, accept).expect("a format"), expected, "{target} {accept:?}");
        }
        for refused in ["/?format=", "/?format=xlsx", "/?format=csv&format=csv", "/?format=csv&limit=5"] {
            assert!(ask(refused, None).is_err(), "{refused}");
        }
        assert!(ask("/?limit=5&cursor=a", Some("text/csv")).is_err());
    }

    #[test]
    fn an_address_loses_a_parameter_and_nothing_else() {
        let uri: Uri = "/a?format=json&b=%20&formats=1".parse().expect("an address");
        assert_eq!(without(&uri, &[FORMAT]).expect("an address"), "/a?b=%20&formats=1");
    }
}
