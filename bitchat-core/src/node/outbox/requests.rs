//! Which part of a node waits for the answer to an action.

use crate::base::ids::{ChannelHandle, RequestId};
use crate::node::Node;
use crate::node::api::Family;
use crate::node::store::loads::Load;
use crate::tracker::interface::TrackerQuery;

/// What waits for the answer to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// A socket of this family.
    Bind(Family),
    /// A channel's announcer.
    Tracker(ChannelHandle, TrackerQuery),
    /// Records of the node, or of a channel.
    Load(Load),
}

impl Node {
    /// A new request that `pending` waits for.
    pub(crate) fn request(&mut self, pending: Pending) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.requests.insert(request, pending);
        request
    }
}
