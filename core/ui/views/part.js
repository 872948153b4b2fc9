// What every element of the page has in common.

import { LitElement } from "../vendor/lit.js";

/** An element without a shadow: one sheet of style for the whole page, and labels reach across elements. */
export class Part extends LitElement {
  createRenderRoot() {
    return this;
  }

  /** @type {(() => void)[]} */
  #undo = [];

  /**
   * Renders again when something says `change`, as long as the element is in the page.
   * @param {EventTarget | undefined} source
   * @param {string} [name]
   */
  follow(source, name = "change") {
    const hear = () => this.requestUpdate();
    source?.addEventListener(name, hear);
    this.#undo.push(() => source?.removeEventListener(name, hear));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const undo of this.#undo.splice(0)) undo();
  }
}
