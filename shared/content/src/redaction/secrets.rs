//! Keys, tokens and passwords.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{Text, builtin};

/// The names of secrets, in whichever spelling.
const NAME: &str = r"(?:pass(?:word|wd|phrase|code)|pwd|secret(?:[_-]?access)?(?:[_-]?key)?|api[_-]?(?:key|secret|token)|access[_-]?(?:key|token)|(?:auth|refresh|bearer|session|security)[_-]?token|(?:private|encryption|signing)[_-]?key|authorization)(?:[_-]?(?:confirm(?:ation)?|hash))?";

/// Tokens that tell by their beginning what they are.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    builtin(concat!(
        r"(?-u:\b{start-half})(?:",
        // Words such as `sk-learn` have no digit.
        r"sk-[A-Za-z_-]*[0-9][A-Za-z0-9_-]{5,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?-u:\b{end-half})",
        r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_.-]{16,}",
        r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}",
        r"|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,3}",
        r")",
    ))
});
/// A private key up to its end, or all that follows if the end is missing: LiteLLM shortens texts.
static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    builtin(concat!(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-{1,4}[^-])*",
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ))
});
static BEARER: LazyLock<Regex> = LazyLock::new(|| {
    // `the bearer certificates` are none.
    builtin(r"(?i-u:bearer)[ \t]+([A-Za-z._~+/=-]*[0-9][A-Za-z0-9._~+/=-]{5,}|[A-Za-z0-9._~+/=-]{24,})")
});
/// A name and its value, in JSON (within a text of JSON, too), YAML, code, an URL's query or the environment.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    builtin(&format!(
        "{}{NAME}{}{}",
        r"(?i)",
        r#"(?:\\*["'`])?\]?[ \t]*(?::[ \t]*(?:&?str|string|secretstr|bytes)[ \t]*=|:=|=>|==?|:)[ \t]*"#,
        concat!(
            r#"(?:\\+"((?:[^"\\\n]|\\+[^"\\\n])+)"#,
            r#"|[rbfu]{0,2}"((?:[^"\\\n]|\\[^\n])+)"#,
            r"|[rbfu]{0,2}'((?:[^'\\\n]|\\[^\n])+)",
            r#"|(?:(?:basic|bearer|token)[ \t]+|`)?([^\s"'`,;&\\]+))"#,
        ),
    ))
});
/// `--password hunter2`
static OPTION: LazyLock<Regex> =
    LazyLock::new(|| builtin(&format!(r#"(?i)--(?:[a-z]+-)?(?:{NAME}|token)[ \t]+["']?([^\s"'-][^\s"']*)"#)));
/// `scheme://user:password@host`
static URL: LazyLock<Regex> = LazyLock::new(|| builtin(r#"://[^\s/?#:@"'<>]*:([^\s/?#"'<>]+)@"#));
static WHOLE_NAME: LazyLock<Regex> = LazyLock::new(|| builtin(&format!("(?i){NAME}$")));

/// Whether a name is that of a secret: `password`, `dbPassword`, `X-Api-Key`.
pub fn is_name(name: &str) -> bool {
    WHOLE_NAME.is_match(name)
}

/// Whether a value says that there is a secret, or none, rather than which.
pub fn is_mask(value: &str) -> bool {
    const MASKS: &[&str] =
        &["", "null", "none", "true", "false", "undefined", "masked", "redacted_by_litelm", "redacted-by-litellm"];
    let said = value.trim_matches(|c: char| !c.is_alphanumeric());
    MASKS.contains(&said.to_ascii_lowercase().as_str())
}

/// Finds the secrets of a text: the tokens, and of names with values the values.
pub(super) fn find(text: &Text<'_>, found: &mut dyn FnMut(Range<usize>)) {
    by_form(text, found);
    assignments(text, found);
}

/// Finds in a text without placeholders what looks like a token or a key.
pub fn tokens(text: &str, found: &mut dyn FnMut(Range<usize>)) {
    by_form(&Text { text, placeholders: Vec::new() }, found);
}

/// Finds in a text without placeholders the values of names of secrets.
pub fn assigned(text: &str, found: &mut dyn FnMut(Range<usize>)) {
    assignments(&Text { text, placeholders: Vec::new() }, found);
}

fn by_form(text: &Text<'_>, found: &mut dyn FnMut(Range<usize>)) {
    for token in TOKEN.find_iter(text.text).filter(|token| !text.replaced_before(token.start())) {
        found(token.range());
    }
    PRIVATE_KEY.find_iter(text.text).for_each(|key| found(key.range()));
    for pattern in [&BEARER, &OPTION, &URL] {
        for captures in pattern.captures_iter(text.text) {
            value(&captures).filter(|range| !is_mask(&text.text[range.clone()])).into_iter().for_each(&mut *found);
        }
    }
}

fn assignments(text: &Text<'_>, found: &mut dyn FnMut(Range<usize>)) {
    /// A value that is shorter may be the name of another one: `password: api_key: x`.
    const LONGEST_NAME: usize = 40;
    let mut at = 0;
    while let Some(captures) = ASSIGNMENT.captures_at(text.text, at) {
        let (Some(whole), Some(range)) = (captures.get(0), value(&captures)) else {
            return;
        };
        // The name of a placeholder is no name.
        if let Some(end) = text.replaced_around(whole.start()) {
            at = end;
            continue;
        }
        let said = &text.text[range.clone()];
        at = if said.ends_with([':', '=']) && said.len() <= LONGEST_NAME { range.start } else { range.end };
        // The working directory, in an environment.
        let directory = said.starts_with('/') && whole.as_str().to_ascii_lowercase().starts_with("pwd");
        if !directory && !is_mask(said) {
            found(range);
        }
    }
}

/// The group that holds the value.
fn value(captures: &Captures<'_>) -> Option<Range<usize>> {
    captures.iter().skip(1).flatten().next().map(|group| group.range())
}
