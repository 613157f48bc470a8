use super::*;

#[test]
fn ids_show_all_of_themselves_and_debug_a_prefix() {
    let id = ChannelId([0xab; 20]);
    assert_eq!(id.to_string(), "ab".repeat(20));
    assert_eq!(format!("{id:?}"), "ChannelId(abababab)");
}
