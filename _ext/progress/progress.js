// The landing page's cards say what of their chapters this browser's reader has solved; a button
// forgets it all. The list of what there is to solve is in the page, put there by reader_progress.py.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("book-to-solve");
  const chapters = document.querySelector(".book-chapters");
  if (!place?.textContent || !chapters) return;
  const pages = Object.entries(JSON.parse(place.textContent));
  const FORGOTTEN = "book:forgotten";
  const OURS = /^(?:circuitkit:|book-answer:)/;

  let storage;
  try {
    storage = window.localStorage;
    storage.getItem("");
  } catch {
    return; // a browser that keeps nothing
  }
  const forget = () =>
    Object.keys(storage).filter((key) => OURS.test(key)).forEach((key) => storage.removeItem(key));
  // Said once, by the page that has loaded anew. The one before has kept its networks once more as it went.
  const isForgotten = sessionStorage.getItem(FORGOTTEN) !== null;
  if (isForgotten) {
    sessionStorage.removeItem(FORGOTTEN);
    forget();
  }
  const isSolved = (key) => {
    const value = storage.getItem(key);
    return key.startsWith("book-answer:") ? value !== null : value === "solved";
  };
  const element = (tag, className, ...parts) => {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...parts);
    return made;
  };

  const line = element("p", "book-progress");
  line.setAttribute("role", "status");
  chapters.before(line);

  const count = () => {
    chapters.querySelectorAll(".book-solved").forEach((mark) => mark.remove());
    let [done, all] = [0, 0];
    for (const [page, keys] of pages) {
      const solved = keys.filter(isSolved).length;
      done += solved;
      all += keys.length;
      const card = chapters.querySelector(`a[href$="${page}"]`)?.closest(".sd-card");
      if (!card || !solved) continue;
      const whole = solved === keys.length;
      const mark = element("p", "book-solved", `${whole ? "✓ " : ""}${solved} of ${keys.length} solved`);
      mark.dataset.whole = String(whole);
      card.querySelector(".sd-card-body").append(mark);
    }
    line.hidden = done === 0;
    if (done === 0) return;
    let asked = false;
    const button = element("button", "book-forget", "Start over");
    button.type = "button";
    button.addEventListener("click", () => {
      if (!asked) {
        asked = true;
        button.textContent = "Forget all of it: what is solved, and every network that is kept?";
        button.addEventListener("blur", count, { once: true }); // who goes on has not said yes
        return;
      }
      forget();
      sessionStorage.setItem(FORGOTTEN, "yes");
      location.reload(); // the networks on this page start over, too
    });
    line.replaceChildren(`You have solved ${done} of the book’s ${all} puzzles and exercises; this browser remembers which. `, button);
  };

  count();
  if (isForgotten) {
    line.hidden = false;
    line.textContent = "All of it is forgotten.";
    line.tabIndex = -1;
    line.focus();
  }
  window.addEventListener("storage", count); // another tab has solved one
  window.addEventListener("circuitkit:solved", count); // the puzzle on this very page
  window.addEventListener("pageshow", (event) => event.persisted && count()); // back from a chapter
});
