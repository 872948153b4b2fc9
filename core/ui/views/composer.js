// The field in which something is said.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { size, t } from "../words/index.js";
import { bytesOf, read } from "./files.js";
import { icon } from "./icons.js";
import { matching, mentions, wordAt } from "./mention.js";
import { Part } from "./part.js";

/** @typedef {import("./mention.js").Named} Named */

const LIST = "mentions";
/** Who writes says so again after this. */
const TYPING_MS = 3_000;
/** What is longer and pasted goes as a file: messages are shorter, and a field with millions of characters stands still. */
const MOST_PASTED = 20_000;

/** Files that are not sent yet, by their drafts. @type {Map<string, import("../types.d.ts").Part[]>} */
const attached = new Map();

export class Composer extends Part {
  static properties = {
    house: { attribute: false },
    people: { attribute: false },
    draft: { attribute: false },
    running: { type: Boolean },
    busy: { type: Boolean },
    editing: { type: Boolean },
  };

  /** @type {Named[]} */
  #offered = [];
  #chosen = 0;
  #from = 0;
  #typedAt = -Infinity;

  constructor() {
    super();
    /** @type {import("../model/house.js").House} */
    this.house;
    /** Members whom one may speak to. @type {string[]} */
    this.people = [];
    /** Under which name the draft is kept. */
    this.draft = "";
    this.running = false;
    this.busy = false;
    /** What is written replaces something that was said. */
    this.editing = false;
    this.refused = "";
  }

  get #field() {
    return /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea"));
  }

  get #key() {
    return `switchboard.draft.${this.draft}`;
  }

  get parts() {
    return attached.get(this.draft) ?? [];
  }

  /** @param {string} draft @param {import("../types.d.ts").Part[]} parts */
  #attach(draft, parts) {
    if (parts.length > 0) attached.set(draft, parts);
    else attached.delete(draft);
    this.requestUpdate();
  }

  /**
   * Puts a text into the field, to be looked at again.
   * @param {string} text
   * @param {import("../types.d.ts").Part[]} [parts]
   */
  put(text, parts = []) {
    this.#field.value = text;
    this.#attach(this.draft, parts);
    this.#keep();
    this.#field.focus();
  }

  firstUpdated() {
    if (matchMedia("(pointer: fine)").matches) this.#field.focus();
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has("draft")) return;
    this.refused = "";
    this.#offered = [];
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("draft")) this.#field.value = sessionStorage.getItem(this.#key) ?? "";
  }

  render() {
    const isOpen = this.#offered.length > 0;
    return html`<form class="composer" @submit=${this.#submit} @dragover=${(/** @type {Event} */ event) => event.preventDefault()} @drop=${this.#drop}>
      ${mentions(LIST, this.#offered, this.#chosen, (item) => this.#take(item))}
      ${this.editing ? this.#anew() : nothing}
      ${this.refused ? html`<p class="problem" role="alert" dir="auto">${plainly(this.refused)}</p>` : nothing}
      ${this.parts.length > 0 ? this.#files() : nothing}
      <textarea rows="1" dir="auto" placeholder=${t.placeholder} aria-label=${t.message} enterkeyhint="send"
        aria-autocomplete="list" aria-controls=${isOpen ? LIST : nothing}
        aria-activedescendant=${isOpen ? `${LIST}-${this.#chosen}` : nothing}
        @input=${this.#typed} @keydown=${this.#pressed} @paste=${this.#pasted} @blur=${() => this.#offer([])}></textarea>
      <div class="tools">
        <label class="icon-button" title=${t.attach}>
          ${icon("clip")}<input type="file" multiple class="hidden" aria-label=${t.attach} @change=${this.#picked} />
        </label>
        ${this.running
          ? html`<button type="button" class="round" title=${t.stop} aria-label=${t.stop} @click=${this.#stop}>${icon("stop")}</button>`
          : nothing}
        <button class="round primary" title=${t.send} aria-label=${t.send} ?disabled=${this.busy}>${icon("send")}</button>
      </div>
    </form>`;
  }

  #anew() {
    return html`<p class="note anew">${t.editing}
      <button type="button" class="quiet" @click=${this.#cancel}>${t.cancel}</button></p>`;
  }

  #cancel() {
    this.put("");
    this.dispatchEvent(new CustomEvent("cancel-edit"));
  }

  #files() {
    return html`<ul class="files">
      ${this.parts.map(
        (part, index) => html`<li>
          ${icon("file")}<bdi>${plainly(part.name ?? "")}</bdi> <span class="fine">${size(bytesOf(part))}</span>
          <button type="button" class="icon-button small" aria-label=${t.removeFile(plainly(part.name ?? ""))} @click=${() => this.#remove(index)}>${icon("close")}</button>
        </li>`,
      )}
    </ul>`;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#field.value.trim();
    if (this.busy || (text === "" && this.parts.length === 0)) return;
    const detail = { text, agents: [], parts: this.parts };
    this.#field.value = "";
    this.#attach(this.draft, []);
    this.refused = "";
    this.#keep();
    this.#offer([]);
    this.#typedAt = -Infinity;
    this.dispatchEvent(new CustomEvent("say", { detail }));
  }

  #stop() {
    this.dispatchEvent(new CustomEvent("stop"));
  }

  #typed() {
    this.#keep();
    const { value, selectionStart } = this.#field;
    const word = wordAt(value, selectionStart);
    this.#from = word?.from ?? 0;
    this.#chosen = 0;
    this.#offer(word ? matching(this.#names(), word.sought) : []);
    if (performance.now() - this.#typedAt > TYPING_MS && value) {
      this.#typedAt = performance.now();
      this.dispatchEvent(new CustomEvent("typing"));
    }
  }

  #keep() {
    const text = this.#field.value;
    try {
      if (text) sessionStorage.setItem(this.#key, text);
      else sessionStorage.removeItem(this.#key);
    } catch {
      // More than a browser keeps: it is in the field, and not there after loading again.
    }
  }

  /** @returns {Named[]} */
  #names() {
    const agents = this.house.able.map(({ id, name, description }) => ({ id, name, about: description || name }));
    const people = this.people.map((id) => ({ id, name: id, about: "" }));
    const own = people.length > 0 ? [{ id: "switchboard", name: t.switchboard, about: t.switchboard }] : [];
    return [...own, ...people, ...agents];
  }

  /** @param {Named[]} items */
  #offer(items) {
    this.#offered = items;
    this.requestUpdate();
  }

  /** @param {Named} item */
  #take(item) {
    const field = this.#field;
    field.setRangeText(`@${item.id} `, this.#from, field.selectionStart, "end");
    this.#keep();
    this.#offer([]);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    const count = this.#offered.length;
    if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      this.#chosen = (this.#chosen + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      this.requestUpdate();
    } else if (count > 0 && (event.key === "Enter" || event.key === "Tab")) {
      const item = this.#offered[this.#chosen];
      if (item) this.#take(item);
    } else if (count > 0 && event.key === "Escape") {
      this.#offer([]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      this.#submit(event);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Iterable<File>} files */
  async #add(files) {
    const { draft } = this;
    const { parts, refused } = await read(files, this.parts);
    // Whoever went to another conversation meanwhile finds them where they were given.
    if (draft === this.draft) this.refused = refused;
    this.#attach(draft, parts);
  }

  /** @param {Event} event */
  #picked(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    void this.#add([...(input.files ?? [])]).then(() => {
      input.value = "";
    });
  }

  /** @param {DragEvent} event */
  #drop(event) {
    event.preventDefault();
    void this.#add([...(event.dataTransfer?.files ?? [])]);
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (files.length === 0 && text.length > MOST_PASTED) files.push(new File([text], "text.txt", { type: "text/plain" }));
    if (files.length === 0) return;
    event.preventDefault();
    void this.#add(files);
  }

  /** @param {number} index */
  #remove(index) {
    this.#attach(this.draft, this.parts.filter((_, at) => at !== index));
  }
}

customElements.define("sb-composer", Composer);
