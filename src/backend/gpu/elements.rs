//! What the kernels' parts share: the activation, the learning rate, and four floats at once.

use cubecl::prelude::*;

use super::layout::state as words;

/// Four floats that lie one after the other, read at once.
pub type Four = Vector<f32, Const<4>>;

/// A logistic function, or a tanh: out of exp, as some drivers' tanh of a large number is no number.
#[cube]
pub fn activate(x: f32, #[comptime] tanh: bool) -> f32 {
    if tanh {
        1.0f32 - 2.0f32 / (1.0f32 + (2.0f32 * x).exp())
    } else {
        1.0f32 / (1.0f32 + (-x).exp())
    }
}

/// The derivative of an activation, by its value.
#[cube]
pub fn slope(value: f32, #[comptime] tanh: bool) -> f32 {
    if tanh { 1.0f32 - value * value } else { value * (1.0f32 - value) }
}

/// Whether a place is one of `first..end`.
#[cube]
pub fn is_between(place: usize, #[comptime] first: usize, #[comptime] end: usize) -> bool {
    place >= first && place < end
}

/// The learning rate of the batch that was done last.
#[cube]
pub fn rate(state: &Array<u32>) -> f32 {
    let batch = (state[words::NEXT] as usize - 1) / state[words::BATCH] as usize;
    f32::reinterpret(state[words::RATES + batch])
}

/// Writes four floats one after the other.
#[cube]
pub fn write_four(memory: &mut SharedMemory<f32>, to: usize, values: Four) {
    memory[to] = values[0];
    memory[to + 1] = values[1];
    memory[to + 2] = values[2];
    memory[to + 3] = values[3];
}

/// One float out of fours. By `select`: a component whose number is computed costs a trip through memory.
#[cube]
pub fn float(parameters: &Array<Four>, place: usize) -> f32 {
    let four = parameters[place / 4];
    let component = place % 4;
    let low = select(component == 0, four[0], four[1]);
    let high = select(component == 2, four[2], four[3]);
    select(component < 2, low, high)
}

/// Four floats that lie one after the other.
#[cube]
pub fn read_four(memory: &SharedMemory<f32>, from: usize) -> Four {
    let mut four = Four::empty();
    four[0] = memory[from];
    four[1] = memory[from + 1];
    four[2] = memory[from + 2];
    four[3] = memory[from + 3];
    four
}
