//! Values of TFTP options.

use ipc::config::tftp::TftpRoot;

use super::blame::{At as _, Wanted};
use super::draft::Draft;
use super::fault::Fault;
use super::number::number16;
use super::process::{PORT, interfaces};
use super::text::{reveal_text, split};

type Outcome = Result<(), Fault>;

/// `enable-tftp = [INTERFACE {"," INTERFACE}]`.
pub(crate) fn enable(draft: &mut Draft, value: Option<&str>) -> Outcome {
    draft.tftp_wanted = true;
    draft.process.tftp_interfaces.extend(interfaces(value));
    Ok(())
}

/// `tftp-root = PATH ["," INTERFACE]`.
pub(crate) fn root(draft: &mut Draft, value: Option<&str>) -> Outcome {
    let (path, interface) = split(value.ok_or(Fault::Value)?, ',');
    let mut path = reveal_text(path);
    if path.is_empty() {
        return Ok(());
    }
    if !path.ends_with('/') {
        path.push('/');
    }
    let interface = interface.filter(|name| !name.is_empty()).map(reveal_text);
    draft.tftp.roots.push(TftpRoot { path, interface });
    Ok(())
}

/// `tftp-unique-root = ["ip" | "mac"]`, in any letter case.
pub(crate) fn unique_root(draft: &mut Draft, value: Option<&str>) -> Outcome {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("ip") => draft.tftp.unique_root = true,
        Some("mac") => {
            draft.not_built("tftp-unique-root=mac");
            draft.unserved.tftp_unique_root_by_mac = true;
        }
        Some(_) => return Err(Fault::Value.at(value.unwrap_or_default(), Wanted::Words(&["ip", "mac"]))),
    }
    Ok(())
}

/// `tftp-port-range = PORT "," PORT`, in either order.
pub(crate) fn port_range(draft: &mut Draft, value: Option<&str>) -> Outcome {
    let bad = || Fault::from("bad port range");
    let (one, other) = split(value.ok_or(Fault::Value)?, ',');
    let one = number16(one).ok_or_else(bad).at(one, PORT)?;
    let other = other.ok_or_else(bad)?;
    let other = number16(other).ok_or_else(bad).at(other, PORT)?;
    draft.process.tftp_port_range = Some((one.min(other), one.max(other)));
    Ok(())
}
