//! Names as the index stores them. A key of PostgreSQL's indexes has at most about 2,700 bytes, and a client of LiteLLM can
//! write longer names into its log, so the index shortens them: to their beginning and a hash of the whole. A look-up in the
//! index shortens the name it is given in the same way, so that the whole name finds the row.
//!
//! The form never changes: the index has rows that the log has lost, and nobody can shorten their names again.

use std::borrow::Cow;

use md5::{Digest, Md5};

/// The longest name that is stored as it is, in bytes: a key of the index has two of them and a timestamp.
pub const LONGEST: usize = 1000;

/// How many characters of a longer name are kept.
const KEPT_CHARACTERS: usize = 100;

/// What stands between the beginning and the hash.
const MARK: char = '…';

/// Digits of the hash, an MD5: it tells names apart, and protects nothing.
const DIGITS: usize = 32;

/// The name as the index stores it.
#[must_use]
pub fn stored(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST {
        return Cow::Borrowed(name);
    }
    let mut short: String = name.chars().take(KEPT_CHARACTERS).collect();
    short.push(MARK);
    short.push_str(&hex::encode(Md5::digest(name.as_bytes())));
    Cow::Owned(short)
}

/// SQL of the text `name` as the index stores it: the same as [`stored`].
#[must_use]
pub fn stored_sql(name: &str) -> String {
    format!(
        "CASE WHEN octet_length({name}) > {LONGEST} \
         THEN left({name}, {KEPT_CHARACTERS}) || '{MARK}' || md5({name}) ELSE {name} END"
    )
}

/// Whether a name of the index looks shortened. Only the log has the whole name.
#[must_use]
pub fn is_shortened(name: &str) -> bool {
    let hash = name.chars().rev().take(DIGITS).all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit));
    hash && name.chars().count() == KEPT_CHARACTERS + 1 + DIGITS && name.chars().nth(KEPT_CHARACTERS) == Some(MARK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_is_told_from_others_that_begin_alike() {
        let (a, b) = (format!("{}a", "é".repeat(1_000)), format!("{}b", "é".repeat(1_000)));
        assert_ne!(stored(&a), stored(&b));
        assert_eq!(stored(&a).chars().take(100).collect::<String>(), "é".repeat(100));
        assert_eq!(stored(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert!(!is_shortened(&"x".repeat(133)));
    }

    proptest! {
        #[test]
        fn shortening_is_for_long_names_only_and_done_once(name in "\\PC{0,1200}") {
            let short = stored(&name);
            prop_assert!(short.len() <= LONGEST);
            prop_assert_eq!(short == name, name.len() <= LONGEST);
            prop_assert_eq!(stored(&short), short.as_ref());
            prop_assert!(name.len() <= LONGEST || is_shortened(&short));
        }
    }
}
