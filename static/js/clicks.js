// A click that asks the browser for more than to follow the link, such as for a new tab.

export function isModifiedClick(event) {
  return event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}
