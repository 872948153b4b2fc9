// Questions that the page asks before it goes on.

import { html, render } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { t } from "../words/index.js";

/**
 * Shows a dialog until it is answered; what was typed, or undefined.
 * @param {{ text: string, action: string, label?: string, value?: string, danger?: boolean, mayBeEmpty?: boolean }} asked
 * @returns {Promise<string | undefined>}
 */
function show({ text, action, label, value = "", danger = false, mayBeEmpty = false }) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", label ?? action);
  const field = () => /** @type {HTMLInputElement | null} */ (dialog.querySelector("input"))?.value ?? "";
  render(
    html`<form method="dialog">
      ${text ? html`<p dir="auto">${plainly(text)}</p>` : ""}
      ${label ? html`<label>${label}<input name="value" .value=${value} maxlength="2000" dir="auto" autocomplete="off" ?required=${!mayBeEmpty} /></label>` : ""}
      <p class="buttons">
        <button type="button" class="quiet" @click=${() => dialog.close("")}>${t.cancel}</button>
        <button value="yes" class=${danger ? "danger" : "primary"}>${action}</button>
      </p>
    </form>`,
    dialog,
  );
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input")?.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? field() : undefined);
      dialog.remove();
    });
  });
}

/** @param {string} text @param {string} action */
export const confirmed = async (text, action) => (await show({ text, action, danger: true })) !== undefined;

/** @param {string} label @param {string} value @param {string} action @param {boolean} [mayBeEmpty] */
export const typed = (label, value, action, mayBeEmpty) => show({ text: "", action, label, value, mayBeEmpty });
