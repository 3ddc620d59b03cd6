// Connects the parts of the page.

const EMPTY = "Nothing is drawn, so there is no prediction.";

async function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { classes } = data;
  const models = [data, ...(data.other ? [data.other] : [])].map(({ model, weights }, index) => ({ index, name: model, weights: readWeights(weights, data.tensors) }));
  const model = { ...models[0] }; // the one whose layers are shown
  const [notice, prediction, panel] = ["warnings", "prediction", "origin"].map((id) => document.getElementById(id));
  const predictions = data.cells.map(([label, predicted, index, probability]) => ({ label, predicted, index, probability }));
  const grey = (pixels) => Uint8Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i]);
  const [shownImages, sampleImages] = await Promise.all([data.sprite, data.sample].map(readSprite));
  const sample = sampleImages.map((pixels, i) => [Number(data.labels[i]), pixels]);
  const off = {};
  let layers = null;
  let otherLayers = null;

  // Decodes images that are stacked vertically.
  async function readSprite(source) {
    if (!source) return [];
    const sprite = new Image();
    sprite.src = source;
    await sprite.decode();
    // Some browsers do not support a canvas as high as the sprite, so decode a hundred images at a time.
    const images = [];
    for (let top = 0; top < sprite.height; top += 100 * SIDE) {
      const pixels = grey(pixelsOf(sprite, SIDE, Math.min(100 * SIDE, sprite.height - top), top));
      for (let at = 0; at < pixels.length; at += SIDE ** 2) images.push(pixels.subarray(at, at + SIDE ** 2));
    }
    return images;
  }

  document.querySelectorAll("#inside, .scripted").forEach((part) => (part.hidden = false));
  const drawing = makeDrawing(document.getElementById("drawing"), () => run({}), (pixel) => why.point(pixel));
  const outputs = [...document.querySelectorAll("#inside .bars canvas")];
  const network = makeNetwork(model, document.getElementById("drawing"), outputs);
  const mark = makeLinks(document.querySelector(".lesson"), network);
  const switches = makeOff(model, classes, off, sample, () => run(latest));
  const why = makeWhy(model, classes, off, (image) => {
    drawing.set(image);
    run({ isPushed: true });
  });
  const selection = makeSelection(network, (value, isKept) => {
    showSelected(value);
    if (!isKept) return;
    switches.select(value);
    document.getElementById("selected").textContent = panel.querySelector("h3").textContent;
  });
  let latest = {};

  function showSelected(value) {
    const from = origin(model.weights, layers, value.name, value.index);
    showOrigin(panel, value, from, layers, classes, Boolean(off[value.name]?.[value.index]));
    const other = models.find(({ index }) => index !== model.index);
    if (other) panel.querySelector("h3 span").append(` (${other.name}: ${short(otherLayers[value.name][value.index])})`);
    mark(value, from);
  }

  // Runs the model whose layers are not shown. Returns its probabilities.
  function runOther(isEmpty) {
    const other = models.find(({ index }) => index !== model.index);
    if (!other) return null;
    otherLayers = forward(other.weights, drawing.image, off);
    const answer = answerOf(otherLayers);
    document.getElementById("other-answer").textContent = isEmpty ? "" : `${other.name}: ${classes[answer]}, ${percent(otherLayers.probabilities[answer])}.`;
    return otherLayers.probabilities;
  }

  // Runs the network on the drawing and shows the result. `source` describes the image: { label, name, note, isPushed }.
  function run(source) {
    latest = source;
    layers = forward(model.weights, drawing.image, off);
    const isEmpty = drawing.image.every((pixel) => pixel === 0);
    network.show(layers, off);
    showBars(isEmpty ? null : layers, runOther(isEmpty));
    prediction.textContent = source.error ?? (isEmpty ? EMPTY : describeAnswer(layers, classes, source));
    const unusual = isEmpty ? [] : warnings(drawing.image, data.ranges);
    notice.textContent = [source.note, unusual.length ? `Unlike the training images: ${unusual.join("; ")}.` : ""].filter(Boolean).join(" ");
    notice.hidden = !notice.textContent;
    why.update(drawing.image, isEmpty ? null : layers, source.isPushed);
    showSelected(selection.current());
  }

  function show({ label, index }, pixels) {
    drawing.set(pixels);
    run({ label, name: `test image ${index}` });
  }

  function select(prediction, pixels) {
    show(prediction, pixels);
    document.getElementById("inside").scrollIntoView();
    document.getElementById("drawing").focus({ preventScroll: true });
  }

  predictions.forEach((prediction, i) => {
    const label = `Look inside test image ${prediction.index}: predicted ${classes[prediction.predicted]}, actual ${classes[prediction.label]}`;
    prediction.pixels = shownImages[i];
    prediction.button = (onSelect, captions = [prediction.probability.toFixed(3), `no. ${prediction.index}`]) => {
      return imageButton(prediction.pixels, captions, label, () => onSelect(prediction, prediction.pixels));
    };
  });
  const showCounts = makeMatrix(data, predictions, select);

  // Offer one correctly classified image per class, and all mistakes.
  const firsts = classes.map((_, label) => predictions.find((p) => p.label === label && p.predicted === label));
  const offered = firsts.filter(Boolean);
  document.getElementById("picks").append(...offered.map((prediction) => prediction.button(show, [])));
  for (const [id, rows] of [["mistakes", data.mistakes], ["differences", data.differences]]) {
    document.querySelectorAll(`#${id} img`).forEach((image, i) => {
      const [label, index] = rows[i];
      const button = make("button", { type: "button", className: "pick" });
      image.replaceWith(button);
      button.append(image);
      button.addEventListener("click", () => select({ label, index }, grey(pixelsOf(image, SIDE, SIDE))));
    });
  }

  async function open(file) {
    try {
      const { image, inverted } = prepare(await readPicture(file));
      drawing.set(image);
      run({ name: file.name, note: inverted ? "Light background: inverted." : "" });
    } catch (error) {
      drawing.set(new Uint8Array(SIDE * SIDE));
      run({ error: `Cannot read ${file.name}.`, note: error.message });
    }
  }
  document.querySelectorAll("#inside .bars button").forEach((button, index) => button.addEventListener("click", () => selection.keep({ name: "fc3", index })));
  for (const choice of document.querySelectorAll("[name=model]")) {
    choice.addEventListener("change", () => {
      Object.assign(model, models[choice.value]);
      switches.changed();
    });
  }
  makeFiles(open);
  const showEpoch = makeCurves();
  makeReplay(data, models[0].weights, (weights, epoch, confusion) => {
    models[0].weights = weights;
    if (model.index === 0) model.weights = weights;
    switches.changed();
    showCounts(confusion);
    showEpoch(epoch);
  });
  showLocalTimes();
  new ResizeObserver(() => showSelected(selection.current())).observe(document.querySelector(".lesson"));
  const initial = offered.at(-1);
  if (initial) show(initial, initial.pixels);
  else run({});
  selection.keep(brightest(layers));
  document.documentElement.dataset.ready = "";
}

// Returns the value of conv1 that is farthest above the mean of its map, as a first example.
function brightest({ conv1 }) {
  const means = Array.from({ length: 6 }, (_, map) => conv1.subarray(576 * map, 576 * map + 576).reduce((a, b) => a + b) / 576);
  const above = conv1.map((value, i) => value - means[Math.floor(i / 576)]);
  return { name: "conv1", index: above.indexOf(Math.max(...above)) };
}

// Formats times for the locale and the time zone of the reader.
function showLocalTimes() {
  for (const time of document.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });
  }
}
start();
