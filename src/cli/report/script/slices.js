// Long computations in short slices, so that drawing stays smooth.

const SLICE = 16; // milliseconds

// Returns a function that runs the generator of `start` to its end and passes all values to `onEnd`. A new call, or `null`,
// cancels the computation before.
function makeSlices() {
  let newest = 0;
  return function run(generator, onEnd) {
    const id = ++newest;
    const values = [];
    function slice() {
      if (id !== newest) return;
      const end = performance.now() + SLICE;
      while (performance.now() < end) {
        const { value, done } = generator.next();
        if (done) return onEnd(values);
        values.push(value);
      }
      setTimeout(slice);
    }
    if (generator) slice();
  };
}
