//! Texts that others chose, made harmless for where they are shown.

use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use traceability_core::invisible::is_invisible;
use unicode_normalization::UnicodeNormalization;

/// So many characters of a name are shown to people; the tables for programs have all.
const MOST_CHARACTERS: usize = 80;

/// A pattern of Braille without a dot: it takes room, and looks like a space.
const BLANK: char = '\u{2800}';

/// A name as people are shown it: on one line, without characters that turn the text around them, not too long.
pub(super) fn name(text: &str) -> String {
    let mut shown = String::new();
    for (place, letter) in text.chars().filter(|letter| !turns_text(*letter)).enumerate() {
        if place == MOST_CHARACTERS {
            shown.push('…');
            break;
        }
        shown.push(if letter.is_control() || letter == '\u{2028}' || letter == '\u{2029}' { ' ' } else { letter });
    }
    shown
}

/// Whether it changes in which direction what follows is written.
const fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A cell of a table for spreadsheets: one that they would take for a formula gets an apostrophe before it. They pass over
/// what cannot be seen, and some take a full-width sign for the sign itself.
#[must_use]
pub fn cell(text: &str) -> String {
    let passed_over =
        |letter: char| letter.is_whitespace() || letter.is_control() || is_invisible(letter) || letter == BLANK;
    let shown = text.trim_start_matches(passed_over);
    let is_formula = shown.starts_with(is_sign) || text.starts_with(['\t', '\r', '\n']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

/// Whether a formula begins with it.
fn is_sign(letter: char) -> bool {
    matches!(letter, '\u{2212}')
        || std::iter::once(letter).nfkc().next().is_some_and(|letter| matches!(letter, '=' | '+' | '-' | '@'))
}

/// A text in Markdown, as it is and on one line. What has a meaning there is escaped; no link is made of it, not even
/// of an address, and it cannot begin a list or end a cell.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = None;
    for (at, letter) in text.char_indices() {
        let rest = &text[at + letter.len_utf8()..];
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Renderers link addresses by these, and escape nothing by a backslash there.
            '@' => escaped.push_str("&#64;"),
            ':' if rest.starts_with("//") || begins_address(&text[..at]) => escaped.push_str("&#58;"),
            '.' if ends_with_www(&text[..at]) => escaped.push_str("&#46;"),
            // A list, a quote or a line under a heading.
            '-' | '+' | '=' if at == 0 && !rest.starts_with(char::is_alphanumeric) => escaped.extend(['\\', letter]),
            '.' | ')' if is_number(&text[..at]) && !rest.starts_with(char::is_alphanumeric) => {
                escaped.extend(['\\', letter]);
            }
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => escaped.push(' '),
            // Code, where there are four of them.
            ' ' if before.is_none() => escaped.push_str("&#32;"),
            letter => escaped.push(letter),
        }
        before = before.or(Some(letter).filter(|letter| *letter != ' '));
    }
    escaped
}

/// Whether an address without slashes may begin so, such as `mailto:`.
fn begins_address(text: &str) -> bool {
    let text = text.as_bytes();
    ["mailto", "xmpp"].iter().any(|scheme| {
        text.len().checked_sub(scheme.len()).is_some_and(|at| text[at..].eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

fn ends_with_www(text: &str) -> bool {
    text.len().checked_sub(3).is_some_and(|at| text.as_bytes()[at..].eq_ignore_ascii_case(b"www"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A URL of this service's in the brackets of a link of Markdown.
pub(super) fn markdown_target(url: &str) -> String {
    let mut target = String::with_capacity(url.len());
    for letter in url.chars() {
        match letter {
            '(' | ')' | '<' | '>' | '[' | ']' | '|' | '\\' | '`' | '"' => {
                let _ = write!(target, "%{:02X}", u32::from(letter));
            }
            letter if letter.is_ascii_graphic() => target.push(letter),
            letter => target.extend(utf8_percent_encode(letter.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC)),
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What spreadsheets pass over before a sign.
    const BEFORE: [&str; 12] = [
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\u{feff}",
        "\u{a0}",
        "\u{200b}",
        "\u{ad}",
        "\u{3000}",
        "\u{1}",
        " \u{feff}\n\u{202e} ",
    ];

    #[test]
    fn cells_are_no_formulas() {
        for sign in
            ["=", "+", "-", "@", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}", "\u{fe66}", "\u{fe62}", "\u{2212}"]
        {
            for before in BEFORE {
                let formula = format!("{before}{sign}1+1");
                assert_eq!(cell(&formula), format!("'{formula}"));
            }
        }
        for beginning in ["\t", "\r", "\n"] {
            assert_eq!(cell(&format!("{beginning}1")), format!("'{beginning}1"));
        }
        for plain in ["gpt-4o = mini", "", " a=1", "\u{feff}a", "søren", "1-2", "'=1"] {
            assert_eq!(cell(plain), plain);
        }
    }

    #[test]
    fn names_are_short_lines() {
        assert_eq!(name("a\nb\u{202e}c\u{0}"), "a bc ");
        assert_eq!(name(&"é".repeat(2000)).chars().count(), MOST_CHARACTERS + 1);
    }

    #[test]
    fn markdown_is_no_markup() {
        for (text, escaped) in [
            ("a|b *c* [d](e) <f>", "a\\|b \\*c\\* \\[d\\](e) &lt;f&gt;"),
            ("see https://evil.example", "see https&#58;//evil.example"),
            ("WWW.evil.example/a", "WWW&#46;evil.example/a"),
            ("mailto:a@b.example", "mailto&#58;a&#64;b.example"),
            ("![x](http://a)", "\\!\\[x\\](http&#58;//a)"),
            ("a\nb\r\n|c\u{2028}d", "a b  \\|c d"),
            ("- a", "\\- a"),
            ("12. a", "12\\. a"),
            ("    code", "&#32;&#32;&#32;&#32;code"),
            ("support-bot: v1.2, 12.5", "support-bot: v1.2, 12.5"),
        ] {
            assert_eq!(markdown(text), escaped);
        }
        assert_eq!(markdown_target("https://a/s/(x)|[y]_é\n"), "https://a/s/%28x%29%7C%5By%5D_%C3%A9%0A");
    }
}
