//! Upstreams that answer for the same domain: which of them is asked.

/// After so many questions to the favorite, all are asked again (dnsmasq: FORWARD_TEST).
const TEST_QUESTIONS: u32 = 50;
/// After so long with one favorite, all are asked again (dnsmasq: FORWARD_TIME).
const TEST_MS: u64 = 20_000;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) domain: String,
    /// The configured members; in the default group the upstreams of the resolv file follow.
    pub(super) members: Vec<u32>,
    pub(super) configured: usize,
    pub(super) last_good: Option<u32>,
    pub(super) questions: u32,
    pub(super) tested_ms: u64,
    pub(super) warned_ms: Option<u64>,
}

impl Group {
    /// Takes an upstream out.
    pub(super) fn leave_out(&mut self, index: u32) {
        self.configured = self.members.iter().take(self.configured).filter(|member| **member != index).count();
        self.members.retain(|member| *member != index);
        self.last_good = self.last_good.filter(|last| *last != index);
    }

    /// Whom a new question goes to, and whether that is a question to all.
    pub(super) fn choose(&mut self, strict_order: bool, all_servers: bool, now_ms: u64) -> (Vec<u32>, bool) {
        if strict_order {
            return (self.members.first().copied().into_iter().collect(), false);
        }
        self.questions += 1;
        let stale = self.questions > TEST_QUESTIONS || self.tested_ms + TEST_MS < now_ms;
        match self.last_good {
            Some(favorite) if !stale && !all_servers => (vec![favorite], false),
            _ => {
                self.questions = 0;
                self.tested_ms = now_ms;
                (self.members.clone(), true)
            }
        }
    }
}
