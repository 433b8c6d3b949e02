//! Kernel address sets that replies are added to: `ipset`, `nftset`.

use ipc::config::kernel_set::{NftSet, SetRule};
use ipc::config::record::Families;

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::name;
use super::text::{fields, from_bytes, reveal, reveal_text};

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `ipset = ["/" {DOMAIN "/"}] SET {"," SET}`. Sets without a name are dropped.
pub(crate) fn ipset(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (domains, sets) = domains_and_sets(value)?;
    let sets = fields(&sets).filter(|set| !set.is_empty()).map(reveal_text).collect();
    draft.dns.sets.ipset.push(SetRule { domains, sets });
    Ok(())
}

/// `nftset = ["/" {DOMAIN "/"}] SET {"," SET}`, `SET = [("4" | "6") "#"] WORD {"#" WORD}`.
pub(crate) fn nftset(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (domains, sets) = domains_and_sets(value)?;
    let sets = fields(&sets).map(nft_set).collect::<Result<_, _>>()?;
    draft.dns.sets.nftset.push(SetRule { domains, sets });
    Ok(())
}

/// dnsmasq crashes on an empty set, and so it is refused.
fn nft_set(text: &str) -> Result<NftSet, Fault> {
    let text = reveal_text(text);
    let (families, path) = match (text.strip_prefix("4#"), text.strip_prefix("6#")) {
        (Some(rest), _) => (Families::Ipv4, rest),
        (_, Some(rest)) => (Families::Ipv6, rest),
        (None, None) => (Families::Both, text.as_str()),
    };
    if text.is_empty() {
        return Err(Fault::Value);
    }
    Ok(NftSet { families, path: path.replace('#', " ") })
}

/// The domains in front of the last `/`, and what follows that. Without domains the sets are for all names.
fn domains_and_sets(value: Value<'_>) -> Result<(Vec<String>, String), Fault> {
    let value = value.ok_or(Fault::Value)?;
    let (domains, sets) = match value.strip_prefix('/').map(|inner| inner.rsplit_once('/')) {
        Some(Some((domains, sets))) => (domains, sets.trim_start_matches(' ')),
        Some(None) => ("", value.trim_start_matches('/')),
        None => ("", value),
    };
    if sets.is_empty() {
        return Err(Fault::Value.at(value, "sets behind the domains"));
    }
    let domains = domains.split('/').map(domain).collect::<Result<_, _>>()?;
    Ok((domains, sets.to_owned()))
}

fn domain(text: &str) -> Result<String, Fault> {
    let text = from_bytes(&reveal(text.trim_matches(' ')));
    match text.trim_start_matches('.') {
        "" | "#" => Ok(String::new()),
        text => name::domain(text, Fault::Value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_come_before_sets() {
        let mut draft = Draft::new();
        ipset(&mut draft, Some("/.A.example/#/one , two,")).unwrap();
        ipset(&mut draft, Some("all")).unwrap();
        assert_eq!(draft.dns.sets.ipset[0].domains, ["a.example", ""]);
        assert_eq!(draft.dns.sets.ipset[0].sets, ["one", "two"]);
        assert_eq!(draft.dns.sets.ipset[1].domains, [""]);
        for bad in ["", "/", "//", "/a/", "/-A/s"] {
            assert_eq!(ipset(&mut draft, Some(bad)), Err(Fault::Value), "{bad}");
        }
    }

    #[test]
    fn nft_sets_have_words_and_may_have_a_family() {
        let mut draft = Draft::new();
        nftset(&mut draft, Some("/a/4#inet#t#s,ip#t#s")).unwrap();
        let sets = &draft.dns.sets.nftset[0].sets;
        assert_eq!((sets[0].families, sets[0].path.as_str()), (Families::Ipv4, "inet t s"));
        assert_eq!((sets[1].families, sets[1].path.as_str()), (Families::Both, "ip t s"));
        assert_eq!(nftset(&mut draft, Some("/a/s,")), Err(Fault::Value));
    }
}
