// How the search orders what it finds, and how it reads what was typed. Sphinx puts this in front of its own script.
var { Scorer, splitQuery } = (() => {
  // What a chapter is about beside the words of its address and of its title in front of a colon.
  const ABOUT = {
    "chapters/blocks": ["max", "maximum", "sorting"],
    "chapters/learning": ["train", "training"],
    "chapters/proof": ["prove", "certificate"],
    "chapters/reading": ["decompile"],
    "chapters/smooth": ["approximate", "approximation"],
  };

  // The same entries as in Sphinx's own table. Who looks for "min" wants the chapter, not a name of the package.
  const Scorer = {
    objNameMatch: 11,
    objPartialMatch: 4,
    objPrio: { 0: 4, 1: 3, 2: -5 },
    objPrioDefault: 0,
    title: 15,
    partialTitle: 7,
    term: 5,
    partialTerm: 2,
    score: ([page, title, anchor, , score]) => {
      const most = Math.min(score, 30); // an entry of an index counts 100 by itself
      if (!page.startsWith("chapters/")) return most;
      const words = splitQuery((new URLSearchParams(location.search).get("q") ?? "").toLowerCase());
      const about = [page.split("/").pop(), ...splitQuery(title.split(":")[0].toLowerCase()), ...(ABOUT[page] ?? [])];
      const isAbout = words.length > 0 && words.every((word) => about.some((each) => each.startsWith(word)));
      return most + 4 + (isAbout ? 60 : 0) - (anchor ? 20 : 0); // a chapter before its sections
    },
  };

  // Signs that the index has no words for.
  const SIGNS = [
    [/\|\s*[\w₁₂+\s−-]+\s*\|/gu, " absolute value "],
    [/\bmin(?=\s*\()/gu, " minimum "],
    [/\bmax(?=\s*\()/gu, " maximum "],
  ];

  function splitQuery(query) {
    const said = SIGNS.reduce((text, [sign, words]) => text.replace(sign, words), query);
    return said
      .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/gu)
      .filter((word) => word)
      .map(meant);
  }

  // A word that is nowhere in the book is taken for the nearest word of its titles and of its index.
  function meant(word) {
    const index = typeof Search === "undefined" ? null : Search._index;
    const low = word.toLowerCase();
    if (!index || low.length < 5) return word;
    const stem = new Stemmer().stemWord(low);
    const known = [index.terms, index.titleterms];
    if (known.some((terms) => Object.keys(terms).some((term) => term.includes(stem)))) return word;
    const far = low.length < 8 ? 1 : 2;
    const words = new Set(
      [...Object.keys(index.alltitles), ...Object.keys(index.indexentries)]
        .flatMap((title) => title.toLowerCase().split(/[^\p{Letter}]+/u))
        .filter((each) => Math.abs(each.length - low.length) <= far),
    );
    const near = [...words].map((each) => [distance(low, each), each]).filter(([steps]) => steps <= far);
    if (!near.length) return word;
    const taken = near.sort()[0][1];
    tell(`Nothing here says “${word}”; this is what was found for “${taken}”.`);
    return taken;
  }

  function tell(sentence) {
    const place = document.querySelector("#search-results .search-meant") ?? document.createElement("p");
    place.className = "search-meant";
    place.textContent = sentence;
    Search.output.before(place);
  }

  // Letters left out, put in, changed or swapped with the next one.
  function distance(a, b) {
    const rows = [[...Array(b.length + 1).keys()]];
    for (let i = 1; i <= a.length; i++) {
      rows[i] = [i];
      for (let j = 1; j <= b.length; j++) {
        rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
    return rows[a.length][b.length];
  }

  return { Scorer, splitQuery };
})();
