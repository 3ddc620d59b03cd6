// Converts pictures of any size to 28x28 images, with the same results as src/cli/picture.

const SIDE = 28;
const TOLERANCE = 12;
const MAX_BYTES = 64 * 2 ** 20;
const MAX_SIDE = 16384;
// Browsers can hold several copies of a picture of this size. `lenet predict` accepts some that are larger.
const MAX_PIXELS = 4e7;

// Reads a picture in any format of the browser as { width, height, grey }. Throws errors whose messages are shown to the user.
async function readPicture(file) {
  if (file.size > MAX_BYTES) throw new Error("The file is too large.");
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("The file is corrupt, or not a picture that this browser can read (PNG, JPEG, WebP, GIF, BMP).");
  }
  const { width, height } = bitmap;
  if (Math.max(width, height) > MAX_SIDE || width * height > MAX_PIXELS) throw new Error("The picture is too large for this page. Use lenet predict instead.");
  const pixels = pixelsOf(bitmap, width, height);
  bitmap.close();
  return { width, height, grey: Uint8Array.from({ length: width * height }, (_, i) => luma(pixels, 4 * i)) };
}

// Returns the red, green, blue and alpha values of an image or bitmap.
function pixelsOf(source, width, height, y = 0) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, -y);
  return context.getImageData(0, 0, width, height).data;
}

// Luma (ITU-R BT.709) of a pixel composited over white.
function luma(p, at) {
  const luma = 2126 * p[at] + 7152 * p[at + 1] + 722 * p[at + 2];
  return Math.floor((p[at + 3] * luma + (255 - p[at + 3]) * 2550000 + 1275000) / 2550000);
}

// Counts the grey values in the border, a frame as wide as one pixel of the 28x28 image.
function border({ width, height, grey }) {
  const frame = Math.max(Math.floor(Math.min(width, height) / SIDE), 1);
  const counts = new Array(256).fill(0);
  for (let y = 0; y < height; y++) {
    const inner = frame <= y && y + frame < height;
    for (let x = 0; x < width; x++) {
      if (!inner || x < frame || x + frame >= width) counts[grey[y * width + x]]++;
    }
  }
  return counts;
}

// Converts a picture to { image, inverted }, where `image` holds the 784 pixels for the network.
function prepare(picture) {
  const inverted = isDarkOnLight(picture);
  if (inverted) picture = { ...picture, grey: picture.grey.map((grey) => 255 - grey) };
  const is28 = picture.width === SIDE && picture.height === SIDE;
  return { image: is28 ? picture.grey : trimAndScale(picture), inverted };
}

// Returns the background colour, which is the median of the border.
function backgroundOf(picture) {
  const counts = border(picture);
  const half = Math.ceil(counts.reduce((a, b) => a + b) / 2);
  let below = 0;
  return counts.findIndex((count) => (below += count) >= half);
}

// Returns whether the subject is darker than the background: whether the mean of the middle is below the background.
function isDarkOnLight(picture) {
  const { width, height, grey } = picture;
  const background = backgroundOf(picture);
  const difference = (left, top) => {
    let sum = 0;
    for (let y = top; y < height - top; y++) {
      for (let x = left; x < width - left; x++) sum += grey[y * width + x] - background;
    }
    return sum / ((width - 2 * left) * (height - 2 * top));
  };
  const middle = difference(Math.floor(width / 4), Math.floor(height / 4));
  if (Math.abs(middle) > 2) return middle < 0;
  const whole = difference(0, 0);
  return whole === 0 ? background > 127 : whole < 0;
}

function trimAndScale(picture) {
  const background = backgroundOf(picture);
  const [left, top, width, height] = object(picture, background);
  const longer = Math.max(width, height);
  const scaled = (length) => Math.max(Math.floor((2 * length * SIDE + longer) / (2 * longer)), 1);
  const [newWidth, newHeight] = [scaled(width), scaled(height)];
  const at = (x, y) => picture.grey[(top + y) * picture.width + left + x];
  const small = resize(at, width, height, newWidth, newHeight);
  const image = new Uint8Array(SIDE * SIDE).fill(background);
  const [x0, y0] = [newWidth, newHeight].map((length) => Math.floor((SIDE - length) / 2));
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) image[(y0 + y) * SIDE + x0 + x] = small[y * newWidth + x];
  }
  return image;
}

// Returns left, top, width and height of the bounding box of everything that is not background.
function object({ width, height, grey }, background) {
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (Math.abs(grey[y * width + x] - background) > TOLERANCE) {
        [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      }
    }
  }
  return left > right ? [0, 0, width, height] : [left, top, right - left + 1, bottom - top + 1];
}

const f32 = Math.fround;

// Weights of a triangle filter that resamples `from` pixels to `to` pixels. Returns for each output pixel the index of the
// first input pixel and the weights from there on. Rounds to 32-bit floats at the same points as the crate `image`.
function triangleWeights(from, to) {
  const ratio = f32(from / to);
  const scale = Math.max(ratio, 1);
  return Array.from({ length: to }, (_, index) => {
    const middle = f32(f32(index + 0.5) * ratio);
    const first = Math.min(Math.max(Math.floor(f32(middle - scale)), 0), from - 1);
    const end = Math.min(Math.max(Math.ceil(f32(middle + scale)), first + 1), from);
    const centre = f32(middle - 0.5);
    const weights = [];
    for (let i = first; i < end; i++) weights.push(Math.max(f32(1 - Math.abs(f32(f32(i - centre) / scale))), 0));
    const sum = weights.reduce((a, b) => f32(a + b), 0);
    return [first, weights.map((weight) => f32(weight / sum))];
  });
}

// Resizes vertically, then horizontally, and rounds at the end.
function resize(at, width, height, newWidth, newHeight) {
  if (width === newWidth && height === newHeight) {
    return Uint8Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
  }
  const rows = triangleWeights(height, newHeight).map(([first, weights]) =>
    Float32Array.from({ length: width }, (_, x) => weights.reduce((sum, weight, i) => f32(sum + f32(at(x, first + i) * weight)), 0)));
  const columns = triangleWeights(width, newWidth);
  return Uint8Array.from({ length: newWidth * newHeight }, (_, i) => {
    const [first, weights] = columns[i % newWidth];
    const row = rows[Math.floor(i / newWidth)];
    return Math.round(Math.min(weights.reduce((sum, weight, k) => f32(sum + f32(row[first + k] * weight)), 0), 255));
  });
}

// Describes how an image differs from the training images. `ranges` lists [name, min, max] of mean, contrast and border, or
// nothing if they are unknown.
function warnings(image, ranges) {
  const mean = image.reduce((a, b) => a + b) / image.length;
  const contrast = Math.sqrt(image.reduce((sum, v) => sum + (v - mean) ** 2, 0) / image.length);
  const frame = [...image].filter((_, i) => i < SIDE || i >= SIDE * (SIDE - 1) || i % SIDE === 0 || i % SIDE === SIDE - 1);
  const edge = frame.reduce((a, b) => a + b) / frame.length;
  return ranges.flatMap(([name, min, max], i) => {
    const rounded = Math.round([mean, contrast, edge][i]);
    return rounded < min || rounded > max ? [`${name} ${rounded} (training images: ${min} to ${max})`] : [];
  });
}
