// Frames and lines over the lesson that connect the selected value with the values it is computed from.

// Number of inputs of a dense value that are marked.
const STRONGEST = 12;

// Returns the inputs of a dense value with the largest products, in descending order.
const strongest = (parts) => [...parts].sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, STRONGEST);

// Sets up the drawing over `lesson`. Returns a function that marks `value` and the values in `from`, from which it is computed.
function makeLinks(lesson, network) {
  const isWide = matchMedia("(min-width: 72rem)");
  const svg = lesson.querySelector(".links");

  function draw(tag, attributes) {
    const element = document.createElementNS(svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    svg.append(element);
  }

  return function mark({ name, index }, from) {
    svg.replaceChildren();
    const origin = lesson.getBoundingClientRect();
    const local = ([left, top, ...size]) => [left - origin.left, top - origin.top, ...size];
    const frame = (box, kind, grow = 1) => {
      const [x, y, width, height] = local(box);
      draw("rect", { class: kind, x: x - grow, y: y - grow, width: width + 2 * grow, height: height + 2 * grow });
    };
    const target = network.boxOf(name, index);
    // Joins the right corners of a source with the left corners of the value, if the layers are next to each other.
    const join = (box, kind, strength = 1) => {
      if (!isWide.matches) return;
      const [x, y, width, height] = local(box);
      const [u, v, , tall] = local(target);
      for (const [a, b] of height > 2 * tall ? [[y, v], [y + height, v + tall]] : [[y + height / 2, v + tall / 2]]) {
        draw("line", { class: kind, x1: x + width, y1: a, x2: u, y2: b, "stroke-opacity": Math.max(strength, 0.25) });
      }
    };

    const [left, top, side] = fieldOf(name, index);
    const source = LAYERS[name].from;
    if (source !== "input") frame(network.boxOf("input", 28 * top + left, side), "field", 0);
    if (from.window) {
      const box = network.boxOf(source, from.indices[0], 2);
      frame(box, "source");
      join(box, "link");
      frame(network.boxOf(source, from.from), "winner", 0);
    } else if (LAYERS[name].side > 1) {
      const [map, y, x] = placeOf(name, index);
      const below = LAYERS[source];
      const largest = largestOf(from.parts.map((part) => part.sum));
      from.parts.forEach(({ sum }, i) => {
        const box = network.boxOf(source, (i * below.side + y) * below.side + x, KERNEL);
        const kind = source === "input" ? "" : sum < 0 ? " minus" : " plus";
        frame(box, `source${kind}`);
        join(box, `link${kind}`, kind ? Math.abs(sum) / largest : 1);
      });
      if (name === "conv1") {
        const { left, top, width, height } = document.querySelectorAll("#network .kernel")[map].getBoundingClientRect();
        frame([left, top, width, height], "source");
      }
    } else {
      const largest = Math.abs(strongest(from.parts)[0].product);
      for (const { index: input, product } of strongest(from.parts)) {
        const box = network.boxOf(source, input);
        const kind = product < 0 ? " minus" : " plus";
        frame(box, `source${kind}`, 0);
        join(box, `link${kind}`, Math.abs(product) / largest);
      }
    }
    frame(target, "selected", 1);
  };
}
