//! Phone numbers, told from dates, amounts, addresses of machines and ids by how their digits are grouped.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::cards::within_uuid;
use super::{Text, builtin};

/// A way to write phone numbers. Its pattern finds candidates of bounded length.
struct Form {
    candidate: LazyLock<Regex>,
    /// How many digits a number has, the prefix `00` not counted.
    digits: (usize, usize),
    /// Whether a candidate may go on with what is no longer part of the number.
    open: bool,
}

static FORMS: [Form; 5] = [
    // +49 30 1234567, 0049 (0)30 / 1234567
    Form {
        candidate: LazyLock::new(|| builtin(r"(?:\+|00)[1-9][0-9]{0,14}(?:[ \x{a0}()./-]{1,3}[0-9]{1,15}){0,8}")),
        digits: (8, 15),
        open: true,
    },
    // (030) 1234-5678
    Form {
        candidate: LazyLock::new(|| builtin(r"\(0[1-9][0-9]{0,4}\)[ /-]{0,3}[0-9]{2,9}(?:[ -][0-9]{2,8}){0,4}")),
        digits: (8, 13),
        open: true,
    },
    // (555) 123-4567, (11) 91234-5678
    Form {
        candidate: LazyLock::new(|| {
            builtin(r"\((?:[2-9][0-9]{2}\) ?[0-9]{3}[ .-]?[0-9]{4}|[1-9][0-9]\) ?[0-9]{4,5}-[0-9]{4})")
        }),
        digits: (10, 11),
        open: false,
    },
    // 555-123-4567
    Form {
        candidate: LazyLock::new(|| builtin(r"(?:1[ .-])?[2-9][0-9]{2}[ .-][0-9]{3}[ .-][0-9]{4}")),
        digits: (10, 11),
        open: false,
    },
    // 030/1234567, 0171 1234567, 01 23 45 67 89
    Form {
        candidate: LazyLock::new(|| builtin(r"0[1-9][0-9]{0,3}(?: ?[/-] ?| )[0-9]{2,9}(?:[ /-][0-9]{2,8}){0,4}")),
        digits: (9, 12),
        open: true,
    },
];

/// A date at the beginning of a candidate, the year first or last.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    builtin(r"^\+?(?:[0-9]{4}[./-][0-9]{1,2}[./-][0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4})(?:[^0-9]|$)")
});
/// An amount, a short number that was filled up with zeros, or the address of a network card.
static OTHER: LazyLock<Regex> =
    LazyLock::new(|| builtin(r"^(?:\+[0-9]{1,3}(?:\.[0-9]{3})+|00[0-9]{1,9}|[0-9]{2}(?:-[0-9]{2}){5})$"));

/// Finds phone numbers: international ones, and national ones with separators.
pub fn find(text: &Text<'_>, found: &mut dyn FnMut(Range<usize>)) {
    if text.text.bytes().filter(u8::is_ascii_digit).nth(LEAST_DIGITS - 1).is_none() {
        return;
    }
    for form in &FORMS {
        let mut at = 0;
        while let Some(candidate) = form.candidate.find_at(text.text, at) {
            at = match form.number(text, candidate.range()) {
                Some(range) => {
                    let end = range.end;
                    found(range);
                    end
                }
                // A number may begin within. Candidates are short, so that this stays linear.
                None => candidate.start() + 1,
            };
        }
    }
}

const LEAST_DIGITS: usize = 8;

impl Form {
    /// The number that a candidate begins with, if it is one.
    fn number(&self, text: &Text<'_>, mut range: Range<usize>) -> Option<Range<usize>> {
        if !begins(text, range.start) || DATE.is_match(&text.text[range.clone()]) {
            return None;
        }
        loop {
            let number = &text.text[range.clone()];
            let digits =
                number.bytes().filter(u8::is_ascii_digit).count() - if number.starts_with("00") { 2 } else { 0 };
            if digits < self.digits.0 {
                return None;
            }
            if digits <= self.digits.1 && ends(text, range.end) {
                return (!OTHER.is_match(number) && !within_uuid(text.text, &range)).then_some(range);
            }
            if !self.open {
                return None;
            }
            // Another number follows, which the pattern took for a group of this one.
            let head = number.trim_end_matches(|c: char| c.is_ascii_digit());
            range.end = range.start + head.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
        }
    }
}

/// Whether a number may begin here: not within a word, an id, a date or an amount.
fn begins(text: &Text<'_>, start: usize) -> bool {
    if text.word_before(start) {
        return false;
    }
    let before = &text.text[..start];
    match before.chars().next_back() {
        Some(c) if text.text[start..].starts_with('+') => c != '+',
        Some('+' | '-' | '.' | '/' | '#' | '@') => false,
        Some(':' | ',') => {
            let before = &before[..start - 1];
            !before.ends_with(|c: char| c.is_ascii_digit()) && !text.replaced_before(before.len())
        }
        _ => true,
    }
}

/// Whether a number may end here.
fn ends(text: &Text<'_>, end: usize) -> bool {
    let mut after = text.text[end..].bytes();
    let separated = matches!(after.next(), Some(b'-' | b'.' | b'/' | b':'));
    let goes_on = separated && (after.next().is_some_and(|byte| byte.is_ascii_digit()) || text.replaced_after(end + 1));
    !goes_on && !text.word_after(end)
}
