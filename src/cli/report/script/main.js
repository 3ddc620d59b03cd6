// Connects the parts of the page.

async function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const weights = readWeights(data.weights, data.tensors);
  const notice = document.getElementById("warnings");
  const drawing = makeDrawing(document.getElementById("drawing"), () => run({}));

  // Runs the network on the drawing and shows the result. `source` describes the image: { label, name, note }.
  function run(source) {
    const layers = forward(weights, drawing.image);
    showLayers(layers);
    showPrediction(layers, data.classes, source);
    const unusual = warnings(drawing.image, data.ranges);
    notice.hidden = unusual.length === 0 && !source.note;
    notice.textContent = [source.note, unusual.length ? `Unlike the training images: ${unusual.join("; ")}.` : ""].filter(Boolean).join(" ");
  }

  function show({ label, index }, pixels) {
    drawing.set(pixels);
    run({ label, name: index === undefined ? "" : `test image ${index}` });
  }

  function select(prediction, pixels) {
    show(prediction, pixels);
    document.getElementById("inside").scrollIntoView();
    document.getElementById("drawing").focus({ preventScroll: true });
  }

  const grey = (pixels) => Uint8Array.from({ length: SIDE * SIDE }, (_, i) => pixels[4 * i]);
  const predictions = data.cells.map(([label, predicted, index, probability]) => ({ label, predicted, index, probability }));
  if (predictions.length) {
    const sprite = new Image();
    sprite.src = data.sprite;
    await sprite.decode();
    predictions.forEach((prediction, i) => {
      const label = `Look inside test image ${prediction.index}: predicted ${data.classes[prediction.predicted]}, actual ${data.classes[prediction.label]}`;
      prediction.pixels = () => grey(pixelsOf(sprite, SIDE, SIDE, SIDE * i));
      prediction.button = (onSelect, captions = [prediction.probability.toFixed(3), `no. ${prediction.index}`]) => {
        const pixels = prediction.pixels();
        return imageButton(pixels, captions, label, () => onSelect(prediction, pixels));
      };
    });
  }
  makeMatrix(data.classes, predictions, select);

  // Offer one correctly classified image per class, and all mistakes.
  const firsts = data.classes.map((_, label) => predictions.find((p) => p.label === label && p.predicted === label));
  const offered = firsts.filter(Boolean);
  document.getElementById("picks").append(...offered.map((prediction) => prediction.button(select, [data.classes[prediction.label]])));
  document.querySelectorAll(".mistakes img").forEach((image, i) => {
    const [label, predicted, index] = data.mistakes[i];
    const button = make("button", { type: "button", className: "pick" });
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => select({ label, predicted, index }, grey(pixelsOf(image, SIDE, SIDE))));
  });

  async function open(file) {
    try {
      const { image, inverted } = prepare(await readPicture(file));
      drawing.set(image);
      run({ name: file.name, note: inverted ? "Light background: inverted." : "" });
    } catch (error) {
      notice.hidden = false;
      notice.textContent = error.message;
    }
  }
  const file = document.getElementById("picture");
  file.addEventListener("change", () => file.files[0] && open(file.files[0]));
  const first = (transfer) => [...(transfer?.files ?? [])][0];
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (first(event.dataTransfer)) open(first(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => first(event.clipboardData) && open(first(event.clipboardData)));

  makeCurves();
  document.querySelectorAll("#inside, .scripted").forEach((part) => (part.hidden = false));
  const initial = offered.at(-1);
  show(initial ?? {}, initial?.pixels() ?? drawing.image);
  document.documentElement.dataset.ready = "";
}
start();
