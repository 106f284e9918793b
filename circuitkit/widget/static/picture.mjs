/**
 * What the live pictures have in common: a frame in the page's colors, a clock, a line that complains, one that
 * speaks, and a place in the address.
 */
import { html, setText, onTheme, card, kept, otherTab } from "./dom.mjs";
import { encode, toAddress, unpack } from "./state.mjs";
import { Clock } from "./training.mjs";
import { sharedState } from "./view.mjs";

/** A picture that builds itself (`build`), lays itself out, repaints itself and ticks. */
export class Picture {
  constructor(model, el, signal, { className, label }) {
    this.model = model;
    this.signal = signal;
    this.config = model.get("_config");
    this.root = card(this.config, className, label);
    el.replaceChildren(this.root);
    this.message = html("p", { class: "ck-message", role: "alert", hidden: true });
    this.spoken = html("p", { class: "ck-spoken", "aria-live": "polite" });
  }

  /** Once it is built: the clock, and what happens when its frame or the theme changes. */
  listen() {
    this.clock = new Clock((factor) => this.tick(factor), this.root, this.signal);
    const observer = new ResizeObserver(() => this.layout());
    observer.observe(this.frame);
    this.signal.addEventListener("abort", () => observer.disconnect());
    onTheme(() => this.repaint(), this.signal);
    otherTab(this.config, () => `network:${this.config.key}`, this.signal, (text) => this.complain(text, "told"));
  }

  complain(text, kind = "warning") {
    this.message.dataset.kind = kind;
    setText(this.message, text);
    this.message.hidden = false;
  }

  putInAddress(values) {
    const address = toAddress(this.config.key, values);
    navigator.clipboard?.writeText(address).catch(() => {});
    this.complain("The link is in the address bar, and copied where the browser allows it.", "told");
  }

  /** What a reader has made stays for the next visit; null forgets it. */
  keep(values) {
    if (this.config.on_page) kept(`network:${this.config.key}`, values && encode(values));
  }

  /**
   * What a link brings to this picture, with nothing in it if it is damaged; without one, what is there from
   * the last visit, which `known` has to like; else null.
   */
  brought(known) {
    if (!this.config.on_page) return null;
    const shared = sharedState(window.location.hash);
    if (shared !== null && shared.key === this.config.key) return unpack(shared.text) ?? {};
    const values = unpack(kept(`network:${this.config.key}`) ?? "");
    this.isKept = values !== null && Boolean(known(values));
    return this.isKept ? values : null;
  }

  end() {
    this.root.remove();
  }
}
