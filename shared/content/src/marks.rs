//! The marks LiteLLM leaves in stored text: where it cut something out, and where it replaced it.

/// What stands for content of a request whose logging is redacted.
const REDACTED: &str = "redacted-by-litellm";
/// What stands for a value under a key that looks like a credential's (LiteLLM's spelling).
const MASKED: &str = "REDACTED_BY_LITELM";

/// Whether a text is nothing but one of LiteLLM's two redaction marks.
pub fn is_redacted(text: &str) -> bool {
    matches!(text.trim(), REDACTED | MASKED)
}

/// Whether a text is the mark of redacted content. The other mark is no sign of it by itself: it stands for a
/// fingerprint or a password within content that is there.
pub fn is_redacted_content(text: &str) -> bool {
    text == REDACTED
}

/// A text LiteLLM shortened: what was before and after the part it left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut<'a> {
    /// The text before the mark.
    pub head: &'a str,
    /// How many characters were left out.
    pub skipped: u64,
    /// The text after the mark, empty where LiteLLM kept the beginning only.
    pub tail: &'a str,
}

/// The first truncation mark in a text, in the wording of any release:
/// `... (truncated N chars)` at the very end, `... (litellm_truncated skipped N chars) ...` in the middle, and the
/// same followed by an explanation within the parentheses.
pub fn cut(text: &str) -> Option<Cut<'_>> {
    let mut from = 0;
    while let Some(found) = text[from..].find("... (") {
        let start = from + found;
        let inside = start + "... (".len();
        if let Some((skipped, end)) = mark(&text[inside..]) {
            return Some(Cut { head: &text[..start], skipped, tail: &text[inside + end..] });
        }
        from = inside;
    }
    None
}

/// The skipped characters, and the mark's end, of a mark whose opening has been read.
fn mark(text: &str) -> Option<(u64, usize)> {
    if let Some(rest) = text.strip_prefix("truncated ") {
        let (skipped, rest) = count(rest)?;
        return (rest == ")").then_some((skipped, text.len()));
    }
    let (skipped, rest) = count(text.strip_prefix("litellm_truncated skipped ")?)?;
    let end = if rest.starts_with(") ...") {
        0
    } else if rest.starts_with(". Truncation is") {
        rest.find(") ...")?
    } else {
        return None;
    };
    Some((skipped, text.len() - rest.len() + end + ") ...".len()))
}

/// Reads `N chars`.
fn count(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..digits].parse().ok()?, text[digits..].strip_prefix(" chars")?))
}

/// How many characters are missing from a text, over all its marks; `None` without any.
pub fn skipped(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = None;
    while let Some(found) = cut(rest) {
        total = Some(total.unwrap_or(0_u64).saturating_add(found.skipped));
        rest = found.tail;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_marks_of_every_release() {
        let long = "ab... (litellm_truncated skipped 12 chars. Truncation is a DB storage safeguard. Full, untruncated \
                    data is logged to logging callbacks (OTEL, Datadog, etc.). To increase the truncation limit, set \
                    `MAX_STRING_LENGTH_PROMPT_IN_DB` in your env.) ...yz";
        assert_eq!(cut(long), Some(Cut { head: "ab", skipped: 12, tail: "yz" }));
        let middle = "ab... (litellm_truncated skipped 7 chars) ...yz";
        assert_eq!(cut(middle), Some(Cut { head: "ab", skipped: 7, tail: "yz" }));
        assert_eq!(cut("ab... (truncated 3 chars)"), Some(Cut { head: "ab", skipped: 3, tail: "" }));
    }

    #[test]
    fn leaves_other_text_alone() {
        for text in
            ["", "... (", "... (truncated 3 chars) and on", "... (litellm_truncated skipped x chars) ...", "æ... (ø"]
        {
            assert_eq!(cut(text), None, "{text}");
        }
        assert_eq!(cut("... (a)... (truncated 3 chars)").map(|cut| cut.head), Some("... (a)"));
    }

    #[test]
    fn adds_up_several_marks() {
        let text = "a... (litellm_truncated skipped 2 chars) ...b... (litellm_truncated skipped 3 chars) ...c";
        assert_eq!(skipped(text), Some(5));
        assert_eq!(skipped("plain"), None);
    }

    #[test]
    fn knows_both_redaction_marks() {
        assert!(is_redacted("redacted-by-litellm") && is_redacted("REDACTED_BY_LITELM"));
        assert!(!is_redacted("was redacted-by-litellm here") && !is_redacted(""));
    }
}
