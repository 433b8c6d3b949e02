//! Compiles tables into system call filters and installs them.
//!
//! A worker gets two, stacked; the kernel obeys the severer answer. The first kills for calls that no worker could mean. The
//! second refuses, with EPERM, whatever the table does not name: an update of the C library must not turn into a crash loop, an
//! exploit must.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use nix::errno::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::raw;
use crate::facts::{ConfineError, Facts, Partition, Report};
use crate::table::{Call, Condition, Test, WorkerPolicy};

/// Installs both filters of a worker.
pub(super) fn install_worker(
    policy: &WorkerPolicy,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Result<(), ConfineError> {
    let refusal =
        if facts.strict { SeccompAction::KillProcess } else { SeccompAction::Errno(libc::EPERM.unsigned_abs()) };
    let Some(arch) = architecture() else {
        report.missing.push("system call filter");
        return Ok(());
    };
    // Both are compiled before the first is in force, and the killing one goes first, because the other one does not let a
    // further filter through.
    let kill = compile(policy.killed.iter(), &facts.partition, SeccompAction::Allow, SeccompAction::KillProcess, arch)?;
    let allow = compile(policy.allowed(), &facts.partition, refusal, SeccompAction::Allow, arch)?;
    for program in [kill, allow] {
        if !install(&program, report)? {
            return Ok(());
        }
    }
    report.allowed = Some(policy.allowed().count());
    report.killed = policy.killed.len();
    Ok(())
}

/// Installs the parent's filter: these calls are refused, all others pass.
pub(crate) fn install_refusals(refused: &[Call], report: &mut Report) -> Result<(), ConfineError> {
    let Some(arch) = architecture() else {
        report.missing.push("system call filter");
        return Ok(());
    };
    let nowhere = Partition { control: -1, log: -1, epoll: -1, sockets: 0..0, held: 0..0, later: 0 };
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let program = compile(refused.iter(), &nowhere, SeccompAction::Allow, refusal, arch)?;
    if install(&program, report)? {
        report.killed = refused.len();
    }
    Ok(())
}

fn architecture() -> Option<TargetArch> {
    ARCH.try_into().ok()
}

/// False when the kernel has no filters; the report then says so.
fn install(program: &BpfProgram, report: &mut Report) -> Result<bool, ConfineError> {
    // Without the flag, a kernel before 5.16 slows the process down by a mitigation meant for programs that run foreign
    // code. A kernel that does not know the flag does not have the mitigation either.
    let flags = [libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0];
    let mut last = Errno::ENOSYS;
    for flag in flags {
        match raw::install_filter(program, flag) {
            Ok(()) => return Ok(true),
            Err(errno) => last = errno,
        }
        if last != Errno::EINVAL {
            break;
        }
    }
    match last {
        Errno::ENOSYS | Errno::EINVAL => {
            report.missing.push("system call filter");
            Ok(false)
        }
        errno => Err(ConfineError::Filter(errno.desc().to_owned())),
    }
}

fn compile<'a>(
    calls: impl Iterator<Item = &'a Call>,
    partition: &Partition,
    mismatch: SeccompAction,
    matched: SeccompAction,
    arch: TargetArch,
) -> Result<BpfProgram, ConfineError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let mut unconditional = Vec::new();
    for call in calls {
        let chain = rules.entry(call.number).or_default();
        if call.conditions.is_empty() {
            unconditional.push(call.number);
        }
        for conditions in alternatives(call.conditions, partition)? {
            if !conditions.is_empty() {
                chain.push(SeccompRule::new(conditions).map_err(failed)?);
            }
        }
    }
    // To the compiler an empty chain means "always".
    for number in unconditional {
        rules.insert(number, Vec::new());
    }
    let filter = SeccompFilter::new(rules, mismatch, matched, arch).map_err(failed)?;
    BpfProgram::try_from(filter).map_err(failed)
}

/// The conditions of a row as a disjunction of conjunctions, since the compiler knows no "one of".
fn alternatives(conditions: &[Condition], partition: &Partition) -> Result<Vec<Vec<SeccompCondition>>, ConfineError> {
    let mut result = vec![Vec::new()];
    for condition in conditions {
        let choices = choices(condition, partition)?;
        result = result
            .iter()
            .flat_map(|so_far| choices.iter().map(move |choice| [so_far.as_slice(), choice.as_slice()].concat()))
            .collect();
    }
    Ok(result)
}

fn choices(condition: &Condition, partition: &Partition) -> Result<Vec<Vec<SeccompCondition>>, ConfineError> {
    let low = |op, value: u32| {
        SeccompCondition::new(condition.argument, SeccompCmpArgLen::Dword, op, u64::from(value)).map_err(failed)
    };
    // A negative place can never be asked for.
    let place = |number: i32| u32::try_from(number).unwrap_or(u32::MAX);
    let masked = |mask: u32, value: u32| low(SeccompCmpOp::MaskedEq(u64::from(mask)), value);
    Ok(match condition.test {
        Test::Sockets => vec![vec![
            low(SeccompCmpOp::Ge, place(partition.sockets.start))?,
            low(SeccompCmpOp::Lt, place(partition.sockets.end))?,
        ]],
        Test::Later => vec![vec![low(SeccompCmpOp::Ge, place(partition.later))?]],
        Test::Epoll => vec![vec![low(SeccompCmpOp::Eq, place(partition.epoll))?]],
        Test::Null => vec![vec![
            SeccompCondition::new(condition.argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0).map_err(failed)?,
        ]],
        Test::OneOf(values) => {
            values.iter().map(|value| Ok(vec![low(SeccompCmpOp::Eq, *value)?])).collect::<Result<_, _>>()?
        }
        Test::Within(bits) => vec![vec![masked(!bits, 0)?]],
        Test::Exactly { value, free } => vec![vec![masked(!free, value)?]],
        Test::Has(bits) => vec![vec![masked(bits, bits)?]],
    })
}

fn failed(error: seccompiler::BackendError) -> ConfineError {
    ConfineError::Filter(error.to_string())
}
