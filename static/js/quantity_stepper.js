// Buttons that change the quantity by one: rapid clicks become one request, sent earlier on any other press.

const BURST_MS = 300;

let steppedInput = null;
let timer = 0;

function settle() {
  clearTimeout(timer);
  const input = steppedInput;
  steppedInput = null;
  if (input?.isConnected && input.value !== input.defaultValue) {
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-step]");
  if (!button) return;
  const input = button.parentElement.querySelector("input");
  if (steppedInput !== input) settle();
  if (button.dataset.step > 0) input.stepUp();
  else input.stepDown();
  steppedInput = input;
  clearTimeout(timer);
  timer = setTimeout(settle, BURST_MS);
});

for (const type of ["pointerdown", "focusin"]) {
  document.addEventListener(type, ({ target }) => {
    if (steppedInput && !target.closest?.("[data-step]")) settle();
  });
}
