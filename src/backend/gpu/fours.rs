//! Access to four floats at once.

use cubecl::prelude::*;

/// Four consecutive floats, loaded at once.
pub type Four = Vector<f32, Const<4>>;

/// Writes four consecutive floats.
#[cube]
pub fn write_four(memory: &mut SharedMemory<f32>, to: usize, values: Four) {
    memory[to] = values[0];
    memory[to + 1] = values[1];
    memory[to + 2] = values[2];
    memory[to + 3] = values[3];
}

/// Reads four consecutive floats.
#[cube]
pub fn read_four(memory: &SharedMemory<f32>, from: usize) -> Four {
    let mut four = Four::empty();
    four[0] = memory[from];
    four[1] = memory[from + 1];
    four[2] = memory[from + 2];
    four[3] = memory[from + 3];
    four
}

/// Reads a single float. Uses `select`, because an access to a component whose index is known only at run time goes through
/// memory.
#[cube]
pub fn read_float(parameters: &Array<Four>, index: usize) -> f32 {
    let four = parameters[index / 4];
    let component = index % 4;
    let low = select(component == 0, four[0], four[1]);
    let high = select(component == 2, four[2], four[3]);
    select(component < 2, low, high)
}

/// Returns whether an index is in `first..end`.
#[cube]
pub fn is_between(index: usize, #[comptime] first: usize, #[comptime] end: usize) -> bool {
    index >= first && index < end
}
