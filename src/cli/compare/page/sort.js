// Sorts the tables by the column whose heading is clicked.

const UNKNOWN = "–";

// Returns the number in a cell, which is not finite for other text. Of "mean ± sd" this is the mean, and "< 0.001" comes before 0.001.
function numberIn(text) {
  const number = Number(text.replace(/^[<+]\s*/, "").split(" ±")[0].replaceAll(",", ""));
  return text.startsWith("<") ? number - 1e-9 : number;
}

// Returns a function that compares the cells of a column: numbers by value, other text alphabetically.
function order(texts) {
  const areNumbers = texts.every((text) => text === UNKNOWN || Number.isFinite(numberIn(text)));
  const collator = new Intl.Collator("en", { numeric: true });
  return areNumbers ? (a, b) => numberIn(a) - numberIn(b) : collator.compare;
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];

  function sort(column) {
    const isDescending = heads[column].ariaSort === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].ariaSort = isDescending ? "descending" : "ascending";
    const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent }));
    const compare = order(rows.map(({ text }) => text));
    // Unknown values come last in both directions.
    rows.sort((a, b) => (a.text === UNKNOWN) - (b.text === UNKNOWN) || (isDescending ? -1 : 1) * compare(a.text, b.text));
    body.append(...rows.map(({ row }) => row));
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
}
document.querySelectorAll("table").forEach(makeSortable);
