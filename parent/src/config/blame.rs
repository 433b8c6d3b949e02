//! The part of a value that is to blame, and what would have been right there.
//!
//! A parser that refuses a value says `.at(field, …)` with the slice of the value that it was looking at. Where that lies in the line is found
//! out only when somebody wants to see it.

use std::ops::Range;

use super::dhcp_option_names::Named;
use super::fault::Fault;
use super::keys::Row;
use super::text::{reveal_text, split, standing_alone};

/// What is to blame for a fault.
#[derive(Clone, Debug)]
pub(crate) struct Blame {
    /// Where.
    pub(crate) part: Part,
    /// What would have been right there.
    pub(crate) wanted: Wanted,
    /// The option, once it is known.
    pub(crate) row: Option<&'static Row>,
    /// Something to know about it.
    pub(crate) note: Option<String>,
}

/// A part of an option.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A field, by its address in memory and its text: a slice of the value, or a copy of one.
    Field(usize, String),
    /// The keyword.
    Keyword,
    /// These bytes of the value.
    Value(Range<usize>),
}

/// What would have been right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// This, in words.
    Something(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// The name of a DHCP option.
    Names(&'static [Named]),
    /// The name of an option.
    Keyword,
    /// Whatever the form of the option says.
    Form,
}

impl From<&'static str> for Wanted {
    fn from(text: &'static str) -> Wanted {
        Wanted::Something(text)
    }
}

impl Wanted {
    /// The words to choose from, if there is a choice.
    pub(crate) fn words(self) -> Vec<&'static str> {
        match self {
            Wanted::Words(words) => words.to_vec(),
            Wanted::Names(rows) => rows.iter().filter(|row| !row.internal).map(|row| row.name).collect(),
            Wanted::Keyword => super::keys::all().map(|row| row.name).collect(),
            Wanted::Something(_) | Wanted::Form => Vec::new(),
        }
    }
}

/// Marks the field that is to blame, which is a slice of the option's value or a copy of one. A mark that is there already stays: it is
/// closer to the fault.
pub(crate) trait At {
    /// Blames `field`, where `wanted` would have been right.
    fn at(self, field: &str, wanted: impl Into<Wanted>) -> Self;
}

impl At for Fault {
    fn at(self, field: &str, wanted: impl Into<Wanted>) -> Fault {
        self.blaming(field, wanted.into())
    }
}

impl<T> At for Result<T, Fault> {
    fn at(self, field: &str, wanted: impl Into<Wanted>) -> Result<T, Fault> {
        self.map_err(|fault| fault.at(field, wanted))
    }
}

impl Fault {
    /// The same, with a mark. Parsers have a hundred calls of it, so it shall not be copied into them.
    #[cold]
    #[inline(never)]
    fn blaming(self, field: &str, wanted: Wanted) -> Fault {
        match self {
            Fault::At(..) | Fault::Whole(_) => self,
            fault => {
                let part = Part::Field(field.as_ptr().addr(), field.to_owned());
                Fault::At(Box::new(fault), Box::new(Blame { part, wanted, row: None, note: None }))
            }
        }
    }

    /// The same, with the option known and the blame in bytes of the value. Without a mark the whole value is to blame.
    pub(crate) fn of(self, row: &'static Row, value: Option<&str>) -> Fault {
        let value = value.unwrap_or_default();
        match self {
            Fault::Whole(_) => self,
            Fault::At(fault, blame) => {
                let part = match blame.part {
                    Part::Field(address, text) => Part::Value(find(value, address, &text)),
                    settled => settled,
                };
                Fault::At(fault, Box::new(Blame { part, row: Some(row), ..*blame }))
            }
            fault => {
                let part = if value.is_empty() { Part::Keyword } else { Part::Value(0..value.len()) };
                Fault::At(Box::new(fault), Box::new(Blame { part, wanted: Wanted::Form, row: Some(row), note: None }))
            }
        }
    }

    /// The same, with the keyword to blame.
    pub(crate) fn of_keyword(self, row: Option<&'static Row>) -> Fault {
        let wanted = if row.is_some() { Wanted::Form } else { Wanted::Keyword };
        self.blaming_keyword(wanted, row, None)
    }

    /// The same, with the keyword to blame, since something is missing there.
    pub(crate) fn of_keyword_wanting(self, row: &'static Row, wanted: &'static str) -> Fault {
        self.blaming_keyword(wanted.into(), Some(row), None)
    }

    /// The same, with the keyword to blame, since it was there before.
    pub(crate) fn of_repeated_keyword(self, row: &'static Row, note: Option<String>) -> Fault {
        self.blaming_keyword(Wanted::Form, Some(row), note)
    }

    fn blaming_keyword(self, wanted: Wanted, row: Option<&'static Row>, note: Option<String>) -> Fault {
        Fault::At(Box::new(self), Box::new(Blame { part: Part::Keyword, wanted, row, note }))
    }
}

/// Where a field lies in the value: by its address, else by its text, else it is the whole value.
fn find(value: &str, address: usize, text: &str) -> Range<usize> {
    let start = address.wrapping_sub(value.as_ptr().addr());
    if value.get(start..start.wrapping_add(text.len())).is_some_and(|slice| slice == text) {
        return start..start + text.len();
    }
    if text.is_empty() {
        return 0..value.len();
    }
    // A copy shows what quotes had hidden, so that whole fields are compared by what they show, before any part will do.
    let shown = reveal_text(text);
    let mut rest = Some(value);
    while let Some((field, after)) = rest.map(|rest| split(rest, ',')) {
        if reveal_text(field) == shown {
            let start = field.as_ptr().addr() - value.as_ptr().addr();
            return start..start + field.len();
        }
        rest = after;
    }
    // A field that other characters part is better than the middle of a word.
    let found = standing_alone(value, text).next().or_else(|| value.find(text));
    found.map_or(0..value.len(), |start| start..start + text.len())
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    fn blamed(value: &str, fault: Fault) -> String {
        let Fault::At(_, blame) = fault.of(keys::find("server").unwrap(), Some(value)) else { panic!() };
        let Part::Value(range) = blame.part else { panic!() };
        value[range].to_owned()
    }

    #[test]
    fn a_slice_is_found_by_its_address() {
        let value = "a,b,a,b";
        assert_eq!(find(value, value[4..5].as_ptr().addr(), "a"), 4..5);
        assert_eq!(blamed(value, Fault::Value.at(&value[4..], "x")), "a,b");
        assert_eq!(blamed(value, Fault::Value), value);
    }

    #[test]
    fn a_copy_is_found_by_its_text() {
        let copy = String::from("ab");
        assert_eq!(blamed("abc , ab,x", Fault::Value.at(&copy, "x")), "ab");
        assert_eq!(find("abc , ab,x", copy.as_ptr().addr(), &copy), 6..8);
        assert_eq!(find("xab", copy.as_ptr().addr(), &copy), 1..3);
        assert_eq!(find("/xab/ab/y", copy.as_ptr().addr(), &copy), 5..7);
        assert_eq!(find("yyy", copy.as_ptr().addr(), &copy), 0..3);
    }

    #[test]
    fn the_first_mark_stays() {
        let value = "a,b";
        let inner = Err::<(), _>(Fault::Value).at(&value[2..], "x").at(value, "y").unwrap_err();
        assert_eq!(blamed(value, inner), "b");
    }
}
