mod catchup;
mod faults;
mod hostile;
mod info;
mod peers;
mod random;
mod sync;
mod world;
