//! Tokens that RDS takes for a password: a signed address, valid for 15 minutes.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

use super::login_error::LoginError;

/// How long RDS takes a token for a login.
const VALID_FOR: Duration = Duration::from_mins(15);
/// For how long we use one: what is left is for slow clocks and slow connects.
const USE_FOR: Duration = Duration::from_mins(10);

/// A token and when it was signed, by the wall clock: a monotonic one stops while a Lambda environment is frozen.
pub(super) struct Token {
    text: String,
    signed_at: SystemTime,
}

impl Token {
    /// Signs a token for a user of a server, without asking anyone.
    pub(super) fn sign(
        host: &str,
        port: u16,
        user: &str,
        region: &str,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Self, LoginError> {
        let failed = |_| LoginError::new("the token for RDS cannot be signed: check the host and user of DATABASE_URL");
        let mut url = Url::parse(&format!("https://{host}:{port}/"))
            .map_err(|_| LoginError::new("the host of DATABASE_URL is none"))?;
        url.query_pairs_mut().append_pair("Action", "connect").append_pair("DBUser", user);
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(VALID_FOR);
        settings.signature_location = SignatureLocation::QueryParams;
        let identity = credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("rds-db")
            .time(now)
            .settings(settings)
            .build()
            .map_err(|_| LoginError::new("the token for RDS cannot be signed"))?
            .into();
        let request =
            SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[])).map_err(failed)?;
        let (instructions, _) = sign(request, &parameters).map_err(failed)?.into_parts();
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        let text = url.as_str().trim_start_matches("https://").to_owned();
        Ok(Self { text, signed_at: now })
    }

    /// The token, in place of a password.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a connection that is begun now may use it.
    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        now.duration_since(self.signed_at).is_ok_and(|age| age < USE_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "litellm.abc123.eu-west-1.rds.amazonaws.com";
    /// 2026-11-23T12:00:00Z
    const NOON: Duration = Duration::from_hours(498_732);

    fn token(user: &str, session: Option<&str>) -> Token {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, session.map(str::to_owned), None, "test");
        let now = SystemTime::UNIX_EPOCH + NOON;
        Token::sign(HOST, 5432, user, "eu-west-1", &credentials, now).expect("a token")
    }

    /// As the SDK for Python (`generate_db_auth_token`) signs them for the same credentials and moment.
    #[test]
    fn tokens_are_those_that_aws_makes() {
        assert_eq!(
            token("reader", None).as_str(),
            "litellm.abc123.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=reader&\
             X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Feu-west-1%2Frds-db%2Faws4_request&\
             X-Amz-Date=20261123T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
             X-Amz-Signature=a98b36853f58d417bbf3f0c8f1a5fee100ff1a5745442acafb713c97052dcbfe"
        );
        let signature = |text: &str| text.split_once("X-Amz-Signature=").map(|(_, hex)| hex[..64].to_owned());
        assert_eq!(
            signature(token("reader one", Some("session/token+==")).as_str()).as_deref(),
            Some("386c497e828bfa979b80fd3d4e5a85c8d8e8088ce94f81df6f37693d57288868")
        );
    }

    #[test]
    fn a_token_is_used_for_ten_of_its_fifteen_minutes() {
        let (token, noon) = (token("reader", None), SystemTime::UNIX_EPOCH + NOON);
        assert!(token.is_fresh(noon + Duration::from_mins(9)));
        assert!(!token.is_fresh(noon + Duration::from_mins(10)));
        // A clock that was set back says nothing about a token's age.
        assert!(!token.is_fresh(noon - Duration::from_secs(1)));
    }
}
