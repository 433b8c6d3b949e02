//! Which word was meant.

/// Longest text that could be a word written wrong, in bytes.
const TEXT_BYTES_MAX: usize = 60;
/// Most letters that may be wrong.
const ERRORS_MAX: usize = 4;

/// The word that is written most like `text`, if one is alike enough: about a third of its letters may be wrong.
pub(crate) fn nearest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.trim().to_ascii_lowercase();
    // Distances take time and space by the product of lengths.
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let distance = |word: &'a str| (strsim::osa_distance(&text, &word.to_ascii_lowercase()), word);
    let (errors, word) = words.into_iter().map(distance).min_by_key(|&(errors, _)| errors)?;
    let length = text.chars().count().max(word.chars().count());
    (errors <= (length / 3).clamp(1, ERRORS_MAX) && errors < length).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_may_be_wrong_missing_or_swapped() {
        let words = ["port", "server", "log-queries", "dhcp-range"];
        assert_eq!(nearest("prot", words), Some("port"));
        assert_eq!(nearest("Servers", words), Some("server"));
        assert_eq!(nearest("dhcprange", words), Some("dhcp-range"));
        assert_eq!(nearest("log_querys", words), Some("log-queries"));
        assert_eq!(nearest("x", words), None);
        assert_eq!(nearest("something", words), None);
        assert_eq!(nearest("", words), None);
    }
}
