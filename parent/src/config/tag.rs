//! Tags in values: `set:T`, `tag:T`, `tag:!T`, and the old `net:T`.

use ipc::tag::TagTest;

use super::blame::At as _;
use super::fault::Fault;
use super::text::{fields, reveal_text, split};

/// The test that a tag's name stands for: `!` or `#` in front negates.
pub(crate) fn test(name: &str) -> TagTest {
    let name = reveal_text(name);
    match name.strip_prefix(['!', '#']) {
        Some(rest) => TagTest { tag: rest.to_owned(), negated: true },
        None => TagTest { tag: name, negated: false },
    }
}

/// The name behind `tag:` or `net:`.
pub(crate) fn tested(field: &str) -> Option<&str> {
    field.strip_prefix("tag:").or_else(|| field.strip_prefix("net:"))
}

/// A comma list of tests, where a bare word is a test too. No value: no tests, so the line always applies.
pub(crate) fn tests(value: Option<&str>) -> Vec<TagTest> {
    value.map(|value| fields(value).map(|field| test(tested(field).unwrap_or(field))).collect()).unwrap_or_default()
}

/// Takes tests off the front of a value, as long as a comma follows. Returns them and the rest.
pub(crate) fn leading_tests(mut value: &str) -> (Vec<TagTest>, Option<&str>) {
    let mut tests = Vec::new();
    while let Some(name) = tested(value) {
        let (name, rest) = split(name, ',');
        tests.push(test(name));
        match rest {
            Some(rest) => value = rest,
            None => return (tests, None),
        }
    }
    (tests, Some(value))
}

/// `[set:]TAG,REST`. `wanted`: both, in words.
pub(crate) fn set_and_rest<'a>(value: Option<&'a str>, wanted: &'static str) -> Result<(String, &'a str), Fault> {
    let value = value.unwrap_or_default();
    let (tag, rest) = split(value, ',');
    let rest = rest.ok_or(Fault::Value).at(value, wanted)?;
    Ok((reveal_text(tag.strip_prefix("set:").unwrap_or(tag)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_may_be_bare_or_negated() {
        let found = tests(Some("tag:!a , net:b,c"));
        let told: Vec<_> = found.iter().map(|test| (test.tag.as_str(), test.negated)).collect();
        assert_eq!(told, [("a", true), ("b", false), ("c", false)]);
        assert_eq!(tests(None), []);
    }

    #[test]
    fn leading_tests_end_at_the_first_other_field() {
        let (found, rest) = leading_tests("tag:a,net:b,file,tag:c");
        assert_eq!((found.len(), rest), (2, Some("file,tag:c")));
        assert_eq!(leading_tests("tag:a").1, None);
    }
}
