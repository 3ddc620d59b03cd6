// The forward pass of LeNet for one image, computed in 64-bit floats.

// Decodes the ten tensors from base64-encoded little-endian 32-bit floats. `tensors` lists their [name, shape] in order.
function readWeights(text, tensors) {
  const view = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const weights = {};
  let at = 0;
  for (const [name, shape] of tensors) {
    const values = new Float32Array(shape.reduce((a, b) => a * b));
    for (let i = 0; i < values.length; i++, at += 4) values[i] = view.getFloat32(at, true);
    weights[name] = { shape, values };
  }
  return weights;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// Valid convolution of `input` [inputs, side, side] with `weight` [outputs, inputs, k, k], followed by a sigmoid.
function convolve(input, side, weight, bias) {
  const [outputs, inputs, k] = weight.shape;
  const size = side - k + 1;
  const out = new Float64Array(outputs * size * size);
  for (let o = 0; o < outputs; o++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        let sum = bias.values[o];
        for (let i = 0; i < inputs; i++) {
          for (let v = 0; v < k; v++) {
            const from = (i * side + y + v) * side + x;
            const w = ((o * inputs + i) * k + v) * k;
            for (let u = 0; u < k; u++) sum += input[from + u] * weight.values[w + u];
          }
        }
        out[(o * size + y) * size + x] = sigmoid(sum);
      }
    }
  }
  return out;
}

// 2x2 max pooling of [channels, side, side].
function pool(input, channels, side) {
  const half = side / 2;
  const out = new Float64Array(channels * half * half);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < half; y++) {
      for (let x = 0; x < half; x++) {
        const at = (c * side + 2 * y) * side + 2 * x;
        out[(c * half + y) * half + x] = Math.max(input[at], input[at + 1], input[at + side], input[at + side + 1]);
      }
    }
  }
  return out;
}

function dense(input, weight, bias) {
  return Float64Array.from(bias.values, (start, o) => {
    const row = weight.values.subarray(o * input.length, (o + 1) * input.length);
    return sigmoid(row.reduce((sum, w, i) => sum + w * input[i], start));
  });
}

// Returns the outputs of all layers for an image of 784 raw pixels, and the probabilities, clipped and normalised as in the
// loss.
function forward(weights, image) {
  const layer = (name) => [weights[`${name}.weight`], weights[`${name}.bias`]];
  const conv1 = convolve(image, 28, ...layer("conv1"));
  const conv2 = convolve(pool(conv1, 6, 24), 12, ...layer("conv2"));
  const fc1 = dense(pool(conv2, 16, 8), ...layer("fc1"));
  const fc2 = dense(fc1, ...layer("fc2"));
  const fc3 = dense(fc2, ...layer("fc3"));
  const clipped = fc3.map((o) => Math.min(Math.max(o, 1e-7), 1 - 1e-7));
  const sum = clipped.reduce((a, b) => a + b);
  return { input: image, conv1, conv2, fc1, fc2, fc3, probabilities: clipped.map((o) => o / sum) };
}
