//! The numbers of payment cards, told from the other numbers of a text by their groups and their check digit.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Text, builtin};

static UUID: LazyLock<Regex> =
    LazyLock::new(|| builtin("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"));
const UUID_LENGTH: usize = 36;

/// Finds the numbers of payment cards: 13 to 19 digits in one group or in several, between which there is a space or a
/// hyphen, with a valid check digit.
pub fn find(text: &Text<'_>, found: &mut dyn FnMut(Range<usize>)) {
    let bytes = text.text.as_bytes();
    let mut at = 0;
    let mut run: Vec<Range<usize>> = Vec::new();
    while let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + digit;
        let end =
            bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |more| start + more);
        let goes_on = run.last().is_some_and(|last| last.end + 1 == start && matches!(bytes[last.end], b' ' | b'-'));
        if !goes_on {
            cards_of_run(text, &run, found);
            run.clear();
        }
        run.push(start..end);
        at = end;
    }
    cards_of_run(text, &run, found);
}

fn cards_of_run(text: &Text<'_>, run: &[Range<usize>], found: &mut dyn FnMut(Range<usize>)) {
    let mut first = 0;
    while first < run.len() {
        let longest =
            (first..run.len().min(first + MOST_CARD_DIGITS)).rev().find(|last| is_card(text, run, first, *last));
        if let Some(last) = longest {
            found(run[first].start..run[last].end);
        }
        first = longest.unwrap_or(first) + 1;
    }
}

const LEAST_CARD_DIGITS: usize = 13;
const MOST_CARD_DIGITS: usize = 19;

fn is_card(text: &Text<'_>, run: &[Range<usize>], first: usize, last: usize) -> bool {
    let groups = &run[first..=last];
    let digits: usize = groups.iter().map(Range::len).sum();
    if !(LEAST_CARD_DIGITS..=MOST_CARD_DIGITS).contains(&digits) {
        return false;
    }
    // Printed in groups of at least three, or heard digit by digit; a list of other numbers is neither.
    let printed = groups[..groups.len() - 1].iter().all(|group| group.len() >= 3);
    let heard = groups.len() == run.len() && groups.iter().all(|group| group.len() == 1) && !beside_replaced(text, run);
    let range = groups[0].start..groups[groups.len() - 1].end;
    // No card of the big schemes begins so, but every time in milliseconds does.
    let scheme = !matches!(text.text.as_bytes()[range.start], b'0' | b'1' | b'7');
    (printed || heard)
        && scheme
        && !is_fraction(text, range.start)
        && luhn(&text.text[range.clone()])
        && !within_uuid(text.text, &range)
}

/// Whether a run of digits may have been longer, before something beside it was replaced.
fn beside_replaced(text: &Text<'_>, run: &[Range<usize>]) -> bool {
    let (start, end) = (run[0].start, run[run.len() - 1].end);
    let one_more = |at: usize| at.checked_sub(1).is_some_and(|at| text.replaced_before(at));
    text.replaced_before(start) || one_more(start) || text.replaced_after(end) || text.replaced_after(end + 1)
}

/// Whether these are the decimals of a number.
fn is_fraction(text: &Text<'_>, start: usize) -> bool {
    let before = text.text[..start].strip_suffix('.');
    before.is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()) || text.replaced_before(before.len()))
}

fn luhn(number: &str) -> bool {
    let digits = number.bytes().rev().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(index, digit)| match (index % 2, digit * 2) {
            (0, _) => digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether a number is part of a UUID.
pub fn within_uuid(text: &str, range: &Range<usize>) -> bool {
    let from = text.floor_char_boundary(range.start.saturating_sub(UUID_LENGTH));
    let to = text.ceil_char_boundary((range.end + UUID_LENGTH).min(text.len()));
    let overlaps = |uuid: regex::Match<'_>| from + uuid.start() < range.end && range.start < from + uuid.end();
    UUID.find_iter(&text[from..to]).any(overlaps)
}
