"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const content = document.getElementById("content");
  const tip = document.getElementById("tip");
  const W = 900, H = 220, LEFT = 60, RIGHT = 10, TOP = 12, BOTTOM = 24;
  const NS = "http://www.w3.org/2000/svg";

  const html = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const svg = (name, attributes) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const short = (value) =>
    value === null ? "-" : Math.abs(value) >= 1000
      ? value.toLocaleString("en", { maximumFractionDigits: 0 })
      : String(Number(value.toPrecision(4)));
  const UNITS = {
    throughput_rps: ["", 1], p50_us: [" us", 1], p99_us: [" us", 1],
    cpu_us_per_request: [" us", 1], rss_peak_bytes: [" MiB", 1 / 1048576],
  };
  const shown = (value, series) => {
    const [unit, factor] = UNITS[series.unit] || ["", 1];
    return value === null ? "-" : short(value * factor) + unit;
  };
  const commitLink = (commit) => {
    const text = commit.slice(0, 12);
    if (!data.commit) return html("code", {}, text);
    const address = data.commit.replace("{commit}", encodeURIComponent(commit));
    return html("a", { href: address, rel: "noreferrer" }, text);
  };
  const kind = (change) =>
    change.cause === "machine" ? "machine" : change.worse ? "worse" : "better";

  const fill = (id, values, words = (value) => value) => {
    const select = document.getElementById(id);
    for (const value of ["", ...[...new Set(values)].sort()]) {
      select.append(html("option", { value }, value ? words(value) : "all"));
    }
    const asked = new URLSearchParams(location.hash.slice(1)).get(id);
    if (asked) select.value = asked;
    select.addEventListener("change", draw);
    return select;
  };
  const selects = {
    machine: fill("machine", data.series.map((one) => one.machine),
      (one) => `${data.machines[one] || one} (${one})`),
    workload: fill("workload", data.series.map((one) => one.workload)),
    metric: fill("metric", data.series.map((one) => one.metric)),
  };
  const chosen = () => data.series.filter((one) =>
    Object.entries(selects).every(([key, select]) => !select.value || one[key] === select.value));

  function draw() {
    const hash = new URLSearchParams();
    for (const [key, select] of Object.entries(selects)) if (select.value) hash.set(key, select.value);
    history.replaceState(null, "", hash.size ? `#${hash}` : location.pathname);
    const series = chosen();
    const shifts = series.reduce((sum, one) => sum + one.shifts, 0);
    document.getElementById("count").textContent = `${series.length} series, ${shifts} shifts`;
    content.replaceChildren(data.overview ? table(series) : charts(series));
  }

  function table(series) {
    const head = html("tr");
    for (const name of ["Server", "Machine", "Workload", "Load", "Metric", "Runs", "Newest", "Last shift"]) {
      head.append(html("th", { scope: "col", style: "padding: .3rem .55rem" }, name));
    }
    const body = html("tbody");
    for (const one of series) {
      const last = one.changes[one.changes.length - 1];
      const shift = html("td");
      if (last) {
        shift.append(html("span", { class: kind(last) }, last.words), " ", commitLink(last.commit));
      }
      const newest = one.points[one.points.length - 1];
      body.append(html("tr", {},
        html("th", { scope: "row" }, html("a", { href: one.page }, one.server)),
        html("td", {}, one.machine), html("td", {}, one.workload), html("td", {}, one.profile),
        html("td", {}, one.metric), html("td", { class: "number" }, String(one.count)),
        html("td", { class: "number" }, shown(newest[1], one)), shift));
    }
    return html("div", { class: "scroll" }, html("table", {}, html("thead", {}, head), body));
  }

  function charts(series) {
    const all = document.createDocumentFragment();
    for (const one of series) all.append(chart(one));
    return all;
  }

  function scales(one) {
    const values = one.points.flatMap((point) => [point[1], point[2] ?? point[1], point[3] ?? point[1]]);
    const low = Math.min(...values), high = Math.max(...values);
    const room = (high - low || high * 0.05 || 1) * 0.08;
    const step = (W - LEFT - RIGHT) / Math.max(1, one.points.length - 1);
    return {
      low: low - room, high: high + room, step,
      x: (index) => LEFT + index * step,
      y: (value) => TOP + (H - TOP - BOTTOM) * (1 - (value - (low - room)) / (high - low + 2 * room)),
    };
  }

  function chart(one) {
    const scale = scales(one);
    const picture = svg("svg", {
      viewBox: `0 0 ${W} ${H}`, role: "img",
      "aria-label": `${one.metric} of ${one.server}, ${one.workload}, over ${one.points.length} runs`,
    });
    for (let line = 0; line <= 4; line += 1) {
      const value = scale.low + ((scale.high - scale.low) * line) / 4;
      picture.append(svg("line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: scale.y(value), y2: scale.y(value) }));
      const label = svg("text", { x: LEFT - 6, y: scale.y(value) + 4, "text-anchor": "end" });
      label.textContent = shown(value, one);
      picture.append(label);
    }
    const edge = (at) => one.points.map((point, index) => `${scale.x(index).toFixed(1)},${scale.y(point[at] ?? point[1]).toFixed(1)}`);
    picture.append(svg("polygon", { class: "band", points: [...edge(2), ...edge(3).reverse()].join(" ") }));
    picture.append(svg("polyline", { class: "line", points: edge(1).join(" ") }));
    if (one.points.length <= 200) {
      one.points.forEach((point, index) => picture.append(
        svg("circle", { class: "dot", r: 2.5, cx: scale.x(index), cy: scale.y(point[1]) })));
    }
    for (const change of one.changes) {
      const x = scale.x(change.index) - scale.step / 2;
      picture.append(svg("line", { class: `mark ${kind(change)}`, x1: x, x2: x, y1: TOP, y2: H - BOTTOM }));
    }
    for (const index of new Set([0, one.points.length - 1])) {
      const label = svg("text", { x: scale.x(index), y: H - 8, "text-anchor": index ? "end" : "start" });
      label.textContent = data.runs[one.points[index][0]][2].slice(0, 10);
      picture.append(label);
    }
    picture.addEventListener("pointermove", (event) => hover(event, one, picture, scale));
    picture.addEventListener("pointerleave", () => { tip.hidden = true; });
    const list = html("ul");
    for (const change of [...one.changes].reverse()) {
      list.append(html("li", { class: "change" },
        html("span", { class: kind(change) }, change.words), ` ${change.where} (${change.held}) `,
        commitLink(change.commit)));
    }
    return html("section", {},
      html("h3", {}, `${one.workload}, ${one.profile}: ${one.metric} (${data.machines[one.machine] || one.machine})`),
      picture, list);
  }

  function hover(event, one, picture, scale) {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * W;
    const index = Math.min(one.points.length - 1, Math.max(0, Math.round((x - LEFT) / scale.step)));
    const [place, value, low, high] = one.points[index];
    const [run, commit, date, subject, dirty] = data.runs[place];
    const range = low === null ? "" : ` [${shown(low, one)}, ${shown(high, one)}]`;
    tip.replaceChildren(html("strong", {}, `${shown(value, one)}${range}`), html("br"),
      `${commit.slice(0, 12)}${dirty ? " with changes" : ""} ${subject}`, html("br"),
      `${date.slice(0, 16)}, run ${run}`);
    tip.hidden = false;
    tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 12, innerHeight - tip.offsetHeight - 8)}px`;
  }

  draw();
})();
