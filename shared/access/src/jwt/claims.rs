//! What a token says: whom it is of, whom it is for, from when until when, and who is calling.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::config::JwtConfig;
use super::{Identity, Invalid};

/// Who hands the claims on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The token itself.
    Token,
    /// API Gateway, which writes every value as text: numbers, and lists as `[a b]`.
    Gateway,
}

/// Judges the claims, and says who is calling.
pub(super) fn identity(
    claims: &Map<String, Value>,
    source: Source,
    config: &JwtConfig,
    now: DateTime<Utc>,
) -> Result<Identity, Invalid> {
    let issuer = text(claims.get("iss")).ok_or(Invalid::Issuer)?;
    if config.issuer.as_deref().is_some_and(|expected| expected != issuer) {
        return Err(Invalid::Issuer);
    }
    check_audience(claims, source, config)?;
    let expires = check_times(claims, source, config, now)?;
    let subject = text(claims.get("sub")).ok_or(Invalid::NoSubject)?;
    let names = |claim: &Option<String>| -> Vec<String> {
        claim.as_deref().and_then(|name| find(claims, name)).map(|value| list(value, source)).unwrap_or_default()
    };
    Ok(Identity {
        // An issuer has no fragment, so that no two pairs look the same.
        subject: format!("{issuer}#{subject}"),
        user: text(find(claims, &config.user_claim)).map(str::to_owned),
        teams: names(&config.teams_claim),
        is_admin: names(&config.role_claim).iter().any(|role| config.admin_roles.contains(role)),
        expires,
    })
}

/// What the names of Cognito's issuers begin with.
const COGNITO: &str = "https://cognito-idp.";

fn check_audience(claims: &Map<String, Value>, source: Source, config: &JwtConfig) -> Result<(), Invalid> {
    // The gateway has its own list.
    if source == Source::Gateway && config.audiences.is_empty() {
        return Ok(());
    }
    let audiences = match claims.get("aud") {
        // Of a token, a text is one audience, whatever is in it.
        Some(Value::String(audience)) if source == Source::Token => vec![audience.clone()],
        Some(value) => list(value, source),
        // Cognito's access tokens name the client alone, and the gateway's authorizer takes it for the audience, too.
        None if text(claims.get("iss")).is_some_and(|issuer| issuer.starts_with(COGNITO)) => {
            text(claims.get("client_id")).map(str::to_owned).into_iter().collect()
        }
        None => Vec::new(),
    };
    let ours = audiences.iter().any(|audience| config.audiences.contains(audience));
    ours.then_some(()).ok_or(Invalid::Audience)
}

/// Checks the times, and says when the token ends.
fn check_times(
    claims: &Map<String, Value>,
    source: Source,
    config: &JwtConfig,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Invalid> {
    let time = |name| claims.get(name).map(|value| time(value, source).ok_or(Invalid::Time)).transpose();
    // Spans are compared, not moments: a moment at the end of time has none behind it.
    let ahead = |time: DateTime<Utc>| time.signed_duration_since(now);
    let expires = time("exp")?.ok_or(Invalid::NoExpiry)?;
    if ahead(expires) <= -config.leeway {
        return Err(Invalid::Expired);
    }
    for begin in [time("nbf")?, time("iat")?].into_iter().flatten() {
        if ahead(begin) > config.leeway {
            return Err(Invalid::NotYet);
        }
    }
    Ok(expires)
}

/// A number of seconds since 1970, a fraction left out.
fn time(value: &Value, source: Source) -> Option<DateTime<Utc>> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) if source == Source::Gateway => text.trim().parse().ok()?,
        _ => return None,
    };
    // Beyond the end of chrono's time, and where f64 is exact.
    if !seconds.is_finite() || seconds.abs() > 1e13 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a few lines up it was not too large")]
    DateTime::from_timestamp(seconds.floor() as i64, 0)
}

/// A claim by its name, or else by a path with dots: names may be URLs, and have dots themselves.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let mut steps = name.split('.');
        let first = claims.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.as_object()?.get(step))
    })
}

/// A text that says something.
fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

/// Names: an array of texts, or a text in which commas or spaces separate them. From the gateway, an array is a text in
/// brackets, in which a name with a space cannot be told from two.
fn list(value: &Value, source: Source) -> Vec<String> {
    let not_empty = |name: &&str| !name.is_empty();
    match value {
        Value::Array(values) => {
            let names: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            names.unwrap_or_default().into_iter().filter(not_empty).map(str::to_owned).collect()
        }
        Value::String(text) => {
            let array = || text.trim().strip_prefix('[')?.strip_suffix(']');
            match array().filter(|_| source == Source::Gateway) {
                // A comma within a name is the name's own.
                Some(array) => {
                    let names = array.split_whitespace().map(|name| name.trim_matches(','));
                    names.filter(not_empty).map(str::to_owned).collect()
                }
                None => {
                    text.split(|c: char| c == ',' || c.is_whitespace()).filter(not_empty).map(str::to_owned).collect()
                }
            }
        }
        _ => Vec::new(),
    }
}
