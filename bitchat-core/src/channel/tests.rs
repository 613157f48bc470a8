mod faults;
mod hostile;
mod peers;
mod random;
mod sync;
mod world;
