//! What the tftp worker asks for: a socket per transfer.

use ipc::control::ToWorker;
use ipc::event::{Event, PATH_BYTES_MAX};
use ipc::tftp;

use super::Hub;
use crate::broker;
use crate::interfaces;

impl Hub {
    pub(super) fn tftp_says(&mut self, index: usize, message: tftp::ToParent) -> bool {
        match message {
            tftp::ToParent::Serving => true,
            tftp::ToParent::Sent { size, client, path } => {
                let legal = path.len() <= PATH_BYTES_MAX && !path.chars().any(char::is_control);
                if legal {
                    self.tell_script(Event::Tftp { size, client, path });
                }
                legal
            }
            tftp::ToParent::WantTransfer { ticket, client, local, interface } => {
                // The parent cannot see whether that client asked; it sees that the address is ours and the interface serves.
                let ours = interfaces::owns(&self.interfaces, local);
                let serves = self.interfaces.iter().any(|i| i.index == interface && i.serves_tftp);
                if !ours || !serves || client.port() == 0 || client.is_ipv4() != local.is_ipv4() {
                    let message = tftp::ToWorker::NoSocket { ticket };
                    self.send(index, &ToWorker::Role(message), Vec::new());
                    return true;
                }
                let range = self.config.process.tftp_port_range;
                let (message, sockets) = match broker::transfer(local, client, range) {
                    Ok((socket, local)) => (tftp::ToWorker::TransferSocket { ticket, local, client }, vec![socket]),
                    Err(_) => (tftp::ToWorker::NoSocket { ticket }, Vec::new()),
                };
                self.send(index, &ToWorker::Role(message), sockets);
                true
            }
        }
    }
}
