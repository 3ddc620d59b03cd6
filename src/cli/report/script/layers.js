// The picture of the network: a canvas for each map, connected to the drawing and to the ten outputs.

// Columns of the picture of a layer's map. All values of a hidden dense layer share one picture, each as a square.
const COLUMNS = { input: 28, conv1: 24, pool1: 12, conv2: 8, pool2: 4, fc1: 6, fc2: 4, fc3: 1 };

// Creates the pictures. Returns `show`, which draws the outputs of all layers and marks pictures with values that are switched
// off, `views`, a list of { name, start, count, columns, canvas }, and functions that convert between values and positions.
function makeNetwork(model, drawing, outputs) {
  const views = [{ name: "input", start: 0, count: 784, columns: 28, canvas: drawing }];
  const network = document.getElementById("network");
  const kernels = [];
  const scales = {};

  function view(name, start, count, canvas = make("canvas", { className: name })) {
    views.push({ name, start, count, columns: COLUMNS[name], canvas });
    return canvas;
  }
  const mapView = (name, map) => view(name, map * LAYERS[name].side ** 2, LAYERS[name].side ** 2);

  function column(title, name, about, ...children) {
    const scale = make("span", { className: "scale" });
    scales[name] = scale;
    network.append(make("figure", { className: `layer ${name}-column` }, make("figcaption", {}, make("b", {}, title), make("span", {}, about), scale), ...children));
  }
  const maps = (number, children) => Array.from({ length: number }, (_, map) => make("div", { className: "map" }, ...children(map)));

  column("conv1 → pool1", "conv1", "kernel, map, pooled", make("div", { className: "maps" }, ...maps(6, (map) => {
    const kernel = make("canvas", { className: "kernel" });
    kernels.push(kernel);
    return [kernel, mapView("conv1", map), mapView("pool1", map)];
  })));
  column("conv2 → pool2", "conv2", "16 maps, pooled", make("div", { className: "maps" }, ...maps(16, (map) => [mapView("conv2", map), mapView("pool2", map)])));
  column("fc1", "fc1", "120 units", view("fc1", 0, 120));
  column("fc2", "fc2", "84 units", view("fc2", 0, 84));
  outputs.forEach((canvas, i) => view("fc3", i, 1, canvas));

  // Convolution and pooling share a scale from the smallest to the largest value. Dense values are drawn from 0 to 1.
  function show(layers, off) {
    const kernelValues = model.weights["conv1.weight"].values;
    const largest = largestOf(kernelValues);
    kernels.forEach((canvas, map) => paintSigned(canvas, kernelValues.subarray(25 * map, 25 * map + 25), KERNEL, largest));
    document.getElementById("kernel-scale").textContent = `±${short(largest)}`;
    const range = {};
    for (const name of ["conv1", "conv2"]) {
      const [low, high] = [layers[name].reduce((a, b) => Math.min(a, b)), layers[name].reduce((a, b) => Math.max(a, b))];
      range[name] = range[name.replace("conv", "pool")] = [low, high];
      scales[name].textContent = `black ${low.toFixed(2)}, white ${high.toFixed(2)}`;
    }
    scales.fc1.textContent = scales.fc2.textContent = "0 to 1";
    for (const { name, start, count, columns, canvas } of views) {
      if (name === "input") continue;
      const [low, high] = range[name] ?? [0, 1];
      const cell = name === "fc1" || name === "fc2" ? 8 : 1;
      paint(canvas, layers[name].subarray(start, start + count), [columns, count / columns, cell], low, high);
      canvas.classList.toggle("off", Boolean(off[name]?.subarray(start, start + count).includes(1)));
    }
  }

  const viewOf = (name, index) => views.find((view) => view.name === name && view.start <= index && index < view.start + view.count);

  // Left, top, width and height, in the window, of a rectangle of values that starts at `index`.
  function boxOf(name, index, width = 1, height = width) {
    const { canvas, start, count, columns } = viewOf(name, index);
    const box = canvas.getBoundingClientRect();
    const left = box.left + canvas.clientLeft;
    const top = box.top + canvas.clientTop;
    const [cellWidth, cellHeight] = [canvas.clientWidth / columns, (canvas.clientHeight * columns) / count];
    const [x, y] = [(index - start) % columns, Math.floor((index - start) / columns)];
    return [left + x * cellWidth, top + y * cellHeight, width * cellWidth, height * cellHeight];
  }

  // Returns the value { name, index } at a point of the window, or the nearest in the picture `near`.
  function valueAt([x, y], near) {
    const found = near ?? views.find(({ canvas }) => {
      const box = canvas.getBoundingClientRect();
      return box.left <= x && x < box.right && box.top <= y && y < box.bottom;
    });
    if (!found) return null;
    const { name, start, count, columns, canvas } = found;
    const box = canvas.getBoundingClientRect();
    const rows = count / columns;
    const at = (position, length, number) => Math.min(Math.max(Math.floor((position / length) * number), 0), number - 1);
    const column = at(x - box.left - canvas.clientLeft, canvas.clientWidth, columns);
    return { name, index: start + at(y - box.top - canvas.clientTop, canvas.clientHeight, rows) * columns + column };
  }

  return { views, show, viewOf, boxOf, valueAt };
}
