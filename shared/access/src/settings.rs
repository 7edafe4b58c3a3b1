//! `AUTH_MODE`: by which ways callers may prove who they are.

use traceability_core::environment::{ConfigError, Environment};

use super::service_keys::{KeyHash, SERVICE_KEYS, hash_of, parse_hash};

/// Who can reach the service, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Programs of this machine.
    ThisMachine,
    /// Others.
    Network,
}

/// The words with which `ALLOW_ANONYMOUS` lets everybody in.
pub const MEANT: &str = "yes-anyone-may-read-every-prompt";

/// The setting that says that everybody may read everything.
pub const ALLOW_ANONYMOUS: &str = "ALLOW_ANONYMOUS";
const AUTH_MODE: &str = "AUTH_MODE";
const MASTER_KEY: &str = "LITELLM_MASTER_KEY";
const MASTER_KEY_SHA256: &str = "LITELLM_MASTER_KEY_SHA256";

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthMode {
    /// Everybody, without a question.
    None,
    /// Who proves who they are by one of these ways.
    Login(Ways),
}

/// Which ways are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ways {
    /// LiteLLM's keys.
    pub(super) litellm: bool,
    /// Tokens of an OIDC issuer.
    pub(super) jwt: bool,
    /// Service keys.
    pub(super) keys: bool,
}

impl AuthMode {
    /// Reads the setting, and that it does not contradict what is set beside it.
    ///
    /// # Errors
    /// [`ConfigError`], also where everybody could read everything and nobody has said that this is meant.
    pub(super) fn from_environment(environment: &Environment, exposure: Exposure) -> Result<Self, ConfigError> {
        let error = |name, reason: String| Err(ConfigError { name, reason });
        let mode = match (environment.get(AUTH_MODE), exposure) {
            (Some(setting), _) => Self::parse(setting)?,
            (None, Exposure::ThisMachine) => Self::None,
            (None, Exposure::Network) => {
                return error(
                    AUTH_MODE,
                    "must say how callers prove who they are: litellm, jwt, keys, or several of these separated by \
                     commas"
                        .into(),
                );
            }
        };
        match environment.get(ALLOW_ANONYMOUS) {
            Some(words) if words != MEANT => return error(ALLOW_ANONYMOUS, format!("must be {MEANT}, or not be set")),
            Some(_) if mode != Self::None => return error(ALLOW_ANONYMOUS, "is for AUTH_MODE=none only".into()),
            None if mode == Self::None && exposure == Exposure::Network => {
                return error(
                    AUTH_MODE,
                    format!(
                        "none lets whoever reaches this service read every prompt in the log. Choose litellm, jwt or \
                         keys; or, if you mean it, set {ALLOW_ANONYMOUS}={MEANT}"
                    ),
                );
            }
            _ => {}
        }
        let ways = mode.ways();
        for (open, word, setting) in [(ways.keys, "keys", SERVICE_KEYS), (ways.jwt, "jwt", "JWT_ISSUER")] {
            if environment.get(setting).is_some() && !open {
                return error(AUTH_MODE, format!("must contain {word} where {setting} is set"));
            }
        }
        if ways.keys && environment.get(SERVICE_KEYS).is_none() {
            return error(
                SERVICE_KEYS,
                "must be set where AUTH_MODE contains keys; `make service-key` makes one".into(),
            );
        }
        Ok(mode)
    }

    /// The ways that are open; none where nobody is asked.
    pub(super) fn ways(self) -> Ways {
        match self {
            Self::None => Ways::default(),
            Self::Login(ways) => ways,
        }
    }

    fn parse(setting: &str) -> Result<Self, ConfigError> {
        let invalid = |reason: &str| ConfigError { name: AUTH_MODE, reason: reason.to_owned() };
        let words: Vec<&str> = setting.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        if words == ["none"] {
            return Ok(Self::None);
        }
        let mut ways = Ways::default();
        for word in words {
            match word {
                "litellm" => ways.litellm = true,
                "jwt" => ways.jwt = true,
                "keys" => ways.keys = true,
                "none" => return Err(invalid("none stands alone: with it, nobody has to log in any other way")),
                _ => return Err(invalid(ALLOWED)),
            }
        }
        if ways == Ways::default() { Err(invalid(ALLOWED)) } else { Ok(Self::Login(ways)) }
    }
}

const ALLOWED: &str = "must be litellm, jwt, keys, several of these separated by commas, or none";

/// The hash of LiteLLM's master key: given as such, so that no environment has to hold the key, or as the key itself.
///
/// # Errors
/// [`ConfigError`] where it is none, or the two differ.
pub(super) fn master_key(environment: &Environment) -> Result<Option<KeyHash>, ConfigError> {
    let given = environment.get(MASTER_KEY).map(hash_of);
    let hash = environment.get(MASTER_KEY_SHA256).map(|text| {
        parse_hash(text).ok_or(ConfigError {
            name: MASTER_KEY_SHA256,
            reason: "must be 64 hexadecimal digits: printf %s \"$LITELLM_MASTER_KEY\" | sha256sum".into(),
        })
    });
    match (given, hash.transpose()?) {
        (Some(given), Some(hash)) if given != hash => Err(ConfigError {
            name: MASTER_KEY_SHA256,
            reason: "is not that of LITELLM_MASTER_KEY: set one of the two".into(),
        }),
        (given, hash) => Ok(given.or(hash)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(pairs: &[(&str, &str)], exposure: Exposure) -> Result<AuthMode, ConfigError> {
        AuthMode::from_environment(&pairs.iter().copied().collect(), exposure)
    }

    #[test]
    fn without_a_login_only_this_machine_is_served() {
        assert_eq!(mode(&[], Exposure::ThisMachine).expect("the default"), AuthMode::None);
        assert_eq!(mode(&[("AUTH_MODE", "none")], Exposure::ThisMachine).expect("explicit"), AuthMode::None);
        assert!(mode(&[], Exposure::Network).is_err());
        assert!(mode(&[("AUTH_MODE", "none")], Exposure::Network).is_err());
        for words in ["yes", "true", "YES-ANYONE-MAY-READ-EVERY-PROMPT"] {
            assert!(mode(&[("AUTH_MODE", "none"), (ALLOW_ANONYMOUS, words)], Exposure::Network).is_err(), "{words}");
        }
        // The second setting alone does not open anything.
        assert!(mode(&[(ALLOW_ANONYMOUS, MEANT)], Exposure::Network).is_err());
        assert!(mode(&[("AUTH_MODE", "litellm"), (ALLOW_ANONYMOUS, MEANT)], Exposure::Network).is_err());
        assert_eq!(
            mode(&[("AUTH_MODE", "none"), (ALLOW_ANONYMOUS, MEANT)], Exposure::Network).expect("meant"),
            AuthMode::None
        );
    }

    #[test]
    fn several_ways_may_be_open() {
        let both = mode(&[("AUTH_MODE", " litellm, keys"), (SERVICE_KEYS, "[]")], Exposure::Network).expect("two");
        assert_eq!(both, AuthMode::Login(Ways { litellm: true, keys: true, jwt: false }));
        for setting in ["", ",", "all", "litellm,none", "litellm jwt", "LITELLM"] {
            assert!(mode(&[("AUTH_MODE", setting)], Exposure::Network).is_err(), "{setting}");
        }
    }

    #[test]
    fn what_is_set_is_used() {
        for (pairs, named) in [
            (&[("AUTH_MODE", "keys")][..], SERVICE_KEYS),
            (&[("AUTH_MODE", "litellm"), (SERVICE_KEYS, "[]")], AUTH_MODE),
            (&[("AUTH_MODE", "litellm"), ("JWT_ISSUER", "https://login.example.com")], AUTH_MODE),
            (&[("JWT_ISSUER", "https://login.example.com")], AUTH_MODE),
        ] {
            assert_eq!(mode(pairs, Exposure::ThisMachine).expect_err("a contradiction").name, named, "{pairs:?}");
        }
    }

    #[test]
    fn the_master_key_is_known_by_its_hash() {
        let read = |pairs: &[(&str, &str)]| master_key(&pairs.iter().copied().collect());
        let hash = "70c7ebc9e8f57a0a2d50f3ac2b53c1ee7a3ae40ecd7eb5f3e73d0a4d7c9a7b9e";
        assert!(matches!(read(&[]), Ok(None)));
        assert_eq!(read(&[(MASTER_KEY, "sk-1234")]).ok().flatten(), Some(hash_of("sk-1234")));
        assert_eq!(read(&[(MASTER_KEY_SHA256, hash)]).ok().flatten(), parse_hash(hash));
        assert!(read(&[(MASTER_KEY_SHA256, "sk-1234")]).is_err_and(|error| !error.to_string().contains("sk-1234")));
        assert!(read(&[(MASTER_KEY, "sk-1234"), (MASTER_KEY_SHA256, hash)]).is_err());
    }
}
