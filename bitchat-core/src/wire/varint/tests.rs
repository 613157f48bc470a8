use super::*;
use crate::wire::reader::Reader;
use crate::wire::writer::Put;
use proptest::prelude::*;

// BC-01.02
#[test]
fn the_examples_of_rfc_9000_a_1() {
    let examples: [(&[u8], u64); 5] = [
        (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
        (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
        (&[0x7b, 0xbd], 15_293),
        (&[0x25], 37),
        (&[0x40, 0x25], 37),
    ];
    for (bytes, value) in examples {
        assert_eq!(Reader::new(bytes).varint(), Ok(value));
    }
}

proptest! {
    // BC-01.03
    #[test]
    fn what_is_written_is_read(value in 0..=MAX) {
        let mut out = Vec::new();
        out.put_varint(value);
        prop_assert_eq!(out.len(), len(value));
        prop_assert_eq!(out.len(), len_from_first(out[0]));
        let mut reader = Reader::new(&out);
        prop_assert_eq!(reader.varint(), Ok(value));
        prop_assert_eq!(reader.finish(), Ok(()));
    }
}
