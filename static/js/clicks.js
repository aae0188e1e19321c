// A click with a modifier or another button, for example to open the link in a new tab.

export function isModifiedClick(event) {
  return event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}
