// Who did what: looked for, checked, taken out.

import { html, nothing } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { a, moment } from "../words/admin/index.js";
import { t } from "../words/index.js";
import { Office } from "./office.js";

/** @typedef {import("../types.d.ts").AuditEntry} AuditEntry */
/** @typedef {import("../types.d.ts").AuditPage} AuditPage */
/** @typedef {import("../types.d.ts").AuditCheck} AuditCheck */

const DAY_MS = 86_400_000;

class Audit extends Office {
  constructor() {
    super();
    /** @type {AuditEntry[] | undefined} */
    this.entries = undefined;
    /** @type {string | undefined} */
    this.next = undefined;
    /** @type {string | undefined} */
    this.lookedTo = undefined;
    this.sought = new URLSearchParams();
    /** What the check has said last, with the rows of all of its parts. @type {AuditCheck | undefined} */
    this.check = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.#read();
  }

  /** @param {string} [after] */
  #read(after) {
    return this.try(async () => {
      const query = new URLSearchParams(this.sought);
      if (after) query.set("after", after);
      /** @type {AuditPage} */
      const page = await ask("GET", `/v1/audit?${query}`);
      this.entries = after ? [...(this.entries ?? []), ...page.items] : page.items;
      this.next = page.next;
      this.lookedTo = page.looked_to;
    });
  }

  render() {
    return this.sheet(
      t.audit,
      a.auditLead,
      html`${this.#checking()} ${this.#searching()}
        ${this.entries === undefined && !this.failure ? html`<p class="waiting">${t.wait}</p>` : nothing}
        <ul class="record">${this.entries?.map((entry) => this.#entry(entry))}</ul>
        <p class="fine" role="status">
          ${this.entries?.length === 0 ? a.nothing : ""} ${this.next && this.lookedTo ? a.lookedTo(moment(this.lookedTo)) : ""}
        </p>
        ${this.next ? html`<p><button type="button" ?disabled=${this.isBusy} @click=${() => this.#read(this.next)}>${a.further}</button></p>` : nothing}`,
    );
  }

  #checking() {
    const check = this.check;
    return html`<section class="card" aria-label=${a.verify}>
      <p class="row"><button type="button" class="primary" ?disabled=${this.isBusy} @click=${this.#verify}>${a.verify}</button>
        <span class="grow" role="status">${check ? saidOf(check) : ""}</span></p>
      ${check?.broken ? html`<p class="problem" role="alert">${a.brokenAt(check.broken.seq)} ${a.faults[check.broken.fault]}</p>` : nothing}
      ${check?.complete && check.anchor ? html`<p class="fine">${a.anchorLead}</p><p class="secret" dir="ltr">${check.anchor}</p>` : nothing}
    </section>`;
  }

  #searching() {
    return html`<form class="card" role="search" @submit=${this.#seek} @input=${this.#changed}>
      <div class="row">
        <label class="grow">${a.who}<input name="actor" maxlength="255" autocomplete="off" dir="auto" /></label>
        <label class="grow">${a.what}<input name="action" maxlength="64" placeholder="agent." autocomplete="off" autocapitalize="none" dir="ltr" /></label>
        <label class="grow">${a.subject}<input name="subject" maxlength="255" autocomplete="off" dir="auto" /></label>
      </div>
      <div class="row">
        <label>${a.from}<input name="from" type="date" /></label>
        <label>${a.until}<input name="to" type="date" /></label>
        <button ?disabled=${this.isBusy}>${a.look}</button>
      </div>
      <p class="fine">${a.exports}: ${a.exportsLead}</p>
      <p class="choices">
        <a class="button" download href="/v1/audit/export?${this.#query("ndjson")}">${a.lines}</a>
        <a class="button" download href="/v1/audit/export?${this.#query("csv")}">${a.table}</a>
      </p>
    </form>`;
  }

  /** @param {string} format */
  #query(format) {
    const query = new URLSearchParams(this.sought);
    query.set("format", format);
    return query.toString();
  }

  /** @param {AuditEntry} entry */
  #entry({ seq, at, actor, action, subject, detail }) {
    const more = Object.keys(detail ?? {}).length > 0 ? JSON.stringify(detail, null, 1) : "";
    return html`<li class="card">
      <p><bdi>${plainly(actor)}</bdi> <code dir="ltr">${plainly(action)}</code> <bdi>${plainly(subject)}</bdi></p>
      <p class="fine">${moment(at)} · <span dir="ltr">#${seq}</span></p>
      ${more ? html`<details class="fine"><summary>${t.more}</summary><pre dir="ltr" tabindex="0">${plainly(more)}</pre></details>` : nothing}
    </li>`;
  }

  /** What is taken out is what stands in the fields. */
  #changed() {
    const data = new FormData(/** @type {HTMLFormElement} */ (this.querySelector("form")));
    const sought = new URLSearchParams();
    for (const name of ["actor", "action", "subject"]) {
      const value = String(data.get(name)).trim();
      if (value) sought.set(name, value);
    }
    const from = dayOf(String(data.get("from")));
    const to = dayOf(String(data.get("to")));
    if (from !== undefined) sought.set("from", new Date(from).toISOString());
    // The last day is meant with all of it.
    if (to !== undefined) sought.set("to", new Date(to + DAY_MS).toISOString());
    this.sought = sought;
    this.requestUpdate();
  }

  /** @param {Event} event */
  #seek(event) {
    event.preventDefault();
    void this.#read();
  }

  /** A long chain is checked in parts, each from where the one before has ended. */
  #verify() {
    this.check = undefined;
    void this.try(async () => {
      let [anchor, checked] = ["", 0];
      for (;;) {
        /** @type {AuditCheck} */
        const check = await ask("GET", `/v1/audit/verify${anchor && `?after=${anchor}`}`);
        checked += check.checked;
        this.check = { ...check, checked };
        this.requestUpdate();
        if (!check.ok || check.complete || !check.anchor) return;
        anchor = check.anchor;
      }
    });
  }
}

/** @param {string} date @returns {number | undefined} */
const dayOf = (date) => (date ? new Date(`${date}T00:00:00`).getTime() : undefined);

/** @param {AuditCheck} check */
function saidOf({ ok, checked, complete, at, head }) {
  if (head === 0) return a.empty;
  if (!ok) return "";
  return complete && at ? a.holdsUp(checked, moment(at)) : a.verifying(checked);
}

customElements.define("sb-audit", Audit);
