use super::*;

#[repr(C)]
#[derive(Clone, Copy)]
struct Old {
    struct_size: usize,
    a: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct New {
    struct_size: usize,
    a: u64,
    b: u64,
}

// SAFETY: as the trait asks.
unsafe impl SizedStruct for Old {
    const FIRST_SIZE: usize = 16;
}
// SAFETY: as the trait asks.
unsafe impl SizedStruct for New {
    const FIRST_SIZE: usize = 16;
}

#[test]
fn an_old_program_gets_what_it_knows_from_a_new_library() {
    let mut out = [16_usize, 7, 99];
    let value = New { struct_size: 0, a: 1, b: 2 };
    // SAFETY: the array is as large as it says.
    unsafe { write_struct(&value, out.as_mut_ptr().cast::<New>()).unwrap() };
    assert_eq!(out, [16, 1, 99]);
    // SAFETY: the array is as large as it says.
    let read = unsafe { read_struct(out.as_ptr().cast::<New>()).unwrap() };
    assert_eq!((read.a, read.b), (1, 0));
}

#[test]
fn a_new_program_gets_zeros_from_an_old_library_and_cannot_ask_it_for_more() {
    let mut out = [24_usize, 7, 99];
    let value = Old { struct_size: 0, a: 1 };
    // SAFETY: the array is as large as it says.
    unsafe { write_struct(&value, out.as_mut_ptr().cast::<Old>()).unwrap() };
    assert_eq!(out, [24, 1, 0]);
    // SAFETY: the array is as large as it says.
    let read = unsafe { read_struct(out.as_ptr().cast::<Old>()) };
    assert_eq!(read.unwrap().a, 1);
    out[2] = 1;
    // SAFETY: the array is as large as it says.
    let read = unsafe { read_struct(out.as_ptr().cast::<Old>()) };
    assert_eq!(read.err(), Some(BITCHAT_ERR_INVALID));
}

#[test]
fn a_size_that_cannot_be_is_refused_before_anything_is_touched() {
    for size in [0, 8, 15, LARGEST + 1, usize::MAX] {
        let mut out = [size, 7, 9];
        // SAFETY: only the first field is looked at.
        let (read, checked, written) = unsafe {
            let value = Old { struct_size: 0, a: 1 };
            (
                read_struct(out.as_ptr().cast::<Old>()).err(),
                check_struct(out.as_ptr().cast::<Old>()).err(),
                write_struct(&value, out.as_mut_ptr().cast::<Old>()).err(),
            )
        };
        let refused = Some(BITCHAT_ERR_INVALID);
        assert_eq!((read, checked, written), (refused, refused, refused), "{size}");
        assert_eq!(out, [size, 7, 9]);
    }
}
