// What can be done with a conversation as a whole.

import { html, nothing } from "../vendor/lit.js";
import { go } from "../address.js";
import { asJson, asMarkdown } from "../model/export.js";
import { t } from "../words/index.js";
import { typed } from "./dialogs.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

class Menu extends Part {
  static properties = { room: { attribute: false }, house: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../model/room.js").Room} */
    this.room;
    /** @type {import("../model/house.js").House} */
    this.house;
    /** @type {unknown} */
    this.failure = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("click", this.#elsewhere);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("click", this.#elsewhere);
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("room")) this.follow(this.room);
  }

  get #details() {
    return /** @type {HTMLDetailsElement} */ (this.querySelector("details"));
  }

  #elsewhere = (/** @type {Event} */ event) => {
    if (!this.contains(/** @type {Node} */ (event.target))) this.#details.open = false;
  };

  render() {
    const { isOwner } = this.room;
    return html`<details class="menu" @keydown=${this.#key}>
      <summary class="icon-button" aria-label=${t.more} title=${t.more}>${icon("more")}</summary>
      <div class="items">
        ${isOwner ? html`<button type="button" @click=${() => this.#do(() => this.#rename())}>${t.rename}</button>` : nothing}
        <button type="button" @click=${() => this.#do(() => asMarkdown(this.room))}>${t.exportMarkdown}</button>
        <button type="button" @click=${() => this.#do(() => asJson(this.room))}>${t.exportJson}</button>
        ${isOwner ? html`<button type="button" class="danger" @click=${() => this.#do(async () => this.#delete())}>${t.delete}</button>` : nothing}
      </div>
      ${problem(this.failure)}
    </details>`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape") return;
    this.#details.open = false;
    this.#details.querySelector("summary")?.focus();
  }

  async #rename() {
    const title = await typed(t.renameLabel, this.room.summary?.title ?? "", t.save);
    if (title) await this.house.rename(this.room.id, title);
  }

  /** It is not asked for twice: for a moment it can be undone. */
  #delete() {
    if (this.room.summary) this.house.delete(this.room.summary);
    go({ view: "home" });
  }

  /** @param {() => Promise<void>} act */
  async #do(act) {
    this.failure = undefined;
    try {
      await act();
      this.#details.open = false;
    } catch (error) {
      this.failure = error;
    }
    this.requestUpdate();
  }
}

customElements.define("sb-menu", Menu);
