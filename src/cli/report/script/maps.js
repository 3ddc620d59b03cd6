// Pictures of values, and the prediction as a bar chart.

// Draws `values` row by row, from `low` (black) to `high` (white). A cell larger than a pixel has a gap to the next one.
function paint(canvas, values, [columns, rows, cell], low, high) {
  const scale = high > low ? 255 / (high - low) : 0;
  const grey = (i) => Math.round((values[i] - low) * scale);
  [canvas.width, canvas.height] = [columns * cell, rows * cell];
  const context = canvas.getContext("2d");
  if (cell === 1) {
    const image = context.createImageData(columns, rows);
    for (let i = 0; i < columns * rows; i++) image.data.set([grey(i), grey(i), grey(i), 255], 4 * i);
    context.putImageData(image, 0, 0);
    return;
  }
  for (let i = 0; i < columns * rows; i++) {
    context.fillStyle = `rgb(${grey(i)} ${grey(i)} ${grey(i)})`;
    context.fillRect((i % columns) * cell, Math.floor(i / columns) * cell, cell - 1, cell - 1);
  }
}

// Red, green, blue and alpha of a signed value: blue if positive, orange if negative, more opaque the nearer it is to `largest`.
function signed(value, largest) {
  const strength = largest > 0 ? Math.min(Math.abs(value) / largest, 1) : 0;
  return [...(value < 0 ? [240, 140, 58] : [70, 150, 235]), Math.round(255 * strength)];
}

// Draws signed `values` row by row.
function paintSigned(canvas, values, columns, largest) {
  [canvas.width, canvas.height] = [columns, values.length / columns];
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  values.forEach((value, i) => image.data.set(signed(value, largest), 4 * i));
  context.putImageData(image, 0, 0);
}

// Creates an element with these properties and children.
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const largestOf = (values) => values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

// Formats a number with about three significant digits in at most six characters, with a real minus sign.
function short(value) {
  const size = Math.abs(value);
  const digits = size >= 1 ? 2 - Math.floor(Math.log10(size)) : size >= 0.1 ? 3 : 4;
  const text = Number.isInteger(size) && size < 1e4 ? String(size) : size >= 5e-4 && size < 1e4 ? size.toFixed(Math.max(digits, 0)) : size.toExponential(0);
  return (value < 0 ? "−" : "") + text;
}

// Formats a probability as a percentage.
const percent = (fraction, digits = 1) => `${(100 * fraction).toFixed(digits)}%`;

// Shows the probabilities as bars, or none if `layers` is null. `others` are those of a second model, if any.
function showBars(layers, others) {
  const best = layers && answerOf(layers);
  document.querySelectorAll("#inside .bars tr").forEach((row, i) => {
    row.classList.toggle("best", i === best);
    row.querySelector(".meter span").style.width = layers ? percent(layers.probabilities[i], 3) : 0;
    const other = row.querySelector(".other");
    if (other) other.style.width = layers ? percent(others[i], 4) : 0;
    const data = row.querySelector("data");
    data.value = layers ? layers.probabilities[i] : "";
    data.textContent = layers ? percent(layers.probabilities[i], 2) : "–";
  });
}

// Describes the prediction. `source` has the class and the name of the image, if they are known.
function describeAnswer(layers, classes, source) {
  const best = answerOf(layers);
  const actual = source.label === undefined ? "" : `, actual ${classes[source.label]}`;
  const name = source.name ? ` (${source.name})` : "";
  return `Predicted ${classes[best]}, ${percent(layers.probabilities[best])}${actual}${name}.`;
}
