// The arithmetic of the page: LeNet's forward pass, gradients, and where each value comes from, in 64-bit floats.

// Decodes the ten tensors from base64-encoded little-endian 32-bit floats. `tensors` lists their [name, shape] in order.
function readWeights(text, tensors) {
  const view = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const weights = {};
  let at = 0;
  for (const [name, shape] of tensors) {
    const values = new Float64Array(shape.reduce((a, b) => a * b));
    for (let i = 0; i < values.length; i++, at += 4) values[i] = view.getFloat32(at, true);
    weights[name] = { shape, values };
  }
  return weights;
}

// The layers in order: number of maps, their side length (1 if dense), and the layer from which each is computed.
const LAYERS = {
  input: { maps: 1, side: 28 },
  conv1: { maps: 6, side: 24, from: "input" },
  pool1: { maps: 6, side: 12, from: "conv1" },
  conv2: { maps: 16, side: 8, from: "pool1" },
  pool2: { maps: 16, side: 4, from: "conv2" },
  fc1: { maps: 120, side: 1, from: "pool2" },
  fc2: { maps: 84, side: 1, from: "fc1" },
  fc3: { maps: 10, side: 1, from: "fc2" },
};
const KERNEL = 5;

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// Valid convolution of `input` [inputs, side, side] with `weight` [outputs, inputs, 5, 5], followed by a sigmoid. Each row of
// a kernel slides over a row of the input, whose last four values stay in variables. With `region`, [left, top, right, bottom],
// only the outputs in this region are computed, and the others are those of `base`.
function convolve(input, side, { shape: [outputs, inputs], values }, bias, region, base) {
  const size = side - KERNEL + 1;
  const [left, top, right, bottom] = region ?? [0, 0, size, size];
  const out = base?.slice() ?? new Float64Array(outputs * size * size);
  for (let o = 0, w = 0; o < outputs; o++) {
    for (let y = top; y < bottom; y++) out.fill(bias.values[o], (o * size + y) * size + left, (o * size + y) * size + right);
    for (let row = 0; row < inputs * KERNEL; row++, w += KERNEL) {
      const [p, q, r, s, t] = [values[w], values[w + 1], values[w + 2], values[w + 3], values[w + 4]];
      const start = (Math.floor(row / KERNEL) * side + (row % KERNEL)) * side + left;
      for (let y = top; y < bottom; y++) {
        let from = start + y * side;
        let a = input[from++];
        let b = input[from++];
        let c = input[from++];
        let d = input[from++];
        for (let at = (o * size + y) * size + left, end = at + right - left; at < end; at++, from++) {
          const e = input[from];
          out[at] += a * p + b * q + c * r + d * s + e * t;
          a = b;
          b = c;
          c = d;
          d = e;
        }
      }
    }
    for (let y = top; y < bottom; y++) {
      for (let at = (o * size + y) * size + left, end = at + right - left; at < end; at++) out[at] = sigmoid(out[at]);
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
  const { values } = weight;
  const out = bias.values.slice();
  for (let o = 0, w = 0; o < out.length; o++) {
    let sum = out[o];
    for (let i = 0; i < input.length; i++, w++) sum += values[w] * input[i];
    out[o] = sigmoid(sum);
  }
  return out;
}

// Returns the outputs of all layers for an image of 784 raw pixels, and the probabilities, clipped and normalised as in the
// loss. `off` maps the name of a layer to an array with a one for each value that is switched off, which means set to 0.
// `known` has the outputs for an image that differs only in `region`, [left, top, right, bottom], which saves time.
function forward(weights, image, off = {}, known, region) {
  const outputs = { input: Float64Array.from(image) };
  for (const [name, { from, maps, side }] of Object.entries(LAYERS)) {
    if (!from) continue;
    const parameters = [weights[`${name}.weight`], weights[`${name}.bias`]];
    if (name.startsWith("conv")) {
      region = region?.map((edge, i) => (i < 2 ? Math.max(edge - KERNEL + 1, 0) : Math.min(edge, side)));
      outputs[name] = convolve(outputs[from], LAYERS[from].side, ...parameters, region, known?.[name]);
    } else if (name.startsWith("pool")) {
      region = region?.map((edge, i) => (i < 2 ? Math.floor(edge / 2) : Math.ceil(edge / 2)));
      outputs[name] = pool(outputs[from], maps, 2 * side);
    } else {
      outputs[name] = dense(outputs[from], ...parameters);
    }
    off[name]?.forEach((isOff, i) => isOff && (outputs[name][i] = 0));
  }
  const clipped = outputs.fc3.map((o) => Math.min(Math.max(o, 1e-7), 1 - 1e-7));
  const sum = clipped.reduce((a, b) => a + b);
  return { ...outputs, probabilities: clipped.map((o) => o / sum) };
}

// Returns the class with the largest output. Ties go to the first.
const answerOf = ({ fc3 }) => fc3.reduce((best, output, i) => (output > fc3[best] ? i : best), 0);

// Index of the first maximum in the 2x2 window of pooled value `index`.
function pooledFrom(input, index, half) {
  const [map, y, x] = [Math.floor(index / half ** 2), Math.floor(index / half) % half, index % half];
  const at = (map * 2 * half + 2 * y) * 2 * half + 2 * x;
  return [at, at + 1, at + 2 * half, at + 2 * half + 1].reduce((best, i) => (input[i] > input[best] ? i : best));
}

// Gradient of the logarithm of a class's probability with respect to the 784 pixels, for the result of `forward`. Outputs
// that are clipped count as if they were not.
function gradient(weights, layers, target, off = {}) {
  const total = layers.fc3.reduce((a, b) => a + b);
  let above = layers.fc3.map((o, i) => (i === target ? 1 / o : 0) - 1 / total);
  for (const name of Object.keys(LAYERS).reverse()) {
    const { from, side } = LAYERS[name];
    if (!from) return above;
    if (off[name]) above = above.map((d, i) => (off[name][i] ? 0 : d));
    const input = layers[from];
    const below = new Float64Array(input.length);
    if (name.startsWith("pool")) {
      above.forEach((d, i) => (below[pooledFrom(input, i, side)] += d));
    } else {
      const { values } = weights[`${name}.weight`];
      // Gradients with respect to the sums before the sigmoid.
      const sums = above.map((d, i) => d * layers[name][i] * (1 - layers[name][i]));
      if (side === 1) denseBack(sums, values, below);
      else convolveBack(sums, side, values, below, LAYERS[from]);
    }
    above = below;
  }
}

// Adds the gradients with respect to the input of a dense layer to `below`.
function denseBack(sums, values, below) {
  for (let o = 0, w = 0; o < sums.length; o++) {
    for (let i = 0; i < below.length; i++, w++) below[i] += sums[o] * values[w];
  }
}

// Adds the gradients with respect to the input of a convolution to `below`.
function convolveBack(sums, size, values, below, { maps, side }) {
  for (let at = 0; at < sums.length; at++) {
    if (sums[at] === 0) continue; // most values are not the largest of their window
    const [o, y, x] = [Math.floor(at / size ** 2), Math.floor(at / size) % size, at % size];
    for (let w = o * maps * KERNEL ** 2, i = 0; i < maps; i++) {
      for (let v = 0; v < KERNEL; v++) {
        for (let u = 0; u < KERNEL; u++, w++) below[(i * side + y + v) * side + x + u] += sums[at] * values[w];
      }
    }
  }
}

// Side length of the square that `occlusion` covers.
const PATCH = 7;

// Yields, for each pixel in turn, the ten probabilities if the square centred on that pixel is black.
function* occlusion(weights, image, off) {
  const known = forward(weights, image, off);
  const reach = (PATCH - 1) / 2;
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const [left, top, right, bottom] = [x - reach, y - reach, x + reach + 1, y + reach + 1].map((edge) => Math.min(Math.max(edge, 0), 28));
      const covered = image.slice();
      for (let v = top; v < bottom; v++) covered.fill(0, 28 * v + left, 28 * v + right);
      const isSame = covered.every((pixel, i) => pixel === image[i]);
      yield (isSame ? known : forward(weights, covered, off, known, [left, top, right, bottom])).probabilities;
    }
  }
}

// Length of a step of `push`, in grey levels: the root of the sum of squares over all pixels.
const STEP = 40;

// Moves an image step by step along the gradient of the probability of class `target`. Returns the images, from the given
// one to the first that is classified as `target`, or as far as `max` steps reach.
function push(weights, image, target, off, max = 100) {
  const images = [image.slice()];
  let exact = Float64Array.from(image);
  let layers = forward(weights, image, off);
  while (answerOf(layers) !== target && images.length <= max) {
    const slope = gradient(weights, layers, target, off);
    const norm = Math.hypot(...slope);
    if (!norm) break;
    exact = exact.map((pixel, i) => Math.min(Math.max(pixel + (STEP * slope[i]) / norm, 0), 255));
    images.push(Uint8Array.from(exact, Math.round));
    layers = forward(weights, images.at(-1), off);
  }
  return images;
}

// Returns how value `index` of a layer is computed: its `bias`, the `sum` before the sigmoid, and `parts`. Each part of a
// convolution has the `patch` of a map, the `kernel` and the `sum` of their products. Each part of a dense value has the
// `index` of an input, its value as `input`, its `weight` and the `product`. A pooled value has only the `window` of the four
// values it is the largest of, and their indices in `from`.
function origin(weights, layers, name, index) {
  const { from, side } = LAYERS[name];
  const input = layers[from];
  const [map, y, x] = placeOf(name, index);
  if (name.startsWith("pool")) {
    const start = (map * 2 * side + 2 * y) * 2 * side + 2 * x;
    const indices = [start, start + 1, start + 2 * side, start + 2 * side + 1];
    return { window: indices.map((i) => input[i]), indices, from: pooledFrom(input, index, side) };
  }
  const { values } = weights[`${name}.weight`];
  const bias = weights[`${name}.bias`].values[map];
  let parts;
  if (name.startsWith("conv")) {
    const below = LAYERS[from];
    parts = Array.from({ length: below.maps }, (_, i) => {
      const start = (map * below.maps + i) * KERNEL ** 2;
      const kernel = values.slice(start, start + KERNEL ** 2);
      const patch = Array.from(kernel, (_, k) => input[(i * below.side + y + Math.floor(k / KERNEL)) * below.side + x + (k % KERNEL)]);
      return { patch, kernel, sum: patch.reduce((sum, value, k) => sum + value * kernel[k], 0) };
    });
  } else {
    parts = Array.from(input, (value, i) => {
      const weight = values[map * input.length + i];
      return { index: i, input: value, weight, product: value * weight };
    });
  }
  return { parts, bias, sum: parts.reduce((sum, part) => sum + (part.product ?? part.sum), bias) };
}

// Map, row and column of value `index` of a layer.
function placeOf(name, index) {
  const { side } = LAYERS[name];
  return [Math.floor(index / side ** 2), Math.floor(index / side) % side, index % side];
}

// Left, top and side length of the square of the input that value `index` of a layer depends on.
function fieldOf(name, index) {
  const [, y, x] = placeOf(name, index);
  const [step, length] = { input: [1, 1], conv1: [1, 5], pool1: [2, 6], conv2: [2, 14], pool2: [4, 16] }[name] ?? [0, 28];
  return [step * x, step * y, length];
}
