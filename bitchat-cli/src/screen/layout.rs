//! Rows: what is longer than a terminal is wide is cut here and not by the terminal, which would
//! begin the next row with whatever comes, as if it were a line of its own.

/// In front of each row of an entry but the first. No entry begins so.
const CONTINUED: &str = "    | ";
/// Even on the narrowest terminal a row holds one letter.
const LEAST_ROOM: usize = 2;

/// `text` in rows that fit `width` columns, if a terminal has so many.
pub(super) fn layout(text: &str, width: Option<usize>) -> String {
    // A row that fills the terminal would leave open where the next one begins.
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(1).max(LEAST_ROOM));
    let continued = room.saturating_sub(CONTINUED.len()).max(LEAST_ROOM);
    let mut rows = String::with_capacity(text.len());
    for (at, part) in text.split('\n').enumerate() {
        let mut rest = part;
        if at > 0 {
            rows.push('\n');
        }
        let mut first = at == 0;
        loop {
            if !first {
                rows.push_str(CONTINUED);
            }
            let (row, more) = split(rest, if first { room } else { continued });
            rows.push_str(row);
            first = false;
            let Some(more) = more else { break };
            rest = more;
            rows.push('\n');
        }
    }
    rows
}

/// As much of `text` as has room in one row, up to a space if it has one; and what follows.
fn split(text: &str, room: usize) -> (&str, Option<&str>) {
    let (mut used, mut space) = (0_usize, None);
    for (at, letter) in text.char_indices() {
        used = used.saturating_add(columns(letter));
        if used > room && at > 0 {
            return match space {
                Some(space) => (&text[..space], Some(&text[space + 1..])),
                None => (&text[..at], Some(&text[at..])),
            };
        }
        if letter == ' ' && at > 0 {
            space = Some(at);
        }
    }
    (text, None)
}

/// The end of `text` that has room in `room` columns, and the columns that it takes.
pub(super) fn tail(text: &str, room: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, letter) in text.char_indices().rev() {
        let more = used + columns(letter);
        if more > room {
            return (&text[at + letter.len_utf8()..], used);
        }
        used = more;
    }
    (text, used)
}

/// The most columns that a terminal gives `letter`: terminals differ, and too few would let a row
/// wrap.
const fn columns(letter: char) -> usize {
    match letter {
        // Latin to Georgian, and more Latin and Greek.
        '\0'..='\u{10ff}' | '\u{1e00}'..='\u{1fff}' => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, layout, tail};
    use proptest::prelude::*;

    #[test]
    fn the_second_row_is_marked() {
        let head = "[00:00:00Z] aaaa-bbbb-cccc-dddd:";
        let forged = "[12:00:00Z] zzzz-yyyy-xxxx-wwww: the money is on its way";
        let text = format!("{head} yes{}{forged}", " ".repeat(79 - head.len() - 4));
        let rows = layout(&text, Some(80));
        assert_eq!(rows.lines().nth(1), Some(&*format!("    | {forged}")), "{rows}");
        assert_eq!(layout(&text, None), text, "nobody wraps it");
        assert_eq!(layout("one\n[12:00:00Z] you: two", None), "one\n    | [12:00:00Z] you: two");
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(layout("aa bbb cccc", Some(8)), "aa bbb\n    | cc\n    | cc");
        assert_eq!(layout("", Some(80)), "");
        assert_eq!(layout("漢字漢字", Some(8)), "漢字漢\n    | 字");
    }

    #[test]
    fn the_end_of_what_is_typed_is_seen() {
        assert_eq!(tail("abcdef", 4), ("cdef", 4));
        assert_eq!(tail("abc", 4), ("abc", 3));
        assert_eq!(tail("ab漢", 3), ("b漢", 3));
        assert_eq!(tail("漢", 1), ("", 0));
    }

    proptest! {
        #[test]
        fn no_row_is_as_wide_as_the_terminal(
            text in "[a漢 \u{e9}*\\[\n]{0,200}",
            width in 16_usize..90,
        ) {
            let rows = layout(&text, Some(width));
            for (at, row) in rows.split('\n').enumerate() {
                prop_assert!(row.chars().map(columns).sum::<usize>() < width, "{row:?}");
                prop_assert!(at == 0 || row.starts_with("    | "), "{row:?}");
            }
            let letters =
                |text: &str| text.chars().filter(|l| !" \n|".contains(*l)).collect::<String>();
            prop_assert_eq!(letters(&rows), letters(&text), "nothing is lost");
        }
    }
}
