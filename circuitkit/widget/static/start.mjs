/**
 * Brings the widgets of a page without a kernel to life: finds their data, waits until they come near
 * the screen, and hands what JupyterLab runs a stand-in for the kernel's model.
 *
 * The last part of one classic script: a browser loads no module from a disk.
 */
import * as view from "./view.mjs";
import { html } from "./dom.mjs";
import { standIn } from "./state.mjs";

/** What the data of a place can name as its module, in `data-module`; another script may add to it. */
export const renderers = { widget: view.default };

const waiting = [];
// A machine whose every frame is late is never idle: each turn comes after this time at the latest.
const PATIENCE = 200; // milliseconds
const later = window.requestIdleCallback
  ? (f) => requestIdleCallback(f, { timeout: PATIENCE })
  : (f) => setTimeout(f, 1);

/** One widget a turn: a page with many of them stays smooth. */
function enqueue(place) {
  waiting.push(place);
  if (waiting.length === 1) later(next);
}

function next() {
  show(waiting[0]);
  waiting.shift();
  if (waiting.length) later(next);
}

function show(place) {
  if (place.dataset.state) return;
  const data = place.querySelector('script[type="application/json"]');
  const fallback = [...place.childNodes];
  const el = html("div");
  try {
    // Draw first, replace the still picture afterwards: a failure leaves the picture standing.
    place.append(el);
    renderers[place.dataset.module ?? "widget"].render({ model: standIn(JSON.parse(data.textContent)), el });
    for (const node of fallback) if (node !== data) node.remove();
    wayPast(place);
    place.dataset.state = "live";
  } catch (error) {
    el.remove();
    place.dataset.state = "failed";
    console.error("This widget could not start:", error);
  }
}

const TABBED = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

/** A link over a widget's many controls, for whoever comes by with the tabulator key. */
function wayPast(place) {
  const id = `past-${place.dataset.key}-${document.querySelectorAll(".ck-skip").length}`;
  const end = html("span", { id, tabindex: -1 });
  const link = html("a", { class: "ck-skip", href: `#${id}` }, "Skip this widget");
  link.addEventListener("click", (event) => {
    event.preventDefault(); // the address stays what it is: it may carry a network
    end.focus();
  });
  // Within what scrolls, Chromium takes some of what stands before for what comes next.
  end.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey) return;
    const after = [...document.querySelectorAll(TABBED)].find(
      (e) => end.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING && e.checkVisibility({ visibilityProperty: true }) && !e.disabled,
    );
    if (!after) return;
    event.preventDefault();
    after.focus();
  });
  place.prepend(link);
  place.append(end);
}

function start() {
  const places = [...document.querySelectorAll(".ck-static")];
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        enqueue(target);
      }
    },
    { rootMargin: "200px 0px" },
  );
  for (const place of places) observer.observe(place);

  // A shared link names its widget: start that one and show it; tell the reader if it is gone.
  const shared = view.sharedState(window.location.hash);
  if (shared && places.length) {
    const place = places.find((p) => p.dataset.key === shared.key);
    if (place) {
      show(place);
      place.scrollIntoView({ block: "center" });
    } else {
      const text = "The network in this link is damaged or no longer on this page; here is the page as it stands.";
      places[0].before(html("p", { class: "ck-lost", role: "alert" }, text));
    }
  }
  // A link pasted into the address of the same page.
  window.addEventListener("hashchange", () => {
    if (view.sharedState(window.location.hash)) window.location.reload();
  });
}

if (document.readyState === "complete") start();
else window.addEventListener("DOMContentLoaded", start);
