//! What Bit Chat costs, beside quinn-proto and snow in the same run. `benches/README.md` says how to
//! read it.

mod alloc;
mod machine;
mod measure;
mod mesh;
mod ours;
mod pair;
mod quinn_peer;
mod rows;
mod snow_peer;
mod table;

use machine::Machine;
use std::error::Error;
use std::fs;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

fn main() -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let machine = Machine::here();
    let table = table::render(&rows::measured(&names));
    let facts: String = machine.lines.iter().map(|line| format!("- {line}\n")).collect();
    let text = format!("# {}, {}\n\n{facts}\n{table}", machine.date, machine.short);
    print!("{text}");
    if !names.is_empty() {
        // A part of the figures is for looking at; the file holds all of one run.
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}-{}.md", machine.date, machine.short));
    fs::write(file, text)?;
    Ok(())
}
