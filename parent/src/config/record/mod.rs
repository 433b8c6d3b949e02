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

use cname::Cname;
use host::HostRecord;
use interface_name::InterfaceName;
use mx::MxRecord;
use srv::SrvRecord;
use synthetic::SyntheticDomain;
use zone_line::{CaaRecord, NaptrRecord, PtrRecord, RawRecord, TxtRecord};

/// Everything that is answered from lines of the configuration, fixed answers apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// `host-record`, in the order written: the first name of the first line owns the PTR record of an address.
    pub hosts: Vec<HostRecord>,
    /// `cname`, each alias once.
    pub cnames: Vec<Cname>,
    /// `mx-host`, and one that follows from `mx-target` or `localmx`.
    pub mx: Vec<MxRecord>,
    /// `localmx`: every host that we know has an MX record to the `mx-target`.
    pub local_mx: bool,
    /// `selfmx`: every host that we know has an MX record to itself.
    pub self_mx: bool,
    /// Where MX records point that are made for hosts that we know: `mx-target`, else the name of this machine. Set if there
    /// is any use for it.
    pub mx_target: Option<String>,
    /// `srv-host`.
    pub srv: Vec<SrvRecord>,
    /// `txt-record`.
    pub txt: Vec<TxtRecord>,
    /// `ptr-record`.
    pub ptr: Vec<PtrRecord>,
    /// `naptr-record`.
    pub naptr: Vec<NaptrRecord>,
    /// `caa-record`.
    pub caa: Vec<CaaRecord>,
    /// `dns-rr`.
    pub raw: Vec<RawRecord>,
    /// `interface-name` and `dynamic-host`, in the order written: the first line of an interface owns its PTR records.
    pub interface_names: Vec<InterfaceName>,
    /// `synth-domain`.
    pub synthetic: Vec<SyntheticDomain>,
}

impl Records {
    /// Brings the lists from the order written to the order searched.
    pub(crate) fn last_first(&mut self) {
        self.cnames.reverse();
        self.srv.reverse();
        self.txt.reverse();
        self.ptr.reverse();
        self.naptr.reverse();
        self.caa.reverse();
        self.raw.reverse();
        self.synthetic.reverse();
    }
}
