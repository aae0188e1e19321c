// On a wide window a row opens beside the list; on a narrow one, and without this, its link leads to a page of its own.

const WIDE = matchMedia("(width >= 1200px)");

function isModified(event) {
  return event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}

export function canOpenBeside() {
  return WIDE.matches && document.getElementById("detail") !== null && window.htmx !== undefined;
}

export function openBeside(link) {
  for (const other of document.querySelectorAll("#list [data-beside][aria-current]")) {
    other.removeAttribute("aria-current");
  }
  link.setAttribute("aria-current", "true");
  const url = link.dataset.beside;
  // The source is the detail itself: htmx names the source's target to the server, not the one that is given here.
  htmx.ajax("GET", url, { source: "#detail", target: "#detail", swap: "innerHTML strip:true", push: url });
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("#list tr");
  const link = row?.querySelector("a[data-beside]");
  if (event.defaultPrevented || !link || isModified(event) || !canOpenBeside()) return;
  const other = event.target.closest("a, button, input, label, summary");
  if (other && other !== link) return;
  event.preventDefault();
  openBeside(link);
});
