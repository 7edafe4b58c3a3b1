//! Keys of this service's own, for dashboards and other programs. Only their hashes are configured.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use traceability_core::environment::{ConfigError, Environment};
use traceability_core::scope::{OwnRows, Scope};

use super::{ContentAccess, ContentRight, Login, Principal};

/// The SHA-256 of a key.
pub(super) type KeyHash = [u8; 32];

/// The hash that stands for a key.
pub(super) fn hash_of(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// A hash as settings have it: 64 hexadecimal digits.
pub(super) fn parse_hash(text: &str) -> Option<KeyHash> {
    let mut hash = KeyHash::default();
    hex::decode_to_slice(text.trim(), &mut hash).ok().map(|()| hash)
}

/// The principals of `SERVICE_KEYS`, by their keys' hashes.
pub(super) type ServiceKeys = HashMap<KeyHash, Arc<Principal>>;

/// One key as it is configured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configured {
    name: String,
    sha256: String,
    scope: ConfiguredScope,
    #[serde(default)]
    content: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ConfiguredScope {
    Word(String),
    Owners(ConfiguredOwners),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfiguredOwners {
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    agents: Vec<String>,
}

/// The setting's name.
pub(super) const SERVICE_KEYS: &str = "SERVICE_KEYS";

const SHAPE: &str = "must be a JSON list such as [{\"name\": \"dashboard\", \"sha256\": \"<64 hexadecimal digits>\", \
     \"scope\": \"all\", \"content\": false}], where a scope is \"all\" or {\"teams\": [], \"users\": [], \"agents\": []}";

/// Reads `SERVICE_KEYS`.
pub(super) fn from_environment(environment: &Environment, content: ContentAccess) -> Result<ServiceKeys, ConfigError> {
    let invalid = |reason: String| ConfigError { name: SERVICE_KEYS, reason };
    let Some(setting) = environment.get(SERVICE_KEYS) else { return Ok(ServiceKeys::new()) };
    // Its text could quote the setting; where it went wrong is enough.
    let configured: Vec<Configured> = serde_json::from_str(setting)
        .map_err(|error| invalid(format!("{SHAPE}; it went wrong at column {}", error.column())))?;
    let mut keys = ServiceKeys::new();
    for key in configured {
        let name = key.name.trim();
        let known = keys.values().any(|principal| principal.name == name);
        if name.is_empty() || known {
            return Err(invalid("each key needs a name of its own".into()));
        }
        let hash = parse_hash(&key.sha256)
            .ok_or_else(|| invalid(format!("the sha256 of {name} must be 64 hexadecimal digits")))?;
        let principal = Principal {
            login: Login::ServiceKey,
            name: name.to_owned(),
            key: None,
            scope: key.scope.scope().ok_or_else(|| {
                invalid(format!("the scope of {name} must be \"all\", or name teams, users or agents"))
            })?,
            content: if key.content && content != ContentAccess::None { ContentRight::All } else { ContentRight::None },
        };
        if keys.insert(hash, Arc::new(principal)).is_some() {
            return Err(invalid(format!("the key of {name} is that of another name, too")));
        }
    }
    Ok(keys)
}

impl ConfiguredScope {
    /// None where it names nobody: that is never meant.
    fn scope(self) -> Option<Scope> {
        match self {
            Self::Word(word) => (word == "all").then_some(Scope::AllRows),
            Self::Owners(owners) => {
                let own = OwnRows::default().of_users(owners.users).of_teams(owners.teams).of_agents(owners.agents);
                (own != OwnRows::default()).then_some(Scope::Own(own))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(setting: &str, content: ContentAccess) -> Result<ServiceKeys, ConfigError> {
        from_environment(&[(SERVICE_KEYS, setting)].into_iter().collect(), content)
    }

    fn hash(key: &str) -> String {
        format!("{:x}", Sha256::digest(key))
    }

    #[test]
    fn a_key_has_what_it_is_given() {
        let setting = format!(
            r#"[{{"name": "wall", "sha256": "{}", "scope": "all"}},
                {{"name": "support", "sha256": "{}", "scope": {{"teams": ["s"], "agents": ["bot"]}}, "content": true}}]"#,
            hash("one"),
            hash("two").to_uppercase()
        );
        let keys = read(&setting, ContentAccess::Admins).expect("two keys");
        let wall = &keys[&hash_of("one")];
        assert_eq!((&wall.scope, &wall.content), (&Scope::AllRows, &ContentRight::None));
        let support = &keys[&hash_of("two")];
        let own = OwnRows::default().of_teams(["s".into()]).of_agents(["bot".into()]);
        assert_eq!((&support.scope, &support.content), (&Scope::Own(own), &ContentRight::All));
        assert!(!keys.contains_key(&hash_of("three")));
        // Where nobody may, no key may.
        let keys = read(&setting, ContentAccess::None).expect("two keys");
        assert!(keys.values().all(|principal| principal.content == ContentRight::None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_not_quoted() {
        let good = hash("one");
        for setting in [
            "secret".to_owned(),
            "{}".into(),
            r#"[{"name": "secret"}]"#.into(),
            format!(r#"[{{"name": "", "sha256": "{good}", "scope": "all"}}]"#),
            r#"[{"name": "a", "sha256": "secret", "scope": "all"}]"#.into(),
            format!(r#"[{{"name": "a", "sha256": "{}é", "scope": "all"}}]"#, &good[..62]),
            format!(r#"[{{"name": "a", "sha256": "{good}", "scope": "secret"}}]"#),
            format!(r#"[{{"name": "a", "sha256": "{good}", "scope": {{}}}}]"#),
            format!(r#"[{{"name": "a", "sha256": "{good}", "scope": {{"teams": [""]}}}}]"#),
            format!(r#"[{{"name": "a", "sha256": "{good}", "scope": {{"organizations": ["x"]}}}}]"#),
            format!(r#"[{{"name": "a", "sha256": "{good}", "scope": "all", "key": "secret"}}]"#),
            format!(
                r#"[{{"name": "a", "sha256": "{good}", "scope": "all"}}, {{"name": "b", "sha256": "{good}", "scope": "all"}}]"#
            ),
        ] {
            let error = read(&setting, ContentAccess::All).expect_err("refused").to_string();
            assert!(error.contains(SERVICE_KEYS) && !error.contains("secret") && !error.contains(&good), "{error}");
        }
    }
}
