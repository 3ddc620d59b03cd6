// Explains the prediction: the effect of covering parts of the drawing, and the gradient towards another class.

// Sets up the controls. `onPush` is called with the image if the slider moves. Returns `update`, to call after each change
// of the drawing or of the network, and `point`, to call if a pixel of the drawing is pointed at.
function makeWhy(model, classes, off, onPush) {
  const element = (id) => document.getElementById(id);
  const [overlay, shown, text, slider, reading] = ["overlay", "covering", "covering-text", "push", "pushed"].map(element);
  const buttons = [...document.querySelectorAll("#inside .bars button")];
  const slices = makeSlices();
  let image = null; // the image on the canvas, or null if there is no prediction
  let layers = null;
  let chosen = null; // the class in question, or null for the predicted class
  let covered = null; // the probabilities for each covered square
  let pushed = null; // { images, target } once the slider has moved

  const answer = () => answerOf(layers);
  const question = () => chosen ?? answer();
  const ratio = (probabilities, a, b) => Math.log(probabilities[a] / probabilities[b]);

  function targetOf() {
    if (question() !== answer()) return question();
    return layers.fc3.reduce((best, output, i) => (i !== answer() && (best < 0 || output > layers.fc3[best]) ? i : best), -1);
  }

  // Returns the evidence for the class in question in the square around each pixel. For the predicted class, this is the
  // decrease in its probability if the square is covered. For any other class, it is the decrease in the logarithm of the ratio
  // of its probability to that of the predicted class.
  function evidence() {
    const [a, c] = [answer(), question()];
    const before = layers.probabilities;
    return covered.map((after) => (a === c ? before[a] - after[a] : ratio(before, c, a) - ratio(after, c, a)));
  }

  const around = (i) => `the ${PATCH}×${PATCH} square around row ${Math.floor(i / 28) + 1}, column ${(i % 28) + 1}`;
  const change = (i, c) => `${classes[c]} from ${percent(layers.probabilities[c])} to ${percent(covered[i][c])}`;

  function showCovered() {
    const values = evidence();
    const largest = largestOf(values);
    paintSigned(overlay, values, 28, largest);
    overlay.style.visibility = "visible";
    const [a, c] = [answer(), question()];
    const most = values.indexOf(Math.max(...values));
    if (largest < 1e-9) text.textContent = "Covering any square changes nothing.";
    else if (a === c) text.textContent = `Covering a blue part makes ${classes[a]} less likely. Largest effect: covering ${around(most)} changes ${change(most, a)}.`;
    else text.textContent = `Blue parts are evidence for ${classes[c]}, orange parts for ${classes[a]}. Largest effect for ${classes[c]}: covering ${around(most)} changes ${change(most, c)}.`;
    overlay.dataset.ready = "";
  }

  function showQuestion() {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", layers !== null && i === question()));
    element("target").textContent = layers ? classes[pushed?.target ?? targetOf()] : "another class";
  }

  function cover() {
    slices(null);
    covered = null;
    overlay.style.visibility = "hidden";
    delete overlay.dataset.ready;
    text.textContent = "";
    if (!shown.checked || !layers) return;
    slices(occlusion(model.weights, image, off), (values) => {
      covered = values;
      showCovered();
    });
  }

  // `isPushed` is true if the slider has changed the drawing.
  function update(newImage, newLayers, isPushed) {
    [image, layers] = [newLayers && newImage.slice(), newLayers];
    if (!isPushed) {
      pushed = null;
      slider.value = 0;
      reading.textContent = "";
    }
    slider.disabled = !layers;
    showQuestion();
    cover();
  }

  function point([x, y]) {
    if (!covered) return;
    text.textContent = `Covering ${around(28 * y + x)} changes ${change(28 * y + x, question())}.`;
  }

  slider.addEventListener("input", () => {
    if (!pushed) {
      const target = targetOf();
      pushed = { images: push(model.weights, image, target, off), target };
    }
    const { images, target } = pushed;
    const step = Math.round((slider.value / 100) * (images.length - 1));
    onPush(images[step]);
    const moved = images[step].reduce((sum, pixel, i) => sum + Math.abs(pixel - images[0][i]), 0) / images[step].length;
    const end = step < images.length - 1 ? "" : answer() === target ? ` The prediction is now ${classes[target]}.` : ` The prediction is still ${classes[answer()]}.`;
    reading.textContent = `Step ${step} of ${images.length - 1}: pixels changed by ${moved.toFixed(1)} of 255 on average, ${classes[target]} ${percent(layers.probabilities[target])}.${end}`;
  });
  shown.addEventListener("change", cover);
  buttons.forEach((button, i) => button.addEventListener("click", () => {
    if (!layers) return;
    chosen = i === answer() || i === chosen ? null : i;
    if (pushed) update(image, layers, false);
    showQuestion();
    if (covered) showCovered();
  }));
  return { update, point };
}
