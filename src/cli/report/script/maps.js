// Shows the outputs of the layers as pictures, and the prediction as a bar chart.

// Sizes of the pictures of a layer: columns, rows, and pixels per value. Values larger than a pixel have a gap.
const GRIDS = { input: [28, 28, 1], conv1: [24, 24, 1], conv2: [8, 8, 1], fc1: [40, 3, 8], fc2: [42, 2, 8], fc3: [10, 1, 8] };

// Draws `values` row by row, from `low` (black) to `high` (white).
function paint(canvas, values, [columns, rows, cell], low, high) {
  [canvas.width, canvas.height] = [columns * cell, rows * cell];
  const context = canvas.getContext("2d");
  const gap = cell > 1 ? 1 : 0;
  const scale = high > low ? 255 / (high - low) : 0;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < columns * rows; i++) {
    const grey = Math.round((values[i] - low) * scale);
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect((i % columns) * cell, Math.floor(i / columns) * cell, cell - gap, cell - gap);
  }
}

// Creates an element with these properties and children.
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Draws the outputs of all layers, as returned by `forward`.
function showLayers(layers) {
  for (const figure of document.querySelectorAll("#inside .layer")) {
    const name = figure.dataset.layer;
    const grid = GRIDS[name];
    const size = grid[0] * grid[1];
    const isMap = name.startsWith("conv");
    const descriptions = [...figure.querySelectorAll(".row > span")].map((box, channel) => {
      const values = layers[name].subarray(channel * size, (channel + 1) * size);
      const [low, high] = isMap ? [Math.min(...values), Math.max(...values)] : [0, name === "input" ? 255 : 1];
      paint(box.querySelector("canvas"), values, grid, low, high);
      if (!isMap) return `mean ${(values.reduce((a, b) => a + b) / size).toFixed(2)}`;
      const range = `${low.toFixed(2)}–${high.toFixed(2)}`;
      box.querySelector(".range").textContent = range;
      return range;
    });
    const caption = figure.querySelector("figcaption").textContent;
    figure.querySelector(".row").setAttribute("aria-label", `${caption}; ${descriptions.join(", ")}`);
  }
}

// Shows the probabilities as bars and the prediction as text. `source` has the class and the name of the image, if known.
function showPrediction(layers, classes, source) {
  const { probabilities, fc3 } = layers;
  const best = fc3.reduce((best, output, i) => (output > fc3[best] ? i : best), 0);
  document.querySelectorAll("#inside .bars tr").forEach((row, i) => {
    row.classList.toggle("best", i === best);
    row.querySelector(".meter span").style.width = `${100 * probabilities[i]}%`;
    const data = row.querySelector("data");
    data.value = probabilities[i];
    data.textContent = `${(100 * probabilities[i]).toFixed(2)}%`;
  });
  const predicted = `Predicted ${classes[best]}, ${(100 * probabilities[best]).toFixed(1)}%`;
  const actual = source.label === undefined ? "" : `, actual ${classes[source.label]}`;
  const name = source.name ? ` (${source.name})` : "";
  document.getElementById("prediction").textContent = `${predicted}${actual}${name}.`;
}
