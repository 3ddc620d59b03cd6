// Adds a cursor that follows the pointer or the slider to the charts, and shows the values at the cursor.

// Returns a function that moves the cursor to an epoch.
function makeCurves() {
  const section = document.getElementById("curves");
  if (!section) return () => {};
  const scrub = section.querySelector(".scrub");
  const slider = scrub.querySelector("input");
  const output = scrub.querySelector("output");
  const rows = [...section.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent));
  const names = [...section.querySelectorAll("thead th")].map((cell) => cell.textContent.toLowerCase());
  const charts = [...section.querySelectorAll("svg")].map((svg) => {
    const lines = [...svg.querySelectorAll("polyline")].map((line) => ({
      group: line.parentElement,
      points: line.getAttribute("points").split(" ").map((point) => point.split(",").map(Number)),
    }));
    // The range from the first to the last point of all lines covers all epochs.
    const xs = lines.flatMap(({ points }) => [points[0][0], points.at(-1)[0]]);
    return { svg, lines, range: [Math.min(...xs), Math.max(...xs)], cursor: draw("line", { class: "cursor", y1: 18, y2: 212 }, svg), dots: [] };
  });

  function draw(tag, attributes, parent) {
    const element = document.createElementNS(parent.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    parent.append(element);
    return element;
  }

  function show() {
    const row = rows[slider.value];
    const values = row.slice(1).map((value, i) => (value === "–" ? "" : `${names[i + 1]} ${value}`)).filter(Boolean);
    output.textContent = [`epoch ${row[0]}`, ...values].join("\n");
    slider.setAttribute("aria-valuetext", `${row[0]}: ${values.join(", ")}`);
    for (const { lines, range, cursor, dots } of charts) {
      const x = rows.length > 1 ? range[0] + ((range[1] - range[0]) * slider.value) / (rows.length - 1) : range[0];
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      dots.splice(0).forEach((dot) => dot.remove());
      for (const { group, points } of lines) {
        const found = points.find((point) => Math.abs(point[0] - x) < 0.06);
        if (found) dots.push(draw("circle", { class: "at", cx: found[0], cy: found[1], r: 5 }, group));
      }
    }
  }

  for (const { svg, range } of charts) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const fraction = (x - range[0]) / (range[1] - range[0] || 1);
      slider.value = Math.round(Math.min(Math.max(fraction, 0), 1) * (rows.length - 1));
      show();
    });
  }
  slider.addEventListener("input", show);
  scrub.hidden = false;
  show();
  return (epoch) => {
    slider.value = Math.max(epoch - 1, 0);
    show();
  };
}
