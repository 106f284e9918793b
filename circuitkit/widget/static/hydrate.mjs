/**
 * Brings the widgets of a published page to life: finds their data, waits until they come near the
 * screen, and hands the same module that JupyterLab runs a stand-in for the kernel's model.
 */
import widget, { state } from "./widget.mjs";

function hydrate(place) {
  if (place.dataset.module !== "reader") show(place, widget);
  else import("./reader.mjs").then((reader) => show(place, reader.default), (error) => fail(place, error));
}

function show(place, module) {
  const data = place.querySelector('script[type="application/json"]');
  const fallback = [...place.childNodes];
  const el = document.createElement("div");
  try {
    // Draw first, replace the still picture afterwards: a failure leaves the picture standing.
    place.append(el);
    module.render({ model: state.standIn(JSON.parse(data.textContent)), el });
    for (const node of fallback) if (node !== data) node.remove();
    place.dataset.state = "live";
  } catch (error) {
    el.remove();
    fail(place, error);
  }
}

function fail(place, error) {
  place.dataset.state = "failed";
  console.error("This widget could not start:", error);
}

function start() {
  const places = [...document.querySelectorAll(".ck-static")];
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        hydrate(target);
      }
    },
    { rootMargin: "600px 0px" },
  );
  for (const place of places) observer.observe(place);

  // A shared link names its widget: start that one and show it; tell the reader if it is gone.
  const follow = () => {
    const shared = widget.sharedState(window.location.hash);
    if (!shared || places.length === 0) return;
    const place = places.find((p) => p.dataset.key === shared.key);
    if (place) {
      observer.unobserve(place);
      if (place.dataset.state !== "live") hydrate(place);
      place.scrollIntoView({ block: "center" });
      return;
    }
    const note = document.createElement("p");
    note.className = "ck-lost";
    note.setAttribute("role", "alert");
    note.textContent = "The network in this link is damaged or no longer on this page; here is the page as it stands.";
    places[0].before(note);
  };
  follow();
  // A link pasted into the address of the same page.
  window.addEventListener("hashchange", () => {
    if (widget.sharedState(window.location.hash)) window.location.reload();
  });
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
