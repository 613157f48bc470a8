//! How the node stands in the DHT.

use super::{bitchat_node, enter};
use crate::sized_struct::{SizedStruct, write_struct};
use crate::status::{BITCHAT_ERR_NULL, BITCHAT_ERR_SHORT, BITCHAT_PENDING};
use crate::values::bitchat_address;

/// How the node stands in the DHT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bitchat_dht_stats {
    /// Set to sizeof(bitchat_dht_stats).
    pub struct_size: usize,
    /// Nodes that it knows over IPv4.
    pub nodes_v4: u64,
    /// And over IPv6.
    pub nodes_v6: u64,
    /// Queries under way.
    pub queries: u64,
    /// Look-ups under way.
    pub searches: u64,
    /// Infohashes of others that it remembers.
    pub hashes: u64,
    /// Queries of others that it answered.
    pub served: u64,
    /// Queries of others that it did not answer: too many, or it is not known to be reachable.
    pub ignored: u64,
}

// SAFETY: repr(C), begins with its size, and zero bytes are a value.
unsafe impl SizedStruct for bitchat_dht_stats {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Writes how the node stands in the DHT to `out`; BITCHAT_PENDING while it has nobody to ask there.
///
/// # Safety
/// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_dht_stats(
    node: *const bitchat_node,
    out: *mut bitchat_dht_stats,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let stats = inner.node.dht_stats().ok_or(BITCHAT_PENDING)?;
            let [nodes_v4, nodes_v6] = stats.nodes.map(|count| count as u64);
            let value = bitchat_dht_stats {
                struct_size: 0,
                nodes_v4,
                nodes_v6,
                queries: stats.queries as u64,
                searches: stats.searches as u64,
                hashes: stats.hashes as u64,
                served: stats.served,
                ignored: stats.ignored,
            };
            write_struct(&value, out)
        })
    }
}

/// Writes where the nodes of the DHT are that this one knows to `nodes`. `*count` is the room there, and
/// becomes how many they are.
///
/// # Safety
/// `node` is NULL or a live handle; `count` is NULL or valid for reads and writes; `nodes` is NULL or
/// valid for writes of `*count` addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bitchat_node_dht_nodes(
    node: *const bitchat_node,
    nodes: *mut bitchat_address,
    count: *mut usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        enter(node, |inner| {
            let found = inner.node.dht_nodes();
            if count.is_null() {
                return Err(BITCHAT_ERR_NULL);
            }
            if count.replace(found.len()) < found.len() {
                return Err(BITCHAT_ERR_SHORT);
            }
            if nodes.is_null() && !found.is_empty() {
                return Err(BITCHAT_ERR_NULL);
            }
            for (index, (contact, _)) in found.into_iter().enumerate() {
                nodes.add(index).write(contact.addr.into());
            }
            Ok(())
        })
    }
}
