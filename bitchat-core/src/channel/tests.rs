mod sync;
mod world;
