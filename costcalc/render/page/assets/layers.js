// Every layer: a table that sorts by each column and is searched.

const FIRST = 1000;
const FORMULA = 60;

const amountText = (key, amount) => (isBytes(key) ? bytes(amount) : exact(amount));

function layers(model) {
  const basis = firstKey(model);
  const whole = sumOf(model, model.root, basis);
  const most = model.layers[basis].reduce((top, amount) => Math.max(top, plain(amount) || 0), 0) / whole;
  const quantities = data.quantities.map(([key, title]) => ({ key, title: title.replace(" bytes", ""), amount: true }));
  const columns = [
    { key: "#", title: "#", value: (i) => i, text: (i) => exact(i + 1) },
    { key: "name", title: "Layer", left: true },
    ...(model.layers.module ? [{ key: "module", title: "Module", left: true }] : []),
    { key: "op", title: "Operator", left: true, value: (i) => model.layers.kind[i] },
    { key: "output", title: "Output" },
    ...quantities.slice(0, 1),
    { key: "share", title: `% ${TITLES[basis].replace(" bytes", "")}`, value: (i) => plain(model.layers[basis][i]) / whole, text: (i, value) => (value > 0 ? percent(value) : ""), number: true, bar: true },
    ...quantities.slice(1),
    { key: "intensity", title: "FLOP/byte", value: (i) => plain(model.layers.flops[i]) / plain(model.layers.traffic_bytes[i]), text: (i, value) => (value > 0 && Number.isFinite(value) ? digits(value) : ""), number: true },
  ];
  const words = model.layers.name.map((name, i) => `${name} ${model.layers.module?.[i] ?? ""} ${model.layers.op[i]} ${model.layers.kind[i]} ${model.layers.output[i]}`.toLowerCase());
  const state = { by: "#", down: false, words: [], all: false };
  const rows = model.layers.name.map(() => null);
  const body = element("tbody");
  const foot = element("tfoot");
  const status = element("output", { class: "status", "aria-live": "polite" });
  const more = element("button", { type: "button", class: "open", onclick: () => { state.all = true; show(); } });
  const search = element("input", { type: "search", id: "search", placeholder: "Name, operator, shape …", autocomplete: "off", spellcheck: "false",
    oninput: () => { state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); show(); } });
  const heads = columns.map((column) => element("th", { scope: "col", class: column.left ? "l" : null, "aria-sort": "none", "data-key": column.key, "data-title": column.title },
    element("button", { type: "button", onclick: () => sort(column) }, column.title)));

  const valueOf = (column, i) => (column.value ? column.value(i) : model.layers[column.key][i]);

  function line(i) {
    rows[i] ??= element("tr", {}, columns.map((column) => {
      const value = valueOf(column, i);
      const text = column.text ? column.text(i, value) : column.amount ? (amountText(column.key, value)) : value;
      return element(column.key === "name" ? "th" : "td", { scope: column.key === "name" ? "row" : null, class: column.left ? "l" : null, title: column.key === "name" ? value : text?.length > FORMULA ? text : null },
        column.bar ? meter(value / most) : null, column.key === "name" ? path(value) : brief(String(text), FORMULA));
    }));
    return rows[i];
  }

  // The way to a layer may be cut where there is no room, its own name not.
  function path(name) {
    const at = name.lastIndexOf("/");
    return element("span", { class: "path" }, at > 0 ? element("span", {}, name.slice(0, at)) : null, element("b", {}, at > 0 ? name.slice(at) : name));
  }

  function sort(column) {
    state.down = state.by === column.key ? !state.down : Boolean(column.amount || column.number);
    state.by = column.key;
    show();
  }

  function show() {
    const matches = words.flatMap((text, i) => (state.words.every((word) => text.includes(word)) ? [i] : []));
    const column = columns.find(({ key }) => key === state.by);
    const sign = state.down ? -1 : 1;
    const values = new Map(matches.map((i) => [i, valueOf(column, i)]));
    const number = (value) => (Number.isFinite(value) ? value : -1);
    const between = column.amount ? compare : column.number || column.key === "#" ? (a, b) => number(a) - number(b)
      : (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
    matches.sort((a, b) => sign * between(values.get(a), values.get(b)) || a - b);
    for (const head of heads) head.setAttribute("aria-sort", head.dataset.key !== state.by ? "none" : state.down ? "descending" : "ascending");
    const visible = state.all ? matches : matches.slice(0, FIRST);
    body.replaceChildren(...visible.map(line));
    more.hidden = visible.length === matches.length;
    more.textContent = `Show all ${exact(matches.length)} layers`;
    status.textContent = state.words.length ? `${exact(matches.length)} of ${exact(model.count)} layers` : counted(model.count);
    foot.replaceChildren(matches.length ? total(matches) : "");
  }

  function total(matches) {
    const part = { layers: matches };
    return element("tr", {}, columns.map(({ key, amount, left, bar }) => {
      if (key === "name") return element("th", { scope: "row", class: "l" }, matches.length === model.count ? "Total" : "Sum of the matches");
      if (amount && matches.length === model.count) return element("td", {}, brief(amountText(key, model.totals[key]), FORMULA));
      if (bar) return element("td", {}, percent(sumOf(model, part, basis) / whole));
      if (!amount || matches.some((i) => model.layers[key][i] !== null && typeof model.layers[key][i] === "object")) return element("td", { class: left ? "l" : null });
      return element("td", {}, `${atLeast(model, matches, key)}${amountText(key, exactSum(model, matches, key))}`);
    }));
  }

  const made = section("layers", "Layers",
    element("div", { class: "controls" }, element("label", { class: "choice search" }, element("span", {}, "Search"), search), status),
    wide("Table of layers", element("table", { class: "figures layers" }, element("thead", {}, element("tr", {}, heads)), body, foot)), more);
  made.querySelector(".wide").classList.add("tall");
  show();
  return made;
}
