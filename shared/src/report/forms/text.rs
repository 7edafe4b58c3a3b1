//! Texts that others chose, made harmless for where they are shown.

/// So many characters of a name are shown to people; the tables for programs have all.
const MOST_CHARACTERS: usize = 80;

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

/// A cell of a table for spreadsheets: one that they would take for a formula gets an apostrophe before it.
pub(super) fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// A text in Markdown, as it is. What has a meaning there is escaped; a link is not made of it.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_no_formulas() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("gpt-4o = mini"), "gpt-4o = mini");
    }

    #[test]
    fn names_are_short_lines() {
        assert_eq!(name("a\nb\u{202e}c\u{0}"), "a bc ");
        assert_eq!(name(&"é".repeat(2000)).chars().count(), MOST_CHARACTERS + 1);
        assert_eq!(markdown("a|b *c* [d](e) <f>"), "a\\|b \\*c\\* \\[d\\](e) &lt;f&gt;");
    }
}
