// Pictures from the file dialog, by drag and drop, and from the clipboard.

// Calls `open` with each file that the user chooses.
function makeFiles(open) {
  const field = document.getElementById("picture");
  const root = document.documentElement;
  const fileOf = (transfer) => [...(transfer?.files ?? [])][0];
  const hasFile = (transfer) => [...(transfer?.types ?? [])].includes("Files");
  field.addEventListener("change", () => {
    if (field.files[0]) open(field.files[0]);
    field.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    if (hasFile(event.dataTransfer)) root.dataset.dragging = "";
  });
  // The pointer leaves the window if no element is entered.
  document.addEventListener("dragleave", (event) => event.relatedTarget || delete root.dataset.dragging);
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    delete root.dataset.dragging;
    const file = fileOf(event.dataTransfer);
    if (!file) return;
    document.getElementById("inside").scrollIntoView();
    open(file);
  });
  document.addEventListener("paste", (event) => fileOf(event.clipboardData) && open(fileOf(event.clipboardData)));
}
