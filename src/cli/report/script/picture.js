// Pictures of any size to 28x28 images, by the rules of src/picture, to the same grey values.

const SIDE = 28;
const TOLERANCE = 12;
const MOST_BYTES = 128 * 2 ** 20;
const MOST_SIDE = 16384;
// What a browser can be trusted to hold several times; `lenet predict` takes more.
const MOST_PIXELS = 4e7;

// The picture in a PNG or JPEG file as { width, height, grey }. Fails with words for the reader.
async function readPicture(file) {
  if (file.size > MOST_BYTES) throw new Error("The file is too large.");
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  const begins = (bytes) => bytes.every((byte, i) => start[i] === byte);
  if (!begins([0x89, 0x50, 0x4e, 0x47]) && !begins([0xff, 0xd8, 0xff])) throw new Error("This is not a PNG or JPEG picture.");
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("The picture is damaged.");
  }
  const { width, height } = bitmap;
  if (Math.max(width, height) > MOST_SIDE || width * height > MOST_PIXELS) throw new Error("The picture is too large: lenet predict takes larger ones.");
  const pixels = pixelsOf(bitmap, width, height);
  bitmap.close();
  return { width, height, grey: Uint8Array.from({ length: width * height }, (_, i) => luma(pixels, 4 * i)) };
}

// Red, green, blue and alpha of something that can be drawn.
function pixelsOf(source, width, height, y = 0) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, -y);
  return context.getImageData(0, 0, width, height).data;
}

// Luma by ITU-R BT.709 over white.
function luma(p, at) {
  const luma = 2126 * p[at] + 7152 * p[at + 1] + 722 * p[at + 2];
  return Math.floor((p[at + 3] * luma + (255 - p[at + 3]) * 2550000 + 1275000) / 2550000);
}

// How often each grey value stands in the outermost frame, which is as wide as a pixel of the 28x28 image.
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

// { image, inverted }: the 784 pixels that the network sees.
function prepare(picture) {
  const counts = border(picture);
  const total = counts.reduce((a, b) => a + b);
  const inverted = 2 * counts.reduce((sum, count, grey) => sum + count * grey, 0) > 255 * total;
  if (inverted) picture = { ...picture, grey: picture.grey.map((grey) => 255 - grey) };
  const is28 = picture.width === SIDE && picture.height === SIDE;
  return { image: is28 ? picture.grey : fit(picture), inverted };
}

function fit(picture) {
  const counts = border(picture);
  const half = Math.ceil(counts.reduce((a, b) => a + b) / 2);
  let below = 0;
  const background = counts.findIndex((count) => (below += count) >= half);
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

// Left, top, width and height of all that is not background.
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

// For each of `to` places the first of `from` that counts, and the shares of it and of those behind it: a triangle
// as wide as the scale, in 32-bit floats as the crate `image` has it.
function triangles(from, to) {
  const ratio = f32(from / to);
  const scale = Math.max(ratio, 1);
  return Array.from({ length: to }, (_, place) => {
    const middle = f32(f32(place + 0.5) * ratio);
    const first = Math.min(Math.max(Math.floor(f32(middle - scale)), 0), from - 1);
    const end = Math.min(Math.max(Math.ceil(f32(middle + scale)), first + 1), from);
    const centre = f32(middle - 0.5);
    const shares = [];
    for (let i = first; i < end; i++) shares.push(Math.max(f32(1 - Math.abs(f32(f32(i - centre) / scale))), 0));
    const sum = shares.reduce((a, b) => f32(a + b), 0);
    return [first, shares.map((share) => f32(share / sum))];
  });
}

// Rows first, then columns, rounded at the end.
function resize(at, width, height, newWidth, newHeight) {
  if (width === newWidth && height === newHeight) {
    return Uint8Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
  }
  const rows = triangles(height, newHeight).map(([first, shares]) =>
    Float32Array.from({ length: width }, (_, x) => shares.reduce((sum, share, i) => f32(sum + f32(at(x, first + i) * share)), 0)));
  const columns = triangles(width, newWidth);
  return Uint8Array.from({ length: newWidth * newHeight }, (_, i) => {
    const [first, shares] = columns[i % newWidth];
    const row = rows[Math.floor(i / newWidth)];
    return Math.round(Math.min(shares.reduce((sum, share, k) => f32(sum + f32(row[first + k] * share)), 0), 255));
  });
}

// What is odd about an image, in words; `ranges` lists [name, least, most] of mean, contrast and border.
function warnings(image, ranges) {
  const mean = image.reduce((a, b) => a + b) / image.length;
  const contrast = Math.sqrt(image.reduce((sum, v) => sum + (v - mean) ** 2, 0) / image.length);
  const frame = [...image].filter((_, i) => i < SIDE || i >= SIDE * (SIDE - 1) || i % SIDE === 0 || i % SIDE === SIDE - 1);
  const edge = frame.reduce((a, b) => a + b) / frame.length;
  return [mean, contrast, edge].flatMap((value, i) => {
    const [name, least, most] = ranges[i];
    return value < least || value > most ? [`${name} ${value.toFixed(0)} (training images: ${least} to ${most})`] : [];
  });
}
