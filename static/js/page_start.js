// The start-up work of a page runs in several tasks, so that a click never waits for all of it.

export function onPageStart(piece) {
  document.addEventListener("DOMContentLoaded", () => setTimeout(piece));
}
