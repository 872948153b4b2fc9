// Files of an answer or a message: to be saved, and seen where they are pictures.

import { html, nothing } from "../vendor/lit.js";
import { blob } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { save } from "../model/save.js";
import { size, t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

/** @typedef {import("../types.d.ts").FileView} FileView */

/** What is shown, if its bytes are that: the house says what they are. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** A picture is fetched when it is this near to what is seen. */
const NEAR = "400px";

class Given extends Part {
  static properties = {
    files: { attribute: false },
    conversation: { attribute: false },
    nameOf: { attribute: false },
  };

  /** Addresses of pictures that are here, by their files. @type {Map<string, string>} */
  #pictures = new Map();
  /** @type {Set<string>} */
  #asked = new Set();
  /** @type {IntersectionObserver | undefined} */
  #eye;

  constructor() {
    super();
    /** @type {FileView[]} */
    this.files = [];
    this.conversation = "";
    this.nameOf = (/** @type {string} */ id) => id;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#eye = new IntersectionObserver((seen) => seen.some((it) => it.isIntersecting) && this.#look(), { rootMargin: NEAR });
    this.#eye.observe(this);
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (!changed.has("files")) return;
    // It is said again whether it is seen.
    this.#eye?.unobserve(this);
    this.#eye?.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#eye?.disconnect();
    for (const address of this.#pictures.values()) URL.revokeObjectURL(address);
    this.#pictures.clear();
    this.#asked.clear();
  }

  render() {
    return html`<ul class="files given" aria-label=${t.files}>
        ${this.files.map((file) => this.#file(file))}
      </ul>
      ${problem(this.failure)}`;
  }

  /** @param {FileView} file */
  #file(file) {
    const { id, agent, name, bytes } = file;
    const picture = this.#pictures.get(id ?? "");
    return html`<li>
      ${picture ? html`<img src=${picture} alt=${plainly(name)} />` : nothing}
      <span class="line">${icon("file")}
        ${id
          ? html`<button type="button" class="link" title=${t.saveFile(plainly(name))} @click=${() => this.#save(file)}><bdi>${plainly(name)}</bdi></button>`
          : html`<bdi>${plainly(name)}</bdi>`}
        <span class="fine">${size(bytes)}${agent ? html` · <bdi>${plainly(this.nameOf(agent))}</bdi>` : nothing}</span></span>
    </li>`;
  }

  /** @param {FileView} file */
  #path(file) {
    return `/v1/conversations/${this.conversation}/files/${file.id}`;
  }

  /** @param {FileView} file */
  #save(file) {
    return this.try(async () => save(file.name, await blob(this.#path(file))));
  }

  #look() {
    for (const file of this.files) {
      const { id } = file;
      if (!id || this.#asked.has(id) || !PICTURES.includes(file.media_type)) continue;
      this.#asked.add(id);
      void this.try(async () => {
        const bytes = await blob(this.#path(file));
        if (!this.isConnected || !PICTURES.includes(bytes.type)) return;
        this.#pictures.set(id, URL.createObjectURL(bytes));
      });
    }
  }
}

customElements.define("sb-given", Given);
