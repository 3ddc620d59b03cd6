// The interactive confusion matrix: each number is a button that shows its images.

// Creates a button with an image of 784 pixels and captions.
function imageButton(pixels, captions, label, onclick) {
  const canvas = make("canvas", {});
  paint(canvas, pixels, [SIDE, SIDE, 1], 0, 255);
  const spans = captions.map((caption) => make("span", {}, caption));
  return make("button", { type: "button", className: "pick", onclick }, canvas, make("span", { className: "hidden" }, label), ...spans);
}

// Replaces the numbers with buttons. One of them is in the tab order; the arrow keys move between them. Returns a function
// that shows the numbers of another epoch, whose images are not in the page, or those of the model if the argument is null.
function makeMatrix({ classes, model, labels, predicted: guesses }, predictions, onSelect) {
  const rows = [...document.querySelectorAll(".matrix tbody tr")].map((row) => [...row.querySelectorAll("td")]);
  const panel = document.getElementById("cell");
  const buttons = rows.map((row, label) =>
    row.map((cell, predicted) => {
      const ariaLabel = `predicted ${classes[predicted]}, actual ${classes[label]}: ${cell.textContent}`;
      const button = make("button", { type: "button", tabIndex: -1, ariaLabel }, cell.textContent);
      button.addEventListener("click", () => open(label, predicted));
      button.addEventListener("keydown", (event) => move(event, label, predicted));
      cell.replaceChildren(button);
      return button;
    }));
  let current = buttons[0][0];
  current.tabIndex = 0;

  function setCurrent(button) {
    current.tabIndex = -1;
    current = button;
    current.tabIndex = 0;
  }

  function move(event, label, predicted) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const edge = { Home: [label, 0], End: [label, classes.length - 1] }[event.key];
    if (!step && !edge) return;
    event.preventDefault();
    const [row, column] = edge ?? [label + step[0], predicted + step[1]];
    const next = buttons[row]?.[column];
    if (!next) return;
    setCurrent(next);
    next.focus();
  }

  // Creates the command that shows all images of a cell.
  function everyImage(label, predicted, number) {
    const indices = [...labels].flatMap((digit, i) => (Number(digit) === label && Number(guesses[i]) === predicted ? [i] : []));
    const file = /^[\w./-]+$/.test(model) ? model : `'${model.replaceAll("'", "'\\''")}'`;
    const command = make("code", {}, `lenet predict ${file} --index ${indices.join(",")}`);
    return make("details", {}, make("summary", {}, `Command that shows all ${number}`), make("p", { className: "command" }, command));
  }

  function open(label, predicted) {
    const button = buttons[label][predicted];
    setCurrent(button);
    buttons.flat().forEach((other) => other.setAttribute("aria-expanded", other === button));
    const shown = predictions.filter((prediction) => prediction.label === label && prediction.predicted === predicted);
    const number = Number(button.textContent);
    const limit = number > shown.length ? `, showing the ${shown.length} most confident:` : number ? ":" : ".";
    const text = `Predicted ${classes[predicted]}, actual ${classes[label]}: ${number} image${number === 1 ? "" : "s"}${limit}`;
    const images = shown.map((prediction) => prediction.button(onSelect));
    const rest = number > shown.length ? [everyImage(label, predicted, number)] : [];
    panel.replaceChildren(make("p", {}, text), make("div", { className: "picks" }, ...images), ...rest);
    panel.hidden = false;
  }

  const own = buttons.map((row) => row.map((button) => Number(button.textContent)));
  return function showCounts(confusion) {
    panel.hidden = true;
    buttons.flat().forEach((button) => button.removeAttribute("aria-expanded"));
    const counts = confusion ?? own;
    counts.forEach((row, label) => {
      const total = row.reduce((a, b) => a + b) || 1;
      row.forEach((count, predicted) => {
        const button = buttons[label][predicted];
        button.textContent = count;
        button.disabled = confusion !== null;
        button.ariaLabel = `predicted ${classes[predicted]}, actual ${classes[label]}: ${count}`;
        button.parentElement.style.setProperty("--shade", percent(Math.sqrt(count / total)));
        button.parentElement.title = `predicted ${classes[predicted]}, actual ${classes[label]}: ${percent(count / total, 2)}`;
      });
    });
  };
}
