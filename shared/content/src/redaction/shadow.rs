//! A text as its readers see it: without invisible characters, with plain letters for their full-width forms, and with
//! the characters that escapes stand for. Matches are looked for in it as well, and mapped back to the text.

use std::ops::Range;

use traceability_core::invisible::is_invisible;
use unicode_normalization::UnicodeNormalization;

/// What becomes of no-break spaces and their kin.
#[derive(Clone, Copy)]
pub(super) enum Spaces {
    /// They are spaces, as between the groups of a number.
    Plain,
    /// They are not there, as within an address that must not break.
    Dropped,
}

/// The plain form of a text.
pub(super) struct Shadow {
    pub(super) text: String,
    /// Where it differs, in order; everything between these is the same.
    units: Vec<Unit>,
    /// Whether the text has spaces of which [`Spaces`] says what becomes.
    pub(super) has_spaces: bool,
}

/// What stands for what: an escape for its character, or a character for its plain form, which may be empty.
struct Unit {
    shadow: Range<usize>,
    original: Range<usize>,
}

impl Shadow {
    /// The plain form of a text; `None` if that is the text itself.
    pub(super) fn of(text: &str, spaces: Spaces) -> Option<Self> {
        let may_differ = |byte: u8| !byte.is_ascii() || matches!(byte, b'%' | b'&' | b'\\');
        let mut at = text.bytes().position(may_differ)?;
        let mut shadow = Self { text: String::with_capacity(text.len()), units: Vec::new(), has_spaces: false };
        shadow.text.push_str(&text[..at]);
        while let Some(letter) = text[at..].chars().next() {
            let escaped = escapes(&text[at..]);
            let (meant, length) = escaped.unwrap_or((letter, letter.len_utf8()));
            let start = shadow.text.len();
            shadow.has_spaces |= is_space(meant);
            fold(meant, spaces, &mut shadow.text);
            if shadow.text[start..] != text[at..at + length] {
                let (shadow_end, original) = (shadow.text.len(), at..at + length);
                shadow.units.push(Unit { shadow: start..shadow_end, original });
            }
            at += length;
            let plain =
                text.as_bytes()[at..].iter().position(|byte| may_differ(*byte)).map_or(text.len(), |more| at + more);
            shadow.text.push_str(&text[at..plain]);
            at = plain;
        }
        (!shadow.units.is_empty()).then_some(shadow)
    }

    /// The part of the text that this part of the shadow stands for.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = match self.unit(range.start) {
            Some(unit) if unit.shadow.end > range.start => unit.original.start,
            Some(unit) => unit.original.end + (range.start - unit.shadow.end),
            None => range.start,
        };
        let end = match self.unit(range.end.saturating_sub(1)) {
            Some(unit) if unit.shadow.end >= range.end => unit.original.end,
            Some(unit) => unit.original.end + (range.end - unit.shadow.end),
            None => range.end,
        };
        start..end
    }

    /// Where a part of the text is in the shadow that is the same in both.
    pub(super) fn place(&self, original: &Range<usize>) -> Range<usize> {
        let before = self.units.partition_point(|unit| unit.original.start < original.start);
        let start = match before.checked_sub(1).map(|before| &self.units[before]) {
            Some(unit) => unit.shadow.end + original.start.saturating_sub(unit.original.end),
            None => original.start,
        };
        start..start + original.len()
    }

    /// The last unit that begins here or before.
    fn unit(&self, at: usize) -> Option<&Unit> {
        let before = self.units.partition_point(|unit| unit.shadow.start <= at);
        before.checked_sub(1).map(|before| &self.units[before])
    }
}

/// Writes the plain form of a letter.
fn fold(letter: char, spaces: Spaces, plain: &mut String) {
    match letter {
        letter if letter.is_ascii() => plain.push(letter),
        letter if is_invisible(letter) => {}
        letter if is_space(letter) => match spaces {
            Spaces::Plain => plain.push(' '),
            Spaces::Dropped => {}
        },
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' | '\u{fe58}' => plain.push('-'),
        '\u{3002}' | '\u{ff61}' | '\u{fe52}' => plain.push('.'),
        letter => match digit(letter) {
            Some(digit) => plain.push(digit),
            None => plain.push(compatible(letter)),
        },
    }
}

/// The plain form of a letter that is one letter; `¼` is no number that others go on.
fn compatible(letter: char) -> char {
    let mut forms = std::iter::once(letter).nfkc();
    match (forms.next(), forms.next()) {
        (Some(form), None) => form,
        _ => letter,
    }
}

/// Whether a letter is a space other than the usual one.
fn is_space(letter: char) -> bool {
    !letter.is_ascii() && letter.is_whitespace() || letter == '\u{2800}'
}

/// The zeros of the scripts whose digits NFKC keeps apart; nine more digits follow each.
const ZEROS: [u32; 20] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x17e0, 0x1810, 0x19d0,
];

fn digit(letter: char) -> Option<char> {
    let letter = u32::from(letter);
    let zero = ZEROS.into_iter().find(|zero| (*zero..zero + 10).contains(&letter))?;
    char::from_digit(letter - zero, 10)
}

/// The character that the escape at the beginning of a text stands for, and the escape's length.
fn escapes(text: &str) -> Option<(char, usize)> {
    let (letter, length) = match text.as_bytes().first()? {
        b'%' => percent(text)?,
        b'&' => entity(text)?,
        b'\\' => backslash(text)?,
        _ => return None,
    };
    (!letter.is_control()).then_some((letter, length))
}

/// `%40`, or `%2540` as it is after a second time, and the bytes of a longer character.
fn percent(text: &str) -> Option<(char, usize)> {
    let (first, mut length) = percent_byte(text)?;
    let width = match first {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut bytes = vec![first];
    while bytes.len() < width {
        let (byte, more) = percent_byte(&text[length..])?;
        bytes.push(byte);
        length += more;
    }
    Some((std::str::from_utf8(&bytes).ok()?.chars().next()?, length))
}

fn percent_byte(text: &str) -> Option<(u8, usize)> {
    let digits = text.strip_prefix('%')?;
    let hex = |digits: &str| u8::from_str_radix(digits.get(..2).filter(|two| is_hex(two))?, 16).ok();
    let mut rest = digits;
    while let Some(inner) = rest.strip_prefix("25").filter(|inner| hex(inner).is_some()) {
        rest = inner;
    }
    Some((hex(rest)?, text.len() - rest.len() + 2))
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Names of characters in HTML that may stand within what is looked for, or hide in it.
const ENTITIES: [(&str, char); 31] = [
    ("ast", '*'),
    ("bsol", '\\'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dash", '-'),
    ("dollar", '$'),
    ("emsp", ' '),
    ("ensp", ' '),
    ("equals", '='),
    ("excl", '!'),
    ("hyphen", '-'),
    ("InvisibleComma", '\u{ad}'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("minus", '-'),
    ("nbsp", '\u{a0}'),
    ("NoBreak", '\u{ad}'),
    ("NonBreakingSpace", '\u{a0}'),
    ("num", '#'),
    ("period", '.'),
    ("plus", '+'),
    ("quot", '"'),
    ("rpar", ')'),
    ("semi", ';'),
    ("shy", '\u{ad}'),
    ("sol", '/'),
    ("thinsp", ' '),
    ("ZeroWidthSpace", '\u{ad}'),
    ("zwj", '\u{ad}'),
    ("zwnj", '\u{ad}'),
];

/// `&#64;`, `&#x40;` and `&commat;`, also where the `&` is an entity itself.
fn entity(text: &str) -> Option<(char, usize)> {
    let mut rest = text.strip_prefix('&')?;
    while let Some(inner) = rest.strip_prefix("amp;") {
        rest = inner;
    }
    let length = |rest: &str| text.len() - rest.len();
    if let Some(number) = rest.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        let end = digits.bytes().take_while(|digit| char::from(*digit).is_digit(radix)).take(10).count();
        let letter = char::from_u32(u32::from_str_radix(&digits[..end], radix).ok()?)?;
        let rest = &digits[end..];
        return Some((letter, length(rest.strip_prefix(';').unwrap_or(rest))));
    }
    let (name, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_alphabetic).take(20).count());
    let (_, letter) = ENTITIES.iter().find(|(known, _)| *known == name)?;
    Some((*letter, length(rest.strip_prefix(';')?)))
}

/// How many backslashes may have gathered, and how long the digits are, so that a look ahead is short.
const MOST_BACKSLASHES: usize = 16;
const MOST_DIGITS: usize = 6;

/// `\u0040`, `\u{40}` and `\x40`, also where backslashes were escaped again.
fn backslash(text: &str) -> Option<(char, usize)> {
    let backslashes = text.bytes().take(MOST_BACKSLASHES).take_while(|byte| *byte == b'\\').count();
    let rest = &text[backslashes..];
    let (digits, rest) = if let Some(braced) = rest.strip_prefix("u{") {
        let end = braced.bytes().take(MOST_DIGITS + 1).position(|byte| byte == b'}')?;
        (&braced[..end], &braced[end + 1..])
    } else if let Some(digits) = rest.strip_prefix('u') {
        digits.split_at_checked(4)?
    } else {
        rest.strip_prefix('x')?.split_at_checked(2)?
    };
    if digits.is_empty() || !is_hex(digits) {
        return None;
    }
    Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, text.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, spaces: Spaces) -> String {
        Shadow::of(text, spaces).map_or_else(|| text.to_owned(), |shadow| shadow.text)
    }

    #[test]
    fn a_text_is_read_as_its_readers_see_it() {
        for (text, expected) in [
            ("a%40b %2540 %EF%BC%A0 %zz %4", "a@b @ @ %zz %4"),
            ("&#64;&#x40;&#064&commat;&amp;#64;&nosuch; &amp; &", "@@@@@&nosuch; &amp; &"),
            (r"\u0040 \\u{40} \x40 \u \user \ud800", r"@ @ @ \u \user \ud800"),
            ("ａ＠ｂ．ｃｏｍ", "a@b.com"),
            ("a\u{ad}l\u{200b}i\u{feff}ce\u{2060}", "alice"),
            ("4111\u{a0}1111\u{2009}1", "4111 1111 1"),
            ("٠١٢ ०१", "012 01"),
            ("x\u{2011}y\u{2013}z", "x-y-z"),
            ("søren 🙂 日本", "søren 🙂 日本"),
        ] {
            assert_eq!(plain(text, Spaces::Plain), expected);
        }
        assert_eq!(plain("a\u{a0}b c", Spaces::Dropped), "ab c");
        assert!(Shadow::of("søren \\n 100% & more", Spaces::Plain).is_none());
    }

    #[test]
    fn places_are_mapped_there_and_back() {
        let text = "ø%40[x]\u{200b}é&#64;\u{200b}ｂc";
        let shadow = Shadow::of(text, Spaces::Plain).expect("it differs");
        assert_eq!(shadow.text, "ø@[x]é@bc");
        let whole = |part: &str| {
            let start = shadow.text.find(part).expect("a part");
            &text[shadow.original(&(start..start + part.len()))]
        };
        assert_eq!((whole("ø"), whole("@[x]"), whole("é@b"), whole("c")), ("ø", "%40[x]", "é&#64;\u{200b}ｂ", "c"));
        let at = text.find("[x]").expect("a part");
        assert_eq!(&shadow.text[shadow.place(&(at..at + 3))], "[x]");
    }
}
