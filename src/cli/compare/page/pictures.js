// Opens the images larger in a dialog. The arrow keys show the other images of the list.

const dialog = document.createElement("dialog");
dialog.ariaLabel = "Test image";
dialog.innerHTML = `<p></p><figure aria-live="polite"></figure><p class="note">Arrow keys: the other images.</p><button type="button">Close</button>`;
document.body.append(dialog);
const [heading, figure, , close] = dialog.children;
let shown = null;

// Shows the image of a list item with its caption and the heading of the list.
function show(item) {
  shown = item;
  heading.textContent = item.parentElement.previousElementSibling.textContent;
  figure.replaceChildren(item.querySelector("img").cloneNode(), item.querySelector("figcaption").cloneNode(true));
  if (!dialog.open) dialog.showModal();
}

close.addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => shown.querySelector("button").focus());
dialog.addEventListener("keydown", ({ key }) => {
  const neighbours = { ArrowLeft: shown.previousElementSibling, ArrowRight: shown.nextElementSibling };
  if (neighbours[key]) show(neighbours[key]);
});

for (const image of document.querySelectorAll(".mistakes img")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pick";
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => show(button.closest("li")));
}
