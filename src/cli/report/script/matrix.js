// The confusion matrix whose numbers open their images, and the images that can be picked.

// A button with an image of 784 pixels and some words, which calls `pick`.
function imageButton(pixels, words, label, pick) {
  const canvas = make("canvas", {});
  paint(canvas, pixels, [SIDE, SIDE, 1], 0, 255);
  const spans = words.map((word) => make("span", {}, word));
  return make("button", { type: "button", className: "pick", onclick: pick }, canvas, make("span", { className: "hidden" }, label), ...spans);
}

// Makes buttons of the numbers. One of them takes part in the order of tabs; the arrows move among them.
function makeMatrix(classes, answers, picked) {
  const rows = [...document.querySelectorAll(".matrix tbody tr")].map((row) => [...row.querySelectorAll("td")]);
  const panel = document.getElementById("cell");
  const buttons = rows.map((row, label) =>
    row.map((cell, predicted) => {
      const ariaLabel = `said ${classes[predicted]}, truly ${classes[label]}: ${cell.textContent}`;
      const button = make("button", { type: "button", tabIndex: -1, ariaLabel }, cell.textContent);
      button.addEventListener("click", () => open(label, predicted));
      button.addEventListener("keydown", (event) => move(event, label, predicted));
      cell.replaceChildren(button);
      return button;
    }));
  let current = buttons[0][0];
  current.tabIndex = 0;

  function enter(button) {
    current.tabIndex = -1;
    current = button;
    current.tabIndex = 0;
  }

  function move(event, label, predicted) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const edge = { Home: [label, 0], End: [label, 9] }[event.key];
    if (!step && !edge) return;
    event.preventDefault();
    const [row, column] = edge ?? [label + step[0], predicted + step[1]];
    const next = buttons[row]?.[column];
    if (!next) return;
    enter(next);
    next.focus();
  }

  function open(label, predicted) {
    const button = buttons[label][predicted];
    enter(button);
    buttons.flat().forEach((other) => other.setAttribute("aria-expanded", other === button));
    const shown = answers.filter((answer) => answer.label === label && answer.predicted === predicted);
    const number = Number(button.textContent);
    const some = number > shown.length ? `; the ${shown.length} surest are` : number ? ":" : ".";
    const words = `Said ${classes[predicted]}, truly ${classes[label]}: ${number} image${number === 1 ? "" : "s"}${some}`;
    const images = shown.map((answer) => answer.button(picked));
    panel.replaceChildren(make("p", {}, words), make("div", { className: "picks" }, ...images));
    panel.hidden = false;
  }
}
