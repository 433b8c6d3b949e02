//! Records of our own: `host-record`, `cname`, `mx-host`, `srv-host` and their kin, names of interfaces, synthetic names.
//!
//! Names are lower case if they were written with capitals, without a trailing dot; the empty name is the root. Lists are in the
//! order in which they are searched, which for most is the reverse of the order written.
//!
//! | file | options |
//! |---|---|
//! | `host` | `host-record` |
//! | `cname` | `cname` |
//! | `mx` | `mx-host`, `mx-target`, `localmx`, `selfmx` |
//! | `srv` | `srv-host` |
//! | `zone_line` | `txt-record`, `ptr-record`, `naptr-record`, `caa-record`, `dns-rr` |
//! | `interface_name` | `interface-name`, `dynamic-host` |
//! | `synthetic` | `synth-domain` |

pub mod cname;
pub mod host;
pub mod interface_name;
pub mod mx;
pub mod srv;
pub mod synthetic;
pub mod zone_line;

use ipc::config::record::Records;

/// Brings the lists from the order written to the order searched.
pub(crate) fn last_first(records: &mut Records) {
    records.cnames.reverse();
    records.srv.reverse();
    records.txt.reverse();
    records.ptr.reverse();
    records.naptr.reverse();
    records.caa.reverse();
    records.raw.reverse();
    records.synthetic.reverse();
}
