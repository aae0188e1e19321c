// Selecting rows for an act on many: how many are selected, and all of them with one press.

function boxes() {
  return [...document.querySelectorAll("#list input[data-select]")];
}

function show() {
  const all = boxes();
  const selected = all.filter((box) => box.checked).length;
  for (const bar of document.querySelectorAll("[data-selection]")) bar.dataset.selection = String(selected);
  for (const count of document.querySelectorAll("[data-selected-count]")) count.textContent = String(selected);
  const whole = document.querySelector("#list input[data-select-all]");
  if (!whole) return;
  whole.checked = selected > 0 && selected === all.length;
  whole.indeterminate = selected > 0 && selected < all.length;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  if (event.target.matches("[data-select-all], [data-select]")) show();
});

document.addEventListener("htmx:after:swap", show);
