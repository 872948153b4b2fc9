// What the rooms of those who look after the house have in common: a head, and one thing at a time that may not work.

import { html } from "../vendor/lit.js";
import { t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

export class Office extends Part {
  constructor() {
    super();
    this.isBusy = false;
  }

  /**
   * @param {string} title
   * @param {string} lead
   * @param {unknown} content
   */
  sheet(title, lead, content) {
    document.title = `${title} · Switchboard`;
    return html`<div class="office">
      <header class="bar"><button type="button" class="icon-button only-narrow" aria-label=${t.openMenu} @click=${this.#menu}>${icon("menu")}</button></header>
      <div class="sheet">
        <div><h1>${title}</h1><p class="fine">${lead}</p></div>
        ${problem(this.failure)}
        ${content}
      </div>
    </div>`;
  }

  #menu() {
    this.dispatchEvent(new CustomEvent("side-open", { bubbles: true }));
  }

  /** Does something, and says when it did not work. @param {() => Promise<void>} act */
  async try(act) {
    this.isBusy = true;
    this.requestUpdate();
    await super.try(act);
    this.isBusy = false;
    this.requestUpdate();
  }
}
