//! What a virtual key is called: by its SHA-256, as in LiteLLM's key table, and never by itself.
//!
//! LiteLLM 1.100 and newer hash whatever a caller sends. Older releases hash `sk-…` keys only, so that tokens of custom
//! authentication are in the log in clear: in `api_key` and in `metadata.user_api_key`.

/// Names that LiteLLM writes in place of a key.
pub const KEY_NAMES: [&str; 2] = ["litellm_proxy_master_key", "litellm-internal-health-check"];

/// The digits of a SHA-256 in hexadecimal.
pub const HASH_LENGTH: usize = 64;

/// Whether a text is a hash or one of [`KEY_NAMES`].
#[must_use]
pub fn may_be_shown(text: &str) -> bool {
    text.len() == HASH_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit()) || KEY_NAMES.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_names_of_litellm_may_be_shown() {
        let hash = "3f".repeat(32);
        for shown in [hash.as_str(), &hash.to_uppercase(), KEY_NAMES[0], KEY_NAMES[1]] {
            assert!(may_be_shown(shown), "{shown}");
        }
        for hidden in
            ["", "sk-1", &hash[1..], &format!("{hash}0"), &format!("g{}", &hash[1..]), "Litellm_proxy_master_key"]
        {
            assert!(!may_be_shown(hidden), "{hidden}");
        }
    }
}
