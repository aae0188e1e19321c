// Buttons that open a dialog of the page.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog]");
  if (button) {
    document.querySelector("#rail:popover-open")?.hidePopover();
    document.getElementById(button.dataset.dialog).showModal();
  }
});
