// A canvas for drawing with mouse, touch, pen or keyboard, and the buttons that clear, invert, flip and shift the image.

// Sets up the canvas. Returns `image`, the 784 pixels, and `set`, which replaces them. Calls `onChange` after each change, and
// `onPoint` with the pixel under the pointer or the keyboard brush.
function makeDrawing(canvas, onChange, onPoint) {
  const image = new Uint8Array(SIDE * SIDE);
  const RADIUS = 1.1;
  let last = null; // last position of the pointer, in pixels
  let erasing = false;
  let brush = [14, 14]; // position of the keyboard brush
  let showsBrush = false;

  function show() {
    paint(canvas, image, [SIDE, SIDE, 1], 0, 255);
    if (!showsBrush) return;
    const context = canvas.getContext("2d");
    context.fillStyle = "#f08c3a";
    context.fillRect(...brush, 1, 1);
  }

  function set(pixels) {
    image.set(pixels);
    show();
  }

  // Draws or erases a line with a round brush with soft edges.
  function stroke([ax, ay], [bx, by], erase) {
    const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
    for (let i = 0; i < image.length; i++) {
      const [x, y] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
      const along = length2 ? Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2, 0), 1) : 0;
      const distance = Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay));
      const ink = Math.round(255 * Math.min(Math.max(RADIUS + 0.5 - distance, 0), 1));
      image[i] = erase ? Math.min(image[i], 255 - ink) : Math.max(image[i], ink);
    }
  }

  function shift(right, down) {
    const old = image.slice();
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [u, v] = [x - right, y - down];
        image[y * SIDE + x] = u >= 0 && u < SIDE && v >= 0 && v < SIDE ? old[v * SIDE + u] : 0;
      }
    }
  }

  function flip() {
    for (let row = 0; row < image.length; row += SIDE) image.subarray(row, row + SIDE).reverse();
  }

  const tools = {
    flip,
    clear: () => image.fill(0),
    invert: () => image.forEach((v, i) => (image[i] = 255 - v)),
    left: () => shift(-1, 0),
    right: () => shift(1, 0),
    up: () => shift(0, -1),
    down: () => shift(0, 1),
  };
  for (const button of document.querySelectorAll("#inside [data-tool]")) {
    button.addEventListener("click", () => {
      if (button.dataset.tool === "erase") {
        erasing = !erasing;
        button.setAttribute("aria-pressed", erasing);
        return;
      }
      tools[button.dataset.tool]();
      show();
      onChange();
    });
  }

  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 && event.button !== 5) return; // 5 is the eraser of a pen
    canvas.setPointerCapture(event.pointerId);
    showsBrush = false;
    last = position(event);
    draw(event);
  });
  canvas.addEventListener("pointermove", (event) => (last ? draw(event) : onPoint(position(event).map((at) => Math.min(Math.max(Math.floor(at), 0), SIDE - 1)))));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  function draw(event) {
    const points = event.getCoalescedEvents?.() ?? [];
    for (const point of points.length ? points : [event]) {
      const next = position(point);
      stroke(last, next, erasing || Boolean(event.buttons & 32));
      last = next;
    }
    show();
    onChange();
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const draws = event.key === " ";
    const erases = event.key === "Backspace" || event.key === "Delete";
    if (!step && !draws && !erases) return;
    event.preventDefault();
    showsBrush = true;
    if (step) {
      brush = brush.map((at, i) => Math.min(Math.max(at + step[i], 0), SIDE - 1));
      onPoint(brush);
    } else {
      const middle = brush.map((at) => at + 0.5);
      stroke(middle, middle, erases || erasing);
      onChange();
    }
    show();
  });
  canvas.addEventListener("blur", () => {
    showsBrush = false;
    show();
  });
  return { image, set };
}
