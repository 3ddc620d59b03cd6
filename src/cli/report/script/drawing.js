// The canvas that is drawn on: with mouse, touch, pen or keys; cleared, inverted, shifted.

// `image` holds the 784 pixels; `changed` is called after each change.
function makeDrawing(canvas, changed) {
  const image = new Uint8Array(SIDE * SIDE);
  const RADIUS = 1.1;
  let last = null; // where the pen was, in pixels
  let erasing = false;
  let brush = [14, 14]; // where the keys are
  let isAimed = false;

  function show() {
    paint(canvas, image, [SIDE, SIDE, 1], 0, 255);
    if (!isAimed) return;
    const context = canvas.getContext("2d");
    context.fillStyle = "#f08c3a";
    context.fillRect(...brush, 1, 1);
  }

  function set(pixels) {
    image.set(pixels);
    show();
  }

  // A round brush from one point to another, with soft edges.
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

  const tools = {
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
      changed();
    });
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 && event.button !== 5) return; // 5 is the far end of a pen
    canvas.setPointerCapture(event.pointerId);
    isAimed = false;
    last = place(event);
    draw(event);
  });
  canvas.addEventListener("pointermove", (event) => last && draw(event));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  function draw(event) {
    const points = event.getCoalescedEvents?.() ?? [];
    for (const point of points.length ? points : [event]) {
      const next = place(point);
      stroke(last, next, erasing || Boolean(event.buttons & 32));
      last = next;
    }
    show();
    changed();
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const draws = event.key === " ";
    const erases = event.key === "Backspace" || event.key === "Delete";
    if (!step && !draws && !erases) return;
    event.preventDefault();
    isAimed = true;
    if (step) {
      brush = brush.map((at, i) => Math.min(Math.max(at + step[i], 0), SIDE - 1));
    } else {
      const middle = brush.map((at) => at + 0.5);
      stroke(middle, middle, erases || erasing);
      changed();
    }
    show();
  });
  canvas.addEventListener("blur", () => {
    isAimed = false;
    show();
  });
  return { image, set };
}
