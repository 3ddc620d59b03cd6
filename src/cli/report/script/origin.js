// The panel that shows how the selected value is computed.

// Names a value, for example "conv1, map 3, row 5, column 7". Everything is counted from 1.
function nameOf(name, index, classes) {
  const [map, y, x] = placeOf(name, index);
  if (name === "fc3") return `fc3, output for ${classes[map]}`;
  return LAYERS[name].side > 1 ? `${name}, map ${map + 1}, row ${y + 1}, column ${x + 1}` : `${name}, unit ${map + 1}`;
}

// Creates a grid of `columns` numbers. `colour` returns the CSS colours [background, text] of a number.
function numberGrid(values, columns, colour, label, mark) {
  const cells = Array.from(values, (value, i) => {
    const cell = make("span", { className: i === mark ? "largest" : "" }, short(value));
    [cell.style.background, cell.style.color] = colour(value);
    return cell;
  });
  const grid = make("div", { className: "numbers" }, ...cells);
  grid.style.setProperty("--columns", columns);
  // Pixels have three digits, other values up to seven characters.
  grid.style.setProperty("--cell", values.every(Number.isInteger) ? "2rem" : "2.95rem");
  return make("figure", {}, grid, make("figcaption", {}, label));
}

const greyColour = (low, high) => (value) => {
  const grey = Math.round((255 * (value - low)) / (high - low || 1));
  return [`rgb(${grey} ${grey} ${grey})`, grey > 117 ? "#000" : "#fff"];
};
const signedColour = (largest) => (value) => {
  const shade = largest ? Math.min((100 * Math.abs(value)) / largest, 100) : 0;
  return [`color-mix(in srgb, var(--${value < 0 ? "orange" : "blue"}-shade) ${shade.toFixed(0)}%, var(--faint))`, ""];
};

const sign = (text) => make("span", { className: "sign" }, text);
const fact = (term, value) => make("div", {}, make("dt", {}, term), make("dd", {}, value));

// Describes the step from the products to the output: sum, bias and sigmoid.
function sums({ bias, sum }, output, isOff) {
  const steps = [fact("sum of products", short(sum - bias)), fact("+ bias", short(bias)), fact("= sum", short(sum)), fact("sigmoid of the sum", short(sigmoid(sum)))];
  if (isOff) steps.push(fact("switched off", short(output)));
  return make("dl", { className: "steps" }, ...steps);
}

// A picture of a patch or a kernel.
function miniature(values, paintValues) {
  const canvas = make("canvas", {});
  paintValues(canvas, values);
  return canvas;
}

// One input channel: patch, kernel and products as numbers.
function oneChannel({ patch, kernel }, low, high) {
  const products = patch.map((value, i) => value * kernel[i]);
  return [
    numberGrid(patch, KERNEL, greyColour(low, high), "patch of the drawing"), sign("×"),
    numberGrid(kernel, KERNEL, signedColour(largestOf(kernel)), "kernel"), sign("="),
    numberGrid(products, KERNEL, signedColour(largestOf(products)), "products"),
  ];
}

// Several input channels: for each a patch, a kernel, the products and their sum.
function manyChannels(parts, [low, high]) {
  const weight = largestOf(parts.flatMap(({ kernel }) => [...kernel]));
  const products = parts.map(({ patch, kernel }) => patch.map((value, i) => value * kernel[i]));
  const largest = largestOf(products.flat());
  const total = largestOf(parts.map(({ sum }) => sum));
  const rows = parts.map(({ patch, kernel, sum }, i) => {
    const value = make("b", {}, short(sum));
    [value.style.background] = signedColour(total)(sum);
    const pictures = [
      miniature(patch, (canvas, values) => paint(canvas, values, [KERNEL, KERNEL, 1], low, high)), sign("×"),
      miniature(kernel, (canvas, values) => paintSigned(canvas, values, KERNEL, weight)), sign("="),
      miniature(products[i], (canvas, values) => paintSigned(canvas, values, KERNEL, largest)),
    ];
    return make("figure", { className: "channel" }, make("div", {}, ...pictures), make("figcaption", {}, `map ${i + 1}: `, value));
  });
  return [make("div", { className: "channels" }, ...rows)];
}

// The strongest inputs of a dense value as bars, and the sum of the others.
function denseInputs(parts, source, classes) {
  const chosen = strongest(parts);
  const largest = Math.abs(chosen[0].product);
  const items = chosen.map(({ index, input, weight, product }) => {
    const [map, y, x] = placeOf(source, index);
    const label = source === "pool2" ? `map ${map + 1} (${y + 1}, ${x + 1})` : `unit ${map + 1}`;
    const bar = make("i", { className: product < 0 ? "minus" : "plus" });
    bar.style.width = `${(100 * Math.abs(product)) / largest}%`;
    return make("li", {}, make("span", {}, label), make("span", { className: "product" }, `${short(input)} × ${short(weight)} = ${short(product)}`), make("span", { className: "meter" }, bar));
  });
  const rest = parts.reduce((sum, { product }) => sum + product, 0) - chosen.reduce((sum, { product }) => sum + product, 0);
  return [make("figure", { className: "inputs" }, make("ol", {}, ...items), make("figcaption", {}, `The ${chosen.length} inputs from ${source} that contribute most. The other ${parts.length - chosen.length} contribute ${short(rest)}.`))];
}

// Shows in `panel` how a value is computed. `from` is the result of `origin`.
function showOrigin(panel, { name, index }, from, layers, classes, isOff) {
  const output = layers[name][index];
  const source = LAYERS[name].from;
  const range = source === "input" ? [0, 255] : [layers[source].reduce((a, b) => Math.min(a, b)), layers[source].reduce((a, b) => Math.max(a, b))];
  const end = from.window ? [] : [sign("→"), sums(from, output, isOff)];
  if (name === "fc3") end[1].append(fact("share of all outputs", percent(layers.probabilities[index], 2)));
  let parts;
  if (from.window) parts = [numberGrid(from.window, 2, greyColour(...range), `four values of ${source}`, from.indices.indexOf(from.from)), sign("→"), make("dl", { className: "steps" }, fact("the largest is passed on", short(Math.max(...from.window))), ...(isOff ? [fact("switched off", "0")] : []))];
  else if (source === "input") parts = oneChannel(from.parts[0], ...range);
  else if (LAYERS[name].side > 1) parts = manyChannels(from.parts, range);
  else parts = denseInputs(from.parts, source, classes);
  panel.querySelector("h3").replaceChildren(nameOf(name, index, classes), make("span", {}, ` = ${short(output)}`));
  panel.querySelector(".formula").replaceChildren(...parts, ...end);
}
