//! A network that may do only so much harm: so every model is finite, and comes to rest.

/// What a network may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Packets under way at once.
    pub room: usize,
    /// Packets lost.
    pub losses: u8,
    /// Packets that arrive twice.
    pub copies: u8,
    /// Packets that are sent again though nothing was lost.
    pub repeats: u8,
}

/// Packets under way; any of them may arrive next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Net<P> {
    packets: Vec<P>,
    budget: Budget,
}

impl<P: Ord + Clone> Net<P> {
    /// Nothing is under way.
    #[must_use]
    pub const fn new(budget: Budget) -> Self {
        Self { packets: Vec::new(), budget }
    }

    /// What is under way, in an order that says nothing.
    #[must_use]
    pub fn packets(&self) -> &[P] {
        &self.packets
    }

    /// Another packet may be sent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.packets.len() < self.budget.room
    }

    #[must_use]
    pub const fn may_lose(&self) -> bool {
        self.budget.losses > 0
    }

    #[must_use]
    pub const fn may_copy(&self) -> bool {
        self.budget.copies > 0
    }

    #[must_use]
    pub const fn may_repeat(&self) -> bool {
        self.budget.repeats > 0
    }

    /// Kept sorted: two states with the same packets are one.
    pub fn send(&mut self, packet: P) {
        let at = self.packets.partition_point(|other| *other < packet);
        self.packets.insert(at, packet);
    }

    pub const fn repeats(&mut self) {
        self.budget.repeats -= 1;
    }

    pub fn take(&mut self, index: usize) -> P {
        self.packets.remove(index)
    }

    pub fn copy(&mut self, index: usize) -> P {
        self.budget.copies -= 1;
        self.packets[index].clone()
    }

    pub fn lose(&mut self, index: usize) {
        self.budget.losses -= 1;
        self.packets.remove(index);
    }

    pub fn clear(&mut self) {
        self.packets.clear();
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { room, losses, copies, repeats } = self;
        write!(f, "{room} packets under way, {losses} lost, {copies} doubled")?;
        if *repeats > 0 { write!(f, ", {repeats} repeated in vain") } else { Ok(()) }
    }
}
