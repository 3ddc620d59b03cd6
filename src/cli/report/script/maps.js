// What each layer makes of the image, as pictures, and the answer as bars.

// The sizes of a layer's pictures: columns, rows, and pixels a cell, with a gap where there is room for one.
const GRIDS = { input: [28, 28, 1], conv1: [24, 24, 1], conv2: [8, 8, 1], fc1: [40, 3, 8], fc2: [42, 2, 8], fc3: [10, 1, 8] };

// Draws `values` from `least` (black) to `most` (white), row by row.
function paint(canvas, values, [columns, rows, cell], least, most) {
  [canvas.width, canvas.height] = [columns * cell, rows * cell];
  const context = canvas.getContext("2d");
  const gap = cell > 1 ? 1 : 0;
  const scale = most > least ? 255 / (most - least) : 0;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < columns * rows; i++) {
    const grey = Math.round((values[i] - least) * scale);
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect((i % columns) * cell, Math.floor(i / columns) * cell, cell - gap, cell - gap);
  }
}

// A new element with these properties and children.
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Fills every figure of the section from what `forward` found.
function showLayers(layers) {
  for (const figure of document.querySelectorAll("#inside .layer")) {
    const name = figure.dataset.layer;
    const grid = GRIDS[name];
    const size = grid[0] * grid[1];
    const isMap = name.startsWith("conv");
    const told = [...figure.querySelectorAll(".row > span")].map((box, channel) => {
      const values = layers[name].subarray(channel * size, (channel + 1) * size);
      const [least, most] = isMap ? [Math.min(...values), Math.max(...values)] : [0, name === "input" ? 255 : 1];
      paint(box.querySelector("canvas"), values, grid, least, most);
      if (!isMap) return `mean ${(values.reduce((a, b) => a + b) / size).toFixed(2)}`;
      const range = `${least.toFixed(2)}–${most.toFixed(2)}`;
      box.querySelector(".range").textContent = range;
      return range;
    });
    const caption = figure.querySelector("figcaption").textContent;
    figure.querySelector(".row").setAttribute("aria-label", `${caption}; ${told.join(", ")}`);
  }
}

// The bars, and the answer in words. `source` says what the image is: { truth, name }, or nothing.
function showAnswer(layers, classes, source) {
  const { probabilities, fc3 } = layers;
  const best = fc3.reduce((best, output, i) => (output > fc3[best] ? i : best), 0);
  document.querySelectorAll("#inside .bars tr").forEach((row, i) => {
    row.classList.toggle("best", i === best);
    row.querySelector(".meter span").style.width = `${100 * probabilities[i]}%`;
    const data = row.querySelector("data");
    data.value = probabilities[i];
    data.textContent = `${(100 * probabilities[i]).toFixed(2)}%`;
  });
  const said = `Said ${classes[best]}, ${(100 * probabilities[best]).toFixed(1)}%`;
  const truly = source.truth === undefined ? "" : `, truly ${classes[source.truth]}`;
  const where = source.name ? ` (${source.name})` : "";
  document.getElementById("said").textContent = `${said}${truly}${where}.`;
}
