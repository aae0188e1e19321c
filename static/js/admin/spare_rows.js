// Rows of a form: as soon as the last one is filled in, an empty one follows, up to the number in data-rows. The fields
// of a row end with its number.

const NUMBERED = ["id", "name", "for", "aria-describedby"];

function nextRow(last, number) {
  const row = last.cloneNode(true);
  for (const element of row.querySelectorAll("*")) {
    for (const name of NUMBERED.filter((name) => element.hasAttribute(name))) {
      const value = element.getAttribute(name);
      element.setAttribute(name, value.replaceAll(new RegExp(`_${number}(?=_|\\s|$)`, "g"), `_${number + 1}`));
    }
  }
  for (const field of row.querySelectorAll("input, select")) field.value = "";
  return row;
}

document.addEventListener("input", ({ target }) => {
  const rows = target.closest("[data-rows]");
  const last = rows?.lastElementChild;
  const number = rows?.children.length - 1;
  if (last?.contains(target) && number + 1 < Number(rows.dataset.rows)) last.after(nextRow(last, number));
});
