//! A cache hit allocates nothing, and neither does an answer from a hosts file.

mod lab;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dns::{Input, Outbox};
use hickory_proto::rr::RecordType;
use lab::{Lab, a, arrival, cname, query, query_edns, slice, soa};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "a global allocator is an unsafe trait")]
// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_hit_allocates_nothing() {
    let mut slice = slice(&["192.0.2.1:53"]);
    slice.log_queries.on = false;
    let mut lab = Lab::with_hosts(slice, "10.0.0.1 h.lan\n10.0.0.2 h.lan\n");
    lab.resolve("www.example.com.", RecordType::A, |m| {
        m.add_answer(cname("www.example.com.", 300, "real.example.com."));
        m.add_answer(a("real.example.com.", 300, [1, 2, 3, 4]));
        m.add_answer(a("real.example.com.", 300, [1, 2, 3, 5]));
    });
    lab.resolve("nx.example.com.", RecordType::A, |m| {
        m.metadata.response_code = hickory_proto::op::ResponseCode::NXDomain;
        m.add_authority(soa("example.com.", 300, 300));
    });
    let queries = [
        query(1, "www.example.com.", RecordType::A),
        query_edns(2, "REAL.example.com.", RecordType::A, 1232, false),
        query(3, "nx.example.com.", RecordType::AAAA),
        query(4, "h.lan.", RecordType::A),
        query(5, "1.0.0.10.in-addr.arpa.", RecordType::PTR),
    ];
    let mut out = Outbox::new();
    let mut allocations = 0;
    for round in 0..100 {
        out.clear();
        let before = ALLOCATIONS.get();
        for bytes in &queries {
            lab.engine.handle(Input::Datagram { arrival: arrival(9), bytes }, lab.now, &mut out);
        }
        assert_eq!(out.actions.len(), queries.len());
        // The first round gives the outbox its capacity.
        if round > 0 {
            allocations += ALLOCATIONS.get() - before;
        }
    }
    assert_eq!(allocations, 0);
}
