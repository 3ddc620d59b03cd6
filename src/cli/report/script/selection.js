// The selected value of the network: it follows the pointer, a click keeps it, and the arrow keys move it.

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Handles input on the pictures of `network`. Calls `onSelect(value, kept)` whenever another value is selected.
function makeSelection(network, onSelect) {
  const { views, viewOf, boxOf, valueAt } = network;
  const region = document.getElementById("network");
  let kept = { name: "conv1", index: 0 };
  let pointed = null;

  const current = () => pointed ?? kept;
  const isSame = (a, b) => a?.name === b?.name && a?.index === b?.index;

  function keep(value) {
    [kept, pointed] = [value, null];
    onSelect(current(), true);
  }
  function point(value) {
    if (isSame(value, pointed)) return;
    pointed = value;
    onSelect(current(), value === null);
  }

  const shown = views.filter(({ name }) => name !== "input");
  for (const view of shown) {
    view.canvas.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(valueAt([event.clientX, event.clientY], view)));
    view.canvas.addEventListener("pointerleave", () => point(null));
    view.canvas.addEventListener("click", (event) => keep(valueAt([event.clientX, event.clientY], view)));
  }

  const middle = ([left, top, width, height]) => [left + width / 2, top + height / 2];

  // Returns the value next to `value` in a direction: in its picture, or else in the nearest picture on that side.
  function neighbour(value, [right, down]) {
    const view = viewOf(value.name, value.index);
    const { start, count, columns } = view;
    const [x, y] = [((value.index - start) % columns) + right, Math.floor((value.index - start) / columns) + down];
    if (x >= 0 && x < columns && y >= 0 && y < count / columns) return { name: value.name, index: start + y * columns + x };
    const from = middle(boxOf(value.name, value.index));
    let [best, nearest] = [null, Infinity];
    for (const other of shown) {
      const { left, right: end, top, bottom } = other.canvas.getBoundingClientRect();
      if (other === view || !other.canvas.getClientRects().length) continue;
      const away = [Math.max(left - from[0], from[0] - end, 0), Math.max(top - from[1], from[1] - bottom, 0)];
      const ahead = right ? right * ((right > 0 ? left : end) - from[0]) : down * ((down > 0 ? top : bottom) - from[1]);
      const distance = right ? away[0] + 4 * away[1] : away[1] + 4 * away[0];
      if (ahead >= 0 && distance < nearest) [best, nearest] = [other, distance];
    }
    return best && valueAt(from, best);
  }

  // Returns the first value of the next or previous picture.
  function nextView(value, step) {
    const view = shown[shown.indexOf(viewOf(value.name, value.index)) + step];
    return view && { name: view.name, index: view.start };
  }

  region.addEventListener("keydown", (event) => {
    const pages = { PageDown: 1, PageUp: -1 };
    const ends = { Home: shown[0], End: shown.find((view) => view.name === "fc3") };
    const { key } = event;
    if (!(key in MOVES || key in pages || key in ends) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const next = MOVES[key] ? neighbour(kept, MOVES[key]) : pages[key] ? nextView(kept, pages[key]) : { name: ends[key].name, index: ends[key].start };
    if (next) keep(next);
  });

  return { current, keep };
}
