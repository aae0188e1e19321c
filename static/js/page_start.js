// What a page starts with comes in pieces, so that no press waits behind all of it.

export function onPageStart(piece) {
  document.addEventListener("DOMContentLoaded", () => setTimeout(piece));
}
