use super::*;
use crate::sized_struct::read_struct;

#[test]
fn every_limit_goes_there_and_back_by_itself() {
    let defaults = bitchat_limits::from(&Limits::default());
    let words = size_of::<bitchat_limits>() / size_of::<u64>();
    for word in 1..words {
        let mut changed = defaults;
        // SAFETY: the struct is `words` numbers of 64 bits; the first is its size.
        unsafe { (&raw mut changed).cast::<u64>().add(word).write(777 + word as u64) };
        let back = bitchat_limits::from(&changed.to_limits().expect("small"));
        // SAFETY: as above.
        let back = unsafe { (&raw const back).cast::<u64>().add(word).read() };
        assert_eq!(back, 777 + word as u64);
    }
}

#[test]
fn what_an_old_program_does_not_know_has_its_default() {
    let old = [size_of::<bitchat_limits>() as u64 - 8; 64];
    let limits = old.as_ptr().cast::<bitchat_limits>();
    let defaults = bitchat_limits::from(&Limits::default());
    // SAFETY: the array is larger than it says.
    let read =
        unsafe { crate::sized_struct::overlay(defaults, limits, size_of::<bitchat_limits>() - 8) };
    let words = |limits: &bitchat_limits| -> Vec<u64> {
        let words = size_of::<bitchat_limits>() / size_of::<u64>();
        // SAFETY: the struct is `words` numbers of 64 bits.
        (0..words)
            .map(|word| unsafe { (&raw const *limits).cast::<u64>().add(word).read() })
            .collect()
    };
    let (read, defaults) = (words(&read), words(&defaults));
    assert_eq!(read.last(), defaults.last(), "the field that the program does not know");
    assert_ne!(defaults.last(), Some(&old[0]));
    assert!(read[1..read.len() - 1].iter().all(|known| *known == old[0]));
    // SAFETY: as above. This version has no older one: less than all of it is a mistake.
    assert!(unsafe { read_struct(limits) }.is_err());
}
