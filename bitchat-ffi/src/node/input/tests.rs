use super::*;

/// Two records of `stride` bytes each, behind each other.
fn read(stride: usize) -> Result<Vec<Record>, i32> {
    let mut memory = [0_u64; 32];
    let bytes = memory.as_mut_ptr().cast::<u8>();
    assert!(stride * 2 <= size_of_val(&memory));
    for at in [0, stride] {
        // SAFETY: within the memory; not aligned in every case.
        unsafe { bytes.add(at).cast::<usize>().write_unaligned(stride) };
    }
    // SAFETY: the memory holds two records without keys and values.
    unsafe { read_records(bytes.cast(), 2) }
}

#[test]
fn records_of_a_newer_header_are_read_and_ones_at_odd_distances_refused() {
    let size = size_of::<bitchat_record>();
    for stride in [size, size + align_of::<bitchat_record>()] {
        assert_eq!(read(stride).map(|records| records.len()), Ok(2));
    }
    for stride in [size - 8, size + 1, size + 4] {
        assert_eq!(read(stride), Err(BITCHAT_ERR_INVALID));
    }
}
