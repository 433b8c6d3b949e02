//! Noise on every door: random bytes and mutations of real messages must never panic the engine, whatever their order.

mod lab;

use dns::{Handle, Input};
use hickory_proto::rr::RecordType;
use ipc::config::query::{AddSubnet, LetterCase, StaleLimit};
use lab::{Lab, a, arrival, cname, query, query_edns, response, slice, soa};

/// SplitMix64: enough for noise, and the same noise every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.extend(self.bytes(20)),
                2 => bytes.splice(at..at, [0xc0, 0x0c]).for_each(drop),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = self.next() as u8;
                    }
                }
            }
        }
        bytes
    }
}

fn lab() -> Lab {
    let mut slice = slice(&["192.0.2.1:53", "192.0.2.2:53"]);
    slice.bogus_priv = true;
    slice.domain_needed = true;
    slice.max_ttl = Some(60);
    slice.neg_ttl = Some(60);
    slice.queries.stale_answers = Some(StaleLimit::None);
    slice.queries.letter_case = LetterCase::Random;
    slice.queries.add_subnet = Some(AddSubnet::default());
    slice.queries.strip_mac = true;
    slice.queries.add_cpe_id = Some("home".to_owned());
    Lab::with_hosts(slice, "10.0.0.1 h.lan\n::1 h.lan\n")
}

#[test]
fn clients_datagrams() {
    let mut noise = Noise(1);
    let mut lab = lab();
    let real = [query(1, "h.lan.", RecordType::ANY), query_edns(2, "www.example.com.", RecordType::A, 1232, true)];
    for step in 0..40_000u32 {
        let bytes = match step % 3 {
            0 => noise.bytes(200),
            kind => noise.mutate(&real[kind as usize - 1]),
        };
        lab.datagram(1000 + (step % 50) as u16, &bytes);
        if step % 100 == 0 {
            lab.pass(500);
            lab.sent.clear();
            lab.replies.clear();
            lab.lines.clear();
        }
    }
}

#[test]
fn upstreams_datagrams() {
    let mut noise = Noise(2);
    let mut lab = lab();
    let names = ["www.example.com.", "alias.example.com.", "4.3.2.1.in-addr.arpa.", "_s._tcp.example.com."];
    let types = [RecordType::A, RecordType::AAAA, RecordType::PTR, RecordType::SRV, RecordType::TXT, RecordType::ANY];
    for step in 0..20_000 {
        let (text, rtype) = (names[noise.below(4)], types[noise.below(6)]);
        lab.datagram(1000, &query_edns(step as u16, text, rtype, 1232, false));
        let Some(sent) = lab.sent.pop() else {
            lab.pass(100_000);
            continue;
        };
        let mut message = response(&sent.bytes);
        message.add_answer(cname(text, 300, "www.example.com."));
        message.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
        message.add_authority(soa("example.com.", 300, 60));
        let real = message.to_vec().unwrap();
        // The header and the question stay whole half of the time, so that the noise gets past the first gate.
        let mut bytes = noise.mutate(&real);
        if step % 2 == 0 && bytes.len() > 40 {
            bytes[..12].copy_from_slice(&real[..12]);
            let end = 12 + text.len() + 1 + 4;
            bytes.truncate(real.len());
            if bytes.len() > end {
                bytes[12..end].copy_from_slice(&real[12..end]);
            }
        }
        lab.answer_bytes(&sent, &bytes);
        lab.replies.clear();
        lab.lines.clear();
    }
}

#[test]
fn streams() {
    let mut noise = Noise(3);
    let mut lab = lab();
    for step in 0..5000u32 {
        let stream = Handle(step);
        lab.input(Input::Accepted { stream, arrival: arrival(2000) });
        let mut bytes = Vec::new();
        for id in 0..noise.below(4) {
            let message = noise.mutate(&query(id as u16, "www.example.com.", RecordType::A));
            bytes.extend_from_slice(&(message.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&message);
        }
        let bytes = if step % 4 == 0 { noise.mutate(&bytes) } else { bytes };
        for part in bytes.chunks(1 + noise.below(40)) {
            lab.input(Input::StreamBytes { stream, bytes: part });
            if let Some(sent) = lab.sent.pop() {
                let garbage = noise.bytes(60);
                lab.answer_bytes(&sent, &garbage);
            }
        }
        lab.input(Input::StreamClosed { stream });
        lab.pass(20_000);
        lab.stream_replies.clear();
        lab.closed_streams.clear();
        lab.lines.clear();
    }
    lab.input(Input::Drain);
    assert!(lab.engine.idle());
}

#[test]
fn files() {
    let mut noise = Noise(4);
    let mut lab = lab();
    let hosts = b"10.0.0.1 a.lan b # c\n::1\tx.lan.\r\n1.2.3 bad\n".as_slice();
    let resolv = b"nameserver 10.0.0.1\nnameserver fe80::1%lo\nsearch x\n".as_slice();
    for _ in 0..5000 {
        let content = noise.mutate(hosts);
        lab.input(Input::HostsFile { path: "/h", content: Ok(&content) });
        let content = noise.mutate(resolv);
        lab.input(Input::ResolvFile { path: "/r", content: &content });
        let content = noise.bytes(300);
        lab.input(Input::HostsFile { path: "/h", content: Ok(&content) });
        lab.told.clear();
        lab.lines.clear();
    }
}
