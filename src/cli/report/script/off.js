// Values and maps that are switched off, and the accuracy without them.

// Sets up the buttons. `off` is the argument of `forward`. `sample` has the [label, pixels] of test images. Calls `onChange` after
// each change. Returns `select`, to call with each selected value, and `changed`, to call if the model changes.
function makeOff(model, classes, off, sample, onChange) {
  const element = (id) => document.getElementById(id);
  const [one, map, all, text] = ["off-value", "off-map", "all-on", "off-text"].map(element);
  const slices = makeSlices();
  let selected = { name: "conv1", index: 0 };

  function indices(isMap) {
    const { name, index } = selected;
    const size = LAYERS[name].side ** 2;
    const first = isMap ? Math.floor(index / size) * size : index;
    return Array.from({ length: isMap ? size : 1 }, (_, i) => first + i);
  }
  const isOff = (isMap) => indices(isMap).every((i) => off[selected.name]?.[i]);

  function select(value) {
    selected = value;
    const isMap = LAYERS[value.name].side > 1;
    one.textContent = `Switch this ${isMap ? "value" : "unit"} ${isOff(false) ? "on" : "off"}`;
    map.hidden = !isMap;
    map.textContent = `Switch map ${placeOf(value.name, value.index)[0] + 1} ${isMap && isOff(true) ? "on" : "off"}`;
  }

  function toggle(isMap) {
    const { name } = selected;
    const value = isOff(isMap) ? 0 : 1;
    off[name] ??= new Uint8Array(LAYERS[name].maps * LAYERS[name].side ** 2);
    for (const i of indices(isMap)) off[name][i] = value;
    if (!off[name].includes(1)) delete off[name];
    changed();
  }

  // Lists the maps and units that are switched off, and the number of single values.
  function list() {
    return Object.entries(off).flatMap(([name, values]) => {
      const size = LAYERS[name].side ** 2;
      const counts = Array.from({ length: LAYERS[name].maps }, (_, map) => values.subarray(map * size, (map + 1) * size).reduce((a, b) => a + b));
      const whole = counts.flatMap((count, map) => (count === size ? [name === "fc3" ? classes[map] : map + 1] : []));
      const single = counts.reduce((sum, count) => sum + (count < size ? count : 0), 0);
      const kind = `${size > 1 ? "map" : name === "fc3" ? "output" : "unit"}${whole.length > 1 ? "s" : ""}`;
      return [...(whole.length ? [`${name} ${kind} ${whole.join(", ")}`] : []), ...(single ? [`${single} value${single > 1 ? "s" : ""} of ${name}`] : [])];
    });
  }

  // Yields, for each image, whether the complete network and the changed network are correct.
  function* answers() {
    for (const [label, pixels] of sample) yield [{}, off].map((parts) => answerOf(forward(model.weights, pixels, parts)) === label);
  }

  function changed() {
    const parts = list();
    all.hidden = parts.length === 0;
    const intro = parts.length ? `Switched off: ${parts.join("; ")}. ` : "";
    text.textContent = intro;
    onChange();
    select(selected);
    slices(null);
    if (parts.length && sample.length) slices(answers(), (values) => {
      const [before, now] = [0, 1].map((i) => percent(values.filter((correct) => correct[i]).length / values.length));
      text.textContent = `${intro}Correct on the first ${values.length} test images: ${before} before, ${now} now.`;
    });
  }

  one.addEventListener("click", () => toggle(false));
  map.addEventListener("click", () => toggle(true));
  all.addEventListener("click", () => {
    Object.keys(off).forEach((name) => delete off[name]);
    changed();
    one.focus();
  });
  return { select, changed };
}
