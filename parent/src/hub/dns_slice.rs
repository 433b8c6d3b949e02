//! What the next dns workers are started with: the slice, the table of routes, and the upstreams they may ask for. It is made anew on
//! SIGHUP only where a servers file can change it.

use std::borrow::Cow;
use std::fs;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ipc::config::dns::DnsSlice;
use ipc::config::routing::{Routing, TooManyRoutes};
use ipc::frame;
use ipc::role::Role;

use super::Hub;
use crate::broker;
use crate::config::server_file::{self, FileServers};
use crate::files;
use crate::spawn::sealed;
use crate::upstreams::Upstreams;

/// A table of routes no larger than this rides in the slice, so that small configurations pay for no further mapping.
const TABLE_IN_SLICE_BYTES_MAX: usize = 8 * 1024;

impl Hub {
    /// Makes it for the first time.
    pub(super) fn make_dns_slice(&mut self) -> std::io::Result<()> {
        let file = self.read_servers_file().unwrap_or_default();
        self.remake_dns_slice(&file)
    }

    /// Reads the servers file again, if there is one. What cannot be read changes nothing.
    pub(super) fn renew_dns_slice(&mut self) {
        if let Some(file) = self.read_servers_file()
            && let Err(error) = self.remake_dns_slice(&file)
        {
            self.log.error(&format!("the servers file is not used: {}", files::reason(&error)));
        }
    }

    fn read_servers_file(&mut self) -> Option<FileServers> {
        let path = self.config.process.servers_file.as_ref()?;
        let shown = path.to_string_lossy();
        match fs::read(path) {
            Ok(bytes) => {
                let (servers, errors) = server_file::read(&bytes, &shown);
                errors.iter().for_each(|error| self.log.error(&error.text));
                Some(servers)
            }
            Err(error) => {
                self.log.error(&format!("cannot read {shown}: {}", files::reason(&error)));
                None
            }
        }
    }

    fn remake_dns_slice(&mut self, file: &FileServers) -> std::io::Result<()> {
        let upstreams = Upstreams::new(&self.config, file);
        // What is configured is not copied: block lists are long. Once the table is made the parent has no use for routes, unless it
        // must be made again.
        let mut slice = std::mem::take(&mut self.config.dns);
        let mut routes = std::mem::take(&mut slice.routes);
        let configured = self.config.process.servers_file.is_some().then(|| routes.clone());
        routes.append(&file.routes, slice.upstreams.len() as u32);
        let routing = Routing::build(&routes, broker::random());
        drop(routes);

        let (listed, one_port) = upstreams.listed();
        let (own, own_one_port) =
            (std::mem::replace(&mut slice.upstreams, listed), std::mem::replace(&mut slice.one_port, one_port));
        let made = routing
            .map_err(|error: TooManyRoutes| std::io::Error::other(error))
            .and_then(|routing| encoded(&slice, routing));
        (slice.upstreams, slice.one_port) = (own, own_one_port);
        slice.routes = configured.unwrap_or_default();
        self.config.dns = slice;
        let (bytes, table) = made?;
        self.slices.insert(Role::Dns, bytes);
        self.routes = table;
        self.upstreams = Rc::new(upstreams);
        Ok(())
    }
}

/// The slice with the table of routes in it, or beside it if that is large.
fn encoded(slice: &DnsSlice, mut routing: Routing) -> std::io::Result<(OwnedFd, Option<OwnedFd>)> {
    let mut table = None;
    if routing.table.len() > TABLE_IN_SLICE_BYTES_MAX {
        table = Some(sealed(&routing.table)?);
        routing.table = Cow::default();
    }
    let mut bytes = Vec::new();
    frame::encode_slice(&(slice, &routing), &mut bytes).map_err(std::io::Error::other)?;
    Ok((sealed(&bytes)?, table))
}
