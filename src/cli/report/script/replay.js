// Moves the network through the epochs of its run.

const PAUSE = 700; // milliseconds per epoch while playing

// Decodes weights in 8 bits each, with a scale per tensor.
function readSnapshot({ weights: text, scales }, tensors) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const weights = {};
  let at = 0;
  tensors.forEach(([name, shape], i) => {
    const values = Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => ((bytes[at++] << 24) >> 24) * scales[i]);
    weights[name] = { shape, values };
  });
  return weights;
}

// Sets up the controls, if the page has them. Calls `onEpoch` with the weights, the number of the epoch, and the confusion
// matrix, which is null for the epoch whose weights the model has.
function makeReplay({ replay, kept, tensors }, exact, onEpoch) {
  const slider = document.getElementById("replay");
  if (!slider) return;
  const play = document.getElementById("play");
  const output = document.querySelector(".replay output");
  let timer = null;

  function describe({ epoch, confusion }) {
    const correct = confusion.reduce((sum, row, label) => sum + row[label], 0) / confusion.flat().reduce((a, b) => a + b, 0);
    return `${epoch}${epoch === 0 ? " (before training)" : ""}: ${percent(correct)} correct`;
  }

  function show() {
    const entry = replay[slider.value];
    const isModel = entry.epoch === kept;
    output.textContent = describe(entry);
    slider.setAttribute("aria-valuetext", output.textContent);
    onEpoch(isModel ? exact : readSnapshot(entry, tensors), entry.epoch, isModel ? null : entry.confusion);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function step() {
    if (Number(slider.value) >= replay.length - 1) return stop();
    slider.value = Number(slider.value) + 1;
    show();
  }

  play.addEventListener("click", () => {
    if (timer) return stop();
    if (Number(slider.value) >= replay.length - 1) slider.value = 0;
    show();
    timer = setInterval(step, PAUSE);
    play.textContent = "Pause";
  });
  slider.addEventListener("input", () => {
    stop();
    show();
  });
  const start = replay.findIndex(({ epoch }) => epoch === kept);
  if (start >= 0) slider.value = start;
  output.textContent = describe(replay[slider.value]);
}
