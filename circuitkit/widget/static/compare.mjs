/**
 * The panel "compare": several seeds train at once, each in a small picture of its own. Only pages that show
 * the panel load it.
 */
import * as maths from "./mathematics.mjs";
import * as view from "./view.mjs";
import { html, button, set, setText } from "./dom.mjs";
import { Descent, Clock, FRAME, ICONS, settings, showRunning } from "./training.mjs";
import { Miniature, SmallCurve, SmallMap } from "./miniature.mjs";

class Compare {
  /** state, config, signal, rate(), setRate(v), open(seed, start, course), complain(text), colors() */
  constructor(options) {
    Object.assign(this, options);
    const { config, signal } = this;
    this.bias = Boolean(config.show_biases);
    this.cards = config.seeds.map((seed) => this.#card(seed));
    const control = (label, icon, action) => button(label, { icon, action, signal });
    this.runButton = control("Run all", ICONS.run, () => (this.clock.running ? this.#pause() : this.#play()));
    this.runButton.classList.add("ck-primary");
    this.rewindButton = control("Rewind all", ICONS.rewind, () => this.#rewind());
    this.settings = settings(this);
    this.tally = html("p", { class: "ck-status" });
    this.element = html(
      "div",
      { class: "ck-compare", role: "group", "aria-label": "Seeds side by side" },
      html("div", { class: "ck-controls" }, this.runButton, this.rewindButton, this.settings.element),
      this.tally,
      html("div", { class: "ck-cards" }, this.cards.map((c) => c.element)),
    );
    this.clock = new Clock((factor) => this.#advance(factor), this.element, signal);
    this.#show();
  }

  #card(seed) {
    const { config, signal } = this;
    const net = maths.initialWeights(this.state.sizes, seed, { bias: this.bias });
    const descent = new Descent(net, config, { bias: this.bias, frozen: this.state.values.frozen });
    const picture = new Miniature(this.state.sizes);
    const graph = this.state.sizes[0] === 1 ? new SmallCurve(config) : new SmallMap(config, this.colors);
    const loss = html("span", { class: "ck-card-loss" });
    const badge = html("span", { class: "ck-badge" });
    const open = button("Open", { title: `Show the network of seed ${seed} above`, action: () => this.open(seed, net, descent.course()), signal });
    set(open, "aria-label", `Open seed ${seed}`);
    const element = html(
      "div",
      { class: "ck-card", role: "group", "aria-label": `seed ${seed}` },
      html("div", { class: "ck-card-head" }, html("strong", {}, `seed ${seed}`), badge),
      html("div", { class: "ck-card-pictures" }, picture.element, graph.element),
      html("div", { class: "ck-card-foot" }, loss, open),
    );
    return { seed, net, descent, picture, graph, loss, badge, element };
  }

  #play() {
    if (this.cards.every(({ descent }) => descent.ended || descent.solved)) this.#rewind();
    this.clock.start();
    this.#show();
  }
  #pause() {
    this.clock.stop();
    this.#show();
  }
  #rewind() {
    this.clock.stop();
    for (const { descent, net } of this.cards) descent.begin(net);
    this.#show();
  }

  #advance(factor) {
    const moving = this.cards.filter(({ descent }) => !descent.ended && !descent.solved);
    const count = this.settings.speed() * factor;
    for (const { descent } of moving) descent.run(count, this.rate(), FRAME / moving.length);
    if (moving.length === 0) this.clock.stop();
    this.#show();
  }

  #show() {
    const running = this.clock?.running ?? false;
    showRunning(this.runButton, running, "Run all");
    this.settings.field.update();
    let solved = 0;
    let ended = 0;
    let diverged = 0;
    for (const card of this.cards) {
      const { descent, picture, graph, loss, badge } = card;
      const net = descent.network();
      picture.update(net);
      graph.update(net);
      setText(loss, `step ${descent.steps}, loss ${maths.formatNumber(descent.loss, 2)}`);
      const word = descent.solved ? "✓ solved" : descent.status === "ready" ? "ready" : descent.ended ? `✗ ${descent.status === "diverged" ? "diverged" : "stuck"}` : "learning";
      setText(badge, word);
      set(card.element, "title", descent.words());
      card.element.dataset.outcome = descent.solved ? "solved" : descent.ended ? "stuck" : "";
      solved += descent.solved ? 1 : 0;
      ended += descent.ended && !descent.solved ? 1 : 0;
      diverged += descent.status === "diverged" ? 1 : 0;
    }
    const counts = `${ended - diverged} stuck${diverged ? `, ${diverged} diverged` : ""}`;
    const n = this.cards.length;
    setText(this.tally, n === 0 ? "No seeds to compare." : solved + ended === 0 ? `${n} seeds, the same network and learning rate, other initial weights.` : `${solved} of ${n} seeds solved, ${counts}.`);
  }

  /** After a change of theme or of what the small pictures depend on. */
  update() {
    this.settings.field.update();
  }
  repaint() {
    for (const { descent, graph } of this.cards) graph.update(descent.network(), true);
  }
}

view.morePanels.compare = Compare;

export default { render: view.default.render };
