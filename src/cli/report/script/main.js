// Puts the parts together once the page is there.

async function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const weights = readWeights(data.weights, data.tensors);
  const notice = document.getElementById("warnings");
  const drawing = makeDrawing(document.getElementById("drawing"), () => look({}));

  // Shows what the network sees. `source` says what is known of the image.
  function look(source) {
    const layers = forward(weights, drawing.image);
    showLayers(layers);
    showAnswer(layers, data.classes, source);
    const odd = warnings(drawing.image, data.ranges);
    notice.hidden = odd.length === 0 && !source.note;
    notice.textContent = [source.note, odd.length ? `Unlike the training images: ${odd.join("; ")}.` : ""].filter(Boolean).join(" ");
  }

  function show({ label, index }, pixels) {
    drawing.set(pixels);
    look({ truth: label, name: index === undefined ? "" : `test image ${index}` });
  }

  function pick(answer, pixels) {
    show(answer, pixels);
    document.getElementById("inside").scrollIntoView();
    document.getElementById("drawing").focus({ preventScroll: true });
  }

  const grey = (pixels) => Uint8Array.from({ length: SIDE * SIDE }, (_, i) => pixels[4 * i]);
  const answers = data.cells.map(([label, predicted, index, probability]) => ({ label, predicted, index, probability }));
  if (answers.length) {
    const sprite = new Image();
    sprite.src = data.sprite;
    await sprite.decode();
    answers.forEach((answer, i) => {
      const label = `Look inside test image ${answer.index}: said ${data.classes[answer.predicted]}, truly ${data.classes[answer.label]}`;
      answer.pixels = () => grey(pixelsOf(sprite, SIDE, SIDE, SIDE * i));
      answer.button = (picked, words = [answer.probability.toFixed(3), `no. ${answer.index}`]) => {
        const pixels = answer.pixels();
        return imageButton(pixels, words, label, () => picked(answer, pixels));
      };
    });
  }
  makeMatrix(data.classes, answers, pick);

  // One of each class that was recognised, and all of the mistakes.
  const firsts = data.classes.map((_, label) => answers.find((a) => a.label === label && a.predicted === label));
  const offered = firsts.filter(Boolean);
  document.getElementById("picks").append(...offered.map((answer) => answer.button(pick, [data.classes[answer.label]])));
  document.querySelectorAll(".mistakes img").forEach((image, i) => {
    const [label, predicted, index] = data.mistakes[i];
    const button = make("button", { type: "button", className: "pick" });
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => pick({ label, predicted, index }, grey(pixelsOf(image, SIDE, SIDE))));
  });

  async function open(file) {
    try {
      const { image, inverted } = prepare(await readPicture(file));
      drawing.set(image);
      look({ name: file.name, note: inverted ? "Light background: inverted." : "" });
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
  const begin = offered.at(-1);
  show(begin ?? {}, begin?.pixels() ?? drawing.image);
  document.documentElement.dataset.ready = "";
}
start();
