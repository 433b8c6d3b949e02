//! What files add to the configuration while the worker serves (`dhcp-hostsfile` and its relatives).

use std::collections::BTreeMap;

use ipc::config::dhcp::{ConfiguredOption, HostRule};

/// Options of files, and what has come of a file that is not complete yet. One entry per file.
#[derive(Debug, Default)]
pub(crate) struct FileRules {
    coming: BTreeMap<u32, (Vec<HostRule>, Vec<ConfiguredOption>)>,
    /// By when they came, the latest first; with the number of the file.
    options: Vec<(u32, Vec<ConfiguredOption>)>,
    /// Those of the slice.
    configured: Vec<ConfiguredOption>,
}

impl FileRules {
    /// Without files there are the options of the slice.
    pub(crate) fn new(configured: &[ConfiguredOption]) -> FileRules {
        FileRules { configured: configured.to_vec(), ..FileRules::default() }
    }

    /// Takes a piece of a file. When it was the last one: the file's rules. Its options are then among [`FileRules::all_options`].
    pub(crate) fn take(
        &mut self,
        file: u32,
        rules: Vec<HostRule>,
        options: Vec<ConfiguredOption>,
        last: bool,
    ) -> Option<Vec<HostRule>> {
        let mut whole = self.coming.remove(&file).unwrap_or_default();
        whole.0.extend(rules);
        whole.1.extend(options);
        if !last {
            self.coming.insert(file, whole);
            return None;
        }
        let (rules, options) = whole;
        self.options.retain(|(held, _)| *held != file);
        if !options.is_empty() {
            self.options.insert(0, (file, options));
        }
        Some(rules)
    }

    /// The options of files and of the slice, in the order in which they are to be tried.
    pub(crate) fn all_options(&self) -> Vec<ConfiguredOption> {
        let files = self.options.iter().flat_map(|(_, options)| options);
        files.chain(&self.configured).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use ipc::config::dhcp::{OptionValue, Place};

    use super::*;

    fn option(code: u8) -> ConfiguredOption {
        let value = OptionValue::Addresses(Vec::new());
        ConfiguredOption { code, value, tests: Vec::new(), force: false, pxe: false, place: Place::Plain }
    }

    #[test]
    fn a_file_takes_effect_as_a_whole_and_replaces_what_it_held() {
        let mut files = FileRules::new(&[option(1)]);
        let mut take = |file, rules: usize, options: &[u8], last| {
            let options = options.iter().map(|code| option(*code)).collect();
            let rules = files.take(file, vec![HostRule::default(); rules], options, last);
            let codes: Vec<u8> = files.all_options().iter().map(|option| option.code).collect();
            (rules.map(|rules| rules.len()), codes)
        };
        assert_eq!(take(5, 1, &[2], false), (None, vec![1]));
        assert_eq!(take(6, 0, &[9], true), (Some(0), vec![9, 1]));
        assert_eq!(take(5, 1, &[3], true), (Some(2), vec![2, 3, 9, 1]));
        assert_eq!(take(6, 0, &[8], true), (Some(0), vec![8, 2, 3, 1]));
        assert_eq!(take(5, 0, &[], true), (Some(0), vec![8, 1]));
    }
}
