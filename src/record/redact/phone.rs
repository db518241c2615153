//! Phone numbers, and the numbers with hyphens, dots and spaces that are none.

/// Returns the length of the phone number that starts here; `None` if it is another number.
pub(super) fn at(text: &str, start: usize) -> Option<usize> {
    if !is_start(text, start) {
        return None;
    }
    let number = Number::read(&text[start..]);
    let length = number.length_of_phone(&text[..start])?;
    let is_end = !text[start + length..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (is_end && !is_followed_by_more(&text[start + length..])).then_some(length)
}

fn is_start(text: &str, start: usize) -> bool {
    let mut before = text[..start].chars().rev();
    match before.next() {
        Some(',') => !before.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && !".-_/#+$%".contains(c),
        None => true,
    }
}

/// Returns `true` if a number goes on: `555.617.8980.1`, `20:11`.
fn is_followed_by_more(after: &str) -> bool {
    let mut chars = after.chars();
    matches!(chars.next(), Some('.' | '-' | ':' | ','))
        && chars.next().is_some_and(|c| c.is_ascii_digit())
}

/// Returns `true` if the words before say that a phone number follows.
fn is_after_a_word_for_phones(before: &str) -> bool {
    const NEAR: usize = 16;
    let near = &before[before.ceil_char_boundary(before.len().saturating_sub(NEAR))..];
    let near = near.to_lowercase();
    ["phone", "tel.", "tel:", "telefon", "mobil", "cell", "fax", "call me"]
        .iter()
        .any(|word| near.contains(word))
}

/// Groups of digits with one separator between two.
struct Number<'t> {
    text: &'t str,
    is_international: bool,
    /// Start and end of each group.
    groups: Vec<(usize, usize)>,
}

/// Most groups of a phone number.
const GROUPS: usize = 8;

impl<'t> Number<'t> {
    fn read(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let mut number = Self { text, is_international: text.starts_with('+'), groups: Vec::new() };
        let mut at = usize::from(number.is_international);
        let is_in_brackets = bytes.get(at) == Some(&b'(');
        at += usize::from(is_in_brackets);
        while number.groups.len() < GROUPS {
            let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                break;
            }
            number.groups.push((at, at + digits));
            at += digits;
            let is_closed = bytes.get(at) == Some(&b')') && separator(&bytes[at..]) > 0;
            if number.groups.len() == 1 && is_in_brackets && !is_closed {
                number.groups.clear();
                break;
            }
            at += separator(&bytes[at..]);
        }
        number
    }

    fn length_of_phone(&self, before: &str) -> Option<usize> {
        let first = self.group(0)?;
        if self.is_international || (first.starts_with("00") && first.len() > 2) {
            return self.international();
        }
        let sizes: Vec<_> = self.groups.iter().map(|(start, end)| end - start).collect();
        let found = self.north_american(&sizes).or_else(|| self.national(&sizes));
        let count = match found {
            Some(count) => count,
            None if is_after_a_word_for_phones(before) => any(&sizes)?,
            None => return None,
        };
        Some(self.groups[count - 1].1)
    }

    /// Takes groups up to 15 digits; a first group that is long enough is the whole number.
    fn international(&self) -> Option<usize> {
        let mut digits = 0;
        let mut end = None;
        for (at, &(start, group_end)) in self.groups.iter().enumerate() {
            // What follows a number that is long enough is another one.
            let is_whole = digits >= 11;
            digits += group_end - start;
            if is_whole || digits > 17 || (at > 0 && self.group(0)?.len() >= 9) {
                break;
            }
            end = (digits >= 7).then_some(group_end);
        }
        end.filter(|&end| self.text[..end].bytes().any(|byte| matches!(byte, b'1'..=b'9')))
    }

    /// Returns the number of groups of `(555) 617-8980`, in which no area starts with 0 or 1.
    fn north_american(&self, sizes: &[usize]) -> Option<usize> {
        let (start, count) = match sizes {
            [1, 3, 3, 4, ..] if self.group(0)? == "1" => (1, 4),
            [3, 3, 4, ..] => (0, 3),
            [3, 7, ..] if self.text.starts_with('(') => (0, 2),
            [10, ..] => (0, 1),
            [11, ..] if self.group(0)?.starts_with('1') => (0, 1),
            _ => return None,
        };
        let digits: String = (start..count).filter_map(|at| self.group(at)).collect();
        let digits = digits.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(&digits);
        let is_area = |at: usize| matches!(digits.as_bytes()[at], b'2'..=b'9');
        (is_area(0) && (is_area(3) || count > 1)).then_some(count)
    }

    /// Returns the number of groups of `030 1234567`: a zero, and nine digits or more.
    fn national(&self, sizes: &[usize]) -> Option<usize> {
        let first = self.group(0)?;
        let is_date = matches!(sizes, [2, 2, 4, ..] | [4, 2, 2, ..]);
        if !first.starts_with('0') || first.starts_with("00") || is_date {
            return None;
        }
        let mut digits = 0;
        let mut count = None;
        for (at, size) in sizes.iter().enumerate() {
            let is_whole = digits >= 10;
            digits += size;
            if is_whole || digits > 13 {
                break;
            }
            count = (digits >= 9).then_some(at + 1).or(count);
        }
        let end = self.groups[count? - 1].1;
        (!self.text[..end].contains('.')).then_some(count?)
    }

    fn group(&self, at: usize) -> Option<&'t str> {
        self.groups.get(at).map(|&(start, end)| &self.text[start..end])
    }
}

/// Returns the number of groups of a number of 6 to 15 digits.
fn any(sizes: &[usize]) -> Option<usize> {
    let digits = |count: usize| sizes[..count].iter().sum::<usize>();
    (1..=sizes.len()).rev().find(|&count| (6..=15).contains(&digits(count)))
}

/// Returns the length of what may stand between two groups, 0 if nothing.
fn separator(bytes: &[u8]) -> usize {
    let is_mark = |byte: &u8| matches!(byte, b' ' | b'-' | b'.' | b'/');
    match bytes {
        [b')', mark, digit, ..] if is_mark(mark) && digit.is_ascii_digit() => 2,
        [mark, b'(', digit, ..] if is_mark(mark) && digit.is_ascii_digit() => 2,
        [b')' | b'(', digit, ..] if digit.is_ascii_digit() => 1,
        [mark, digit, ..] if is_mark(mark) && digit.is_ascii_digit() => 1,
        [0xc2, 0xa0, digit, ..] if digit.is_ascii_digit() => 2,
        _ => 0,
    }
}
