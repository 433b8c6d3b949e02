//! MX records: `mx-host`, `mx-target`, and those that `localmx` and `selfmx` make.

use ipc::config::record::MxRecord;

use super::super::blame::At as _;
use super::super::draft::Draft;
use super::super::fault::Fault;
use super::super::name;
use super::super::number::number16;

/// An `mx-host` line; what a missing target is becomes known when everything has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MxLine {
    name: String,
    target: Option<String>,
    preference: u16,
}

/// Preference unless given.
const PREFERENCE: u16 = 1;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `mx-host = NAME ["," TARGET ["," PREFERENCE]]`; an empty target is the root, which takes no mail (RFC 7505).
pub(crate) fn host(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad_preference = || Fault::from("bad MX preference");
    let mut parts = value.ok_or(Fault::Value)?.splitn(3, ',');
    let parts: [Option<&str>; 3] = [parts.next(), parts.next(), parts.next()];
    let [name, target, preference] = parts.map(|part| part.map(|part| part.trim_matches(' ')));
    let preference = preference.map_or(Ok(PREFERENCE), |text| {
        number16(text).ok_or_else(bad_preference).at(text, "a preference from 0 to 65535")
    })?;
    let bad_name = || Fault::from("bad MX name");
    let name = name::domain(name.unwrap_or_default(), bad_name())?;
    let target = target.map(|target| name::domain(target, bad_name()));
    draft.mx_lines.push(MxLine { name, target: target.transpose()?, preference });
    Ok(())
}

pub(crate) fn target(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dns.records.mx_target = Some(name::domain(value.ok_or(Fault::Value)?, Fault::from("bad MX target"))?);
    Ok(())
}

/// Gives targets to the lines without one, and this machine the record that `mx-target` or `localmx` asks for.
///
/// `machine` is the machine's name, asked for only when it is needed.
pub(crate) fn settle<E>(draft: &mut Draft, machine: impl FnOnce() -> Result<String, E>) -> Result<(), E> {
    let records = &mut draft.dns.records;
    let own = records.mx_target.is_some() || records.local_mx;
    if !own && draft.mx_lines.is_empty() {
        return Ok(());
    }
    let machine = machine()?;
    let default = records.mx_target.get_or_insert_with(|| machine.clone());
    if own && !draft.mx_lines.iter().any(|line| line.name.eq_ignore_ascii_case(&machine)) {
        draft.mx_lines.push(MxLine { name: machine, target: None, preference: PREFERENCE });
    }
    let complete = |line: MxLine| MxRecord {
        name: line.name,
        target: line.target.unwrap_or_else(|| default.clone()),
        preference: line.preference,
    };
    records.mx = std::mem::take(&mut draft.mx_lines).into_iter().rev().map(complete).collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(draft: &mut Draft) -> Vec<String> {
        settle(draft, || Ok::<_, ()>("me".to_owned())).unwrap();
        let told = |record: &MxRecord| format!("{} {} {}", record.name, record.preference, record.target);
        draft.dns.records.mx.iter().map(told).collect()
    }

    #[test]
    fn the_target_defaults_to_this_machine() {
        let mut draft = Draft::new();
        for line in ["a", "b,", "c , D , 7"] {
            host(&mut draft, Some(line)).unwrap();
        }
        assert_eq!(settled(&mut draft), ["c 7 d", "b 1 ", "a 1 me"]);
    }

    #[test]
    fn a_target_gives_this_machine_a_record() {
        let mut draft = Draft::new();
        target(&mut draft, Some("mail.")).unwrap();
        assert_eq!(settled(&mut draft), ["me 1 mail"]);
        let mut draft = Draft::new();
        target(&mut draft, Some("mail")).unwrap();
        host(&mut draft, Some("me,other")).unwrap();
        assert_eq!(settled(&mut draft), ["me 1 other"]);
    }

    #[test]
    fn preferences_are_told_before_names() {
        let refusal = |line| host(&mut Draft::new(), Some(line)).unwrap_err();
        assert_eq!(refusal("-A,b,x"), Fault::from("bad MX preference"));
        assert_eq!(refusal("a,b,1,2"), Fault::from("bad MX preference"));
        assert_eq!(refusal("a,-B"), Fault::from("bad MX name"));
    }
}
