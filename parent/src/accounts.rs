//! Users and groups, read from the system's files while we may.
//!
//! Looked up by ourselves: the C library's way loads modules at run time, which a static program cannot.

use std::fs;

use ipc::role::Role;

use crate::config::{GroupChoice, Process};
use crate::failure::Failure;
use crate::spawn::Identity;

/// First of the ids that roles get when the system has no users of their names. Above what distributions give out, below `nobody`.
const FIRST_UID: u32 = 65520;

/// Who each role runs as.
///
/// A user `wardmasq-ROLE`, if the system has one; else an id of its own that no user has. The tftp role runs as the configured `user`, if
/// one is named, for that user's rights decide what may be served.
pub fn identity(role: Role, process: &Process) -> Result<Identity, Failure> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let group = fs::read_to_string("/etc/group").unwrap_or_default();
    let unknown =
        |name: &str| Failure::configuration(format!("unknown user or group: {name}")).about(&["user", "group"], name);
    let configured = match process.user.as_deref() {
        None => None,
        Some(name) => match find_user(&passwd, name) {
            Some(user) => Some(user),
            // The default name may be missing on a small system; a name that was asked for may not.
            None if name == "nobody" => None,
            None => return Err(unknown(name)),
        },
    };
    let named_group = match &process.group {
        GroupChoice::Named(name) => Some(find_group(&group, name).ok_or_else(|| unknown(name))?),
        _ => None,
    };
    if role == Role::Tftp
        && process.user.as_deref() != Some("nobody")
        && let Some(user) = configured.filter(|user| user.uid != 0)
    {
        return Ok(Identity { uid: user.uid, gid: named_group.filter(|gid| *gid != 0).unwrap_or(user.gid) });
    }
    let own = find_user(&passwd, &format!("wardmasq-{}", role.word())).filter(|user| user.uid != 0 && user.gid != 0);
    Ok(own.unwrap_or_else(|| {
        let uid = FIRST_UID + role as u32;
        Identity { uid, gid: uid }
    }))
}

/// The user of this name.
pub fn user(name: &str) -> Option<Identity> {
    find_user(&fs::read_to_string("/etc/passwd").unwrap_or_default(), name)
}

/// Can this process become `identity` at all? In a container that maps few ids it may have none to give.
pub fn available(identity: Identity) -> bool {
    let covers = |map: &str, id: u32| {
        let Ok(text) = fs::read_to_string(map) else { return true };
        text.lines().any(|line| {
            let mut fields = line.split_ascii_whitespace().map_while(|field| field.parse::<u64>().ok());
            let (Some(first), _, Some(count)) = (fields.next(), fields.next(), fields.next()) else { return false };
            (first..first + count).contains(&u64::from(id))
        })
    };
    covers("/proc/self/uid_map", identity.uid) && covers("/proc/self/gid_map", identity.gid)
}

fn find_user(passwd: &str, name: &str) -> Option<Identity> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| {
            let uid = fields.nth(1)?.parse().ok()?;
            Some(Identity { uid, gid: fields.next()?.parse().ok()? })
        })?
    })
}

fn find_group(group: &str, name: &str) -> Option<u32> {
    group.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_whole_names() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nwardmasq-dns:x:990:991::/:/bin/false\n";
        assert_eq!(find_user(passwd, "wardmasq-dns"), Some(Identity { uid: 990, gid: 991 }));
        assert_eq!(find_user(passwd, "wardmasq"), None);
        assert_eq!(find_group("dip:x:30:\n", "dip"), Some(30));
    }

    #[test]
    fn a_user_that_was_asked_for_must_exist() {
        let process = Process { user: Some("no-such-user".to_owned()), ..Process::default() };
        let failure = identity(Role::Dns, &process).unwrap_err();
        assert_eq!((failure.status, failure.text.as_str()), (1, "unknown user or group: no-such-user"));
    }
}
