// What every element of the page has in common.

import { LitElement } from "../vendor/lit.js";

/** An element without a shadow: one sheet of style for the whole page, and labels reach across elements. */
export class Part extends LitElement {
  createRenderRoot() {
    return this;
  }

  /** @type {(() => void)[]} */
  #undo = [];

  /** What did not work. @type {unknown} */
  failure = undefined;

  /** Does something, and shows when it did not work. @param {() => Promise<void>} act */
  async try(act) {
    this.failure = undefined;
    try {
      await act();
    } catch (error) {
      this.failure = error;
    }
    this.requestUpdate();
  }

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
