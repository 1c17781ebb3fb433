"use strict";
(() => {
  const errors = [];
  window.addEventListener("error", (event) => {
    errors.push(String(event.message));
    document.documentElement.dataset.errors = String(errors.length);
  });

  // A cell sorts by its first number where it has one: "64,093 [61,917, 66,345]" is 64093.
  const units = { us: 1e-3, ms: 1, s: 1e3, bytes: 1, KB: 1e3, MB: 1e6, "%": 1, x: 1 };
  function key(cell) {
    const text = cell.textContent.trim();
    const match = text.match(/^(?:[\u2264\u2265] )?(-?[\d,]+(?:\.\d+)?) ?(us|ms|s|bytes|KB|MB|%|x)?(?![\w.])/);
    return match ? Number(match[1].replaceAll(",", "")) * (units[match[2]] ?? 1) : text;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b);
  }

  function sort(head) {
    const body = head.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    const rows = [...body.rows].map((row) => [key(row.cells[head.cellIndex]), row]);
    rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows.map((pair) => pair[1]));
  }

  for (const button of document.querySelectorAll("table.sortable th button")) {
    button.addEventListener("click", () => sort(button.parentNode));
  }

  // One workload alone: rows and parts about the others are hidden; charts keep all.
  const chooser = document.getElementById("subject");
  function choose() {
    for (const place of document.querySelectorAll("[data-about]")) {
      place.hidden = Boolean(chooser.value) && place.dataset.about !== chooser.value;
    }
  }
  if (chooser) chooser.addEventListener("change", choose);

  // Printed: folded parts are opened and their charts drawn, in light colors.
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  // Charts: a folded one is drawn when it is opened, since it has no width before; all are drawn
  // again when the page turns dark or light.
  const source = document.getElementById("charts");
  if (!source) return;
  const { charts, themes } = JSON.parse(source.textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  async function draw(chart) {
    const place = document.querySelector(`#chart-${chart.name} .panels`);
    const config = dark.matches ? themes.dark : themes.light;
    const views = chart.panels.map(() => {
      const panel = document.createElement("div");
      panel.className = "panel";
      return panel;
    });
    place.replaceChildren(...views);
    for (const [index, spec] of chart.panels.entries()) {
      await vegaEmbed(views[index], spec, { actions: false, ast: true, config, renderer: "svg" });
    }
    place.dataset.drawn = "yes";
  }

  const drawn = new Set();
  async function drawAll() {
    for (const chart of charts) {
      const folded = document.querySelector(`#chart-${chart.name}`).closest("details:not([open])");
      if (folded || drawn.has(chart)) continue;
      drawn.add(chart);
      await draw(chart);
    }
  }

  drawAll().catch(reportError);
  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => drawAll().catch(reportError));
  }
  dark.addEventListener("change", () => {
    drawn.clear();
    drawAll().catch(reportError);
  });
})();
