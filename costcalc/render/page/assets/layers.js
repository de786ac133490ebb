// Every layer: a table that sorts by each column and is searched. Layers without arithmetic and parameters that follow
// each other are one row, which opens; a narrow screen has the columns that say most.

const FIRST = 1000;
const FORMULA = 60;
const ALWAYS = new Set(["name", "share", "macs", "params"]);

const amountText = (key, amount, short) => (isBytes(key) ? bytes(amount) : short ? rounded(amount, key) : exact(amount));

function layerColumns(model, basis, whole) {
  const quantities = data.quantities.map(([key, title]) => ({ key, title: title.replace(" bytes", ""), amount: true }));
  const share = { key: "share", title: `% ${TITLES[basis].replace(" bytes", "")}`, value: (i) => plain(model.layers[basis][i]) / whole, text: (i, value) => (value > 0 ? percent(value) : ""), number: true, bar: true };
  return [
    { key: "#", title: "#", value: (i) => i, text: (i) => exact(i + 1) },
    { key: "name", title: "Layer", left: true },
    ...(model.layers.module ? [{ key: "module", title: "Module", left: true }] : []),
    { key: "op", title: "Operator", left: true, value: (i) => model.layers.kind[i] },
    { key: "output", title: "Output" },
    quantities[0], share, ...quantities.slice(1),
    { key: "intensity", title: "FLOP/byte", value: (i) => plain(model.layers.flops[i]) / plain(model.layers.traffic_bytes[i]), text: (i, value) => (value > 0 && Number.isFinite(value) ? digits(value) : ""), number: true },
  ];
}

// Runs of two and more layers that follow each other and neither compute nor hold parameters: first layer -> all of them.
function freeRuns(model) {
  const isFree = (i) => ["macs", "flops", "params"].every((key) => model.layers[key][i] === 0);
  const found = new Map();
  let run = [];
  for (let i = 0; i <= model.count; i += 1) {
    if (i < model.count && isFree(i)) run.push(i);
    else {
      if (run.length > 1) found.set(run[0], run);
      run = [];
    }
  }
  return found;
}

function layers(model) {
  const basis = firstKey(model);
  const whole = sumOf(model, model.root, basis);
  const most = model.layers[basis].reduce((top, amount) => Math.max(top, plain(amount) || 0), 0) / whole;
  const columns = layerColumns(model, basis, whole);
  const words = model.layers.name.map((name, i) => `${name} ${model.layers.module?.[i] ?? ""} ${model.layers.op[i]} ${model.layers.kind[i]} ${model.layers.output[i]}`.toLowerCase());
  const runs = freeRuns(model);
  const folded = new Map([...runs.values()].flatMap((run) => run.map((i) => [i, run])));
  const state = { by: "#", down: false, words: [], all: false, opened: new Set(), wide: false };
  const rows = new Map();
  const body = element("tbody");
  const foot = element("tfoot");
  const status = element("output", { class: "status", "aria-live": "polite" });
  const more = element("button", { type: "button", class: "open", onclick: () => { state.all = true; show(); } });
  const search = element("input", { type: "search", id: "search", placeholder: "Name, operator, shape …", autocomplete: "off", spellcheck: "false",
    oninput: () => { state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); show(); } });
  const folds = element("button", { type: "button", class: "open", hidden: !runs.size, "aria-pressed": "false", onclick: () => {
    const open = state.opened.size < runs.size;
    state.opened = new Set(open ? runs.values() : []);
    show();
  } });
  const heads = columns.map((column) => element("th", { scope: "col", class: classOf(column), "aria-sort": "none", "data-key": column.key, "data-title": column.title },
    element("button", { type: "button", onclick: () => sort(column) }, column.title)));
  const narrow = matchMedia("(max-width: 800px)");

  const valueOf = (column, i) => (column.value ? column.value(i) : model.layers[column.key][i]);

  function line(i) {
    if (!rows.has(i)) rows.set(i, element("tr", {}, columns.map((column) => cellOf(column, i))));
    return rows.get(i);
  }

  function cellOf(column, i) {
    const value = valueOf(column, i);
    if (column.key === "name") return element("th", { scope: "row", class: "l", title: value }, pathName(value, (model.layers.short ?? model.layers.name)[i]));
    const text = String(column.text ? column.text(i, value) : column.amount ? amountText(column.key, value, narrow.matches) : value);
    const formula = model.formulas?.[column.key]?.[i];
    return element("td", { class: classOf(column), title: formula ?? (text.length > FORMULA ? text : null) }, column.bar ? meter(value / most) : null, brief(text, FORMULA));
  }

  // A row for layers that cost nothing; it says what they move.
  function fold(run) {
    const kinds = new Map();
    for (const i of run) kinds.set(model.layers.op[i], (kinds.get(model.layers.op[i]) ?? 0) + 1);
    const what = [...kinds].sort((a, b) => b[1] - a[1]).map(([op, n]) => `${op}${n > 1 ? ` × ${exact(n)}` : ""}`).join(", ");
    const open = element("button", { type: "button", "aria-expanded": "false", onclick: () => { state.opened.add(run); show(); focused(body.querySelector(`[data-at="${run[0]}"]`)); } }, `${exact(run.length)} layers without arithmetic`);
    return element("tr", { class: "fold" }, columns.map((column) => {
      if (column.key === "name") return element("th", { scope: "row", class: "l", title: what }, open);
      if (column.key === "op") return element("td", { class: "l", title: what }, brief(what, 24));
      return element("td", { class: classOf(column) }, column.amount ? sumText(run, column.key) : "");
    }));
  }

  const isSummable = (some, key) => some.every((i) => model.layers[key][i] === null || typeof model.layers[key][i] !== "object");
  const sumText = (some, key) => (isSummable(some, key) ? `${atLeast(model, some, key)}${amountText(key, exactSum(model, some, key), narrow.matches)}` : "");

  function sort(column) {
    state.down = state.by === column.key ? !state.down : Boolean(column.amount || column.number);
    state.by = column.key;
    show();
  }

  function matching() {
    const matches = words.flatMap((text, i) => (state.words.every((word) => text.includes(word)) ? [i] : []));
    const column = columns.find(({ key }) => key === state.by);
    const sign = state.down ? -1 : 1;
    const values = new Map(matches.map((i) => [i, valueOf(column, i)]));
    const number = (value) => (Number.isFinite(value) ? value : -1);
    const between = column.amount ? compare : column.number || column.key === "#" ? (a, b) => number(a) - number(b)
      : (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
    return matches.sort((a, b) => sign * between(values.get(a), values.get(b)) || a - b);
  }

  // Layers, and runs of them that are one row: only where the order is that of execution, and all are shown.
  function shownOf(matches) {
    if (state.words.length || state.by !== "#" || state.down) return matches;
    return matches.filter((i) => !folded.has(i) || folded.get(i)[0] === i || state.opened.has(folded.get(i))).map((i) => (folded.has(i) && !state.opened.has(folded.get(i)) ? folded.get(i) : i));
  }

  function show() {
    const matches = matching();
    for (const head of heads) head.setAttribute("aria-sort", head.dataset.key !== state.by ? "none" : state.down ? "descending" : "ascending");
    const lines = shownOf(matches);
    const visible = state.all ? lines : lines.slice(0, FIRST);
    body.replaceChildren(...visible.map((one) => (Array.isArray(one) ? fold(one) : line(one))));
    more.hidden = visible.length === lines.length;
    more.textContent = `Show all ${exact(lines.length)} rows`;
    status.textContent = `${state.words.length ? `${exact(matches.length)} of ` : ""}${counted(model.count)}${model.drawn ? `, ${model.drawn}` : ""}`;
    folds.hidden = !runs.size || state.words.length > 0 || state.by !== "#" || state.down;
    folds.textContent = state.opened.size < runs.size ? `Show ${exact(folded.size)} layers without arithmetic` : "Fold layers without arithmetic";
    foot.replaceChildren(matches.length ? total(matches) : "");
  }

  function total(matches) {
    const isAll = matches.length === model.count;
    return element("tr", {}, columns.map((column) => {
      const { key, amount, bar } = column;
      if (key === "name") return element("th", { scope: "row", class: "l" }, isAll ? "Total" : "Sum of the matches");
      if (bar) return element("td", { class: classOf(column) }, percent(sumOf(model, { layers: matches }, basis) / whole));
      return element("td", { class: classOf(column) }, !amount ? "" : isAll ? brief(amountText(key, model.drawn_totals[key], narrow.matches), FORMULA) : sumText(matches, key));
    }));
  }

  const table = element("table", { class: "figures layers main" }, element("caption", { class: "hidden" }, "Layers with their figures; the heads of the columns sort them"), element("thead", {}, element("tr", {}, heads)), body, foot);
  const made = section("layers", "Layers",
    element("div", { class: "controls" }, element("label", { class: "choice search" }, element("span", {}, "Search"), search),
      element("div", { class: "narrow" }, toggle("Columns", [["main", "Main columns"], ["all", "All"]], "main", (value) => table.classList.toggle("main", value === "main"))), folds, status),
    wide("Table of layers", table), more);
  made.querySelector(".wide").classList.add("tall");
  made.start = () => {
    const anew = () => { rows.clear(); show(); };
    narrow.addEventListener("change", anew);
    return { close: () => narrow.removeEventListener("change", anew) };
  };
  show();
  return made;
}

const classOf = (column) => [column.left ? "l" : "", ALWAYS.has(column.key) ? "" : "extra"].filter(Boolean).join(" ") || null;
