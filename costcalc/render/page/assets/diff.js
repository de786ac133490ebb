// The page of a diff: in place of the static list of layers, a table of all layers of both versions that sorts, is searched,
// and shows the chosen quantity before and after.

const SIGNS = { added: "+", removed: "-", changed: "~", renamed: "=", follows: "→", same: "" };
const WORDS = { added: "added", removed: "removed", changed: "changed", renamed: "renamed", follows: "follows what it reads", same: "the same" };
const ORDER = ["changed", "added", "removed", "follows", "renamed", "same"];
const FIRST = 500;
const LONGEST = 60;

function changeText(amount, key, narrow) {
  if (amount === null) return "?";
  if (typeof amount === "object") return brief(exact(amount), narrow ? 14 : 34);
  if (Number(amount) === 0) return "0";
  const size = Number(amount) < 0 ? (typeof amount === "string" ? amount.slice(1) : -amount) : amount;
  const text = isBytes(key) ? bytes(size) : narrow ? short(size) : exact(size);
  return Number(amount) < 0 ? `-${text}` : `+${text}`;
}

function layersOf(diff, index) {
  const { layers } = diff;
  for (const [key, packed] of Object.entries(layers)) if (key !== "amounts") layers[key] = column(packed);
  const count = layers.name.length;
  const keys = data.quantities.filter(([key]) => layers.amounts[key].delta.some((delta) => delta !== 0 || delta === null));
  const state = { key: (keys[0] ?? data.quantities[0])[0], by: keys.length ? "delta" : "#", down: keys.length > 0, words: [], every: false, all: false };
  const narrow = matchMedia("(max-width: 800px)");
  const words = layers.name.map((name, i) => `${name} ${layers.op[i]} ${WORDS[layers.status[i]]} ${layers.change[i]} ${layers.old_shape[i]} ${layers.new_shape[i]}`.toLowerCase());
  const amount = (side) => ({ value: (i) => layers.amounts[state.key][side][i], amount: true,
    text: (i) => (side === "delta" ? changeText(layers.amounts[state.key].delta[i], state.key, narrow.matches) : brief(figure(layers.amounts[state.key][side][i]), narrow.matches ? 14 : 34)) });
  const figure = (value) => (isBytes(state.key) ? bytes(value) : narrow.matches ? short(value) : exact(value));
  const changeOf = (i) => [layers.op[i], layers.change[i]].filter(Boolean).join(": ");
  const columns = [
    { key: "#", title: "#", extra: true, value: (i) => i, number: true, text: (i) => exact(i + 1) },
    { key: "status", title: "", left: true, extra: true, value: (i) => ORDER.indexOf(layers.status[i]), number: true, text: (i) => SIGNS[layers.status[i]] },
    { key: "name", title: "Layer", left: true, value: (i) => layers.name[i] },
    { key: "change", title: "What changed", left: true, extra: true, prose: true, value: (i) => changeOf(i), text: (i) => changeOf(i) },
    { key: "before", title: () => `${TITLES[state.key]} before`, extra: true, ...amount("before") },
    { key: "after", title: () => `${TITLES[state.key]} after`, ...amount("after") },
    { key: "delta", title: () => "Change", ...amount("delta") },
    { key: "old", title: "Output before", extra: true, value: (i) => layers.old_shape[i], text: (i) => layers.old_shape[i] },
    { key: "new", title: "Output after", extra: true, value: (i) => layers.new_shape[i], text: (i) => layers.new_shape[i] },
  ];
  const body = element("tbody");
  const foot = element("tfoot");
  const status = element("output", { class: "status", "aria-live": "polite" });
  const more = element("button", { type: "button", class: "open", onclick: () => { state.all = true; show(); } });
  const search = element("input", { type: "search", placeholder: "Name, operator, shape, status …", autocomplete: "off", spellcheck: "false",
    oninput: () => { state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); show(); } });
  const heads = columns.map((column) => element("th", { scope: "col", class: classOf(column), "aria-sort": "none", "data-key": column.key },
    element("button", { type: "button", "aria-label": column.key === "status" ? "Status" : null, onclick: () => sort(column) }, "")));
  const classes = (column) => classOf(column);

  function line(i) {
    return element("tr", { class: `is-${layers.status[i]}` }, columns.map((column) => {
      if (column.key === "name") return nameCell(i);
      const text = String(column.text(i));
      const spoken = column.key === "status" ? { title: WORDS[layers.status[i]], "aria-label": WORDS[layers.status[i]] } : { title: text.length >= LONGEST ? text : null };
      return element("td", { class: classes(column), ...spoken }, text);
    }));
  }

  function nameCell(i) {
    const name = layers.name[i];
    return element("th", { scope: "row", class: "l", title: name }, element("span", { class: "narrow" }, `${SIGNS[layers.status[i]]} `), pathName(name, (layers.short ?? layers.name)[i]),
      element("small", { class: "narrow" }, brief(changeOf(i), 60)));
  }

  function sort(column) {
    state.down = state.by === column.key ? !state.down : Boolean(column.amount);
    state.by = column.key;
    show();
  }

  function matching() {
    const matches = words.flatMap((text, i) => ((state.every || layers.status[i] !== "same") && state.words.every((word) => text.includes(word)) ? [i] : []));
    const column = columns.find(({ key }) => key === state.by);
    const sign = state.down ? -1 : 1;
    // Differences by their size: what fell far stands beside what rose far.
    const value = (i) => (column.key === "delta" ? magnitude(column.value(i)) : column.value(i));
    const between = column.amount ? compare : column.number ? (a, b) => a - b : (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
    return matches.sort((a, b) => sign * between(value(a), value(b)) || a - b);
  }

  const magnitude = (delta) => (typeof delta === "number" ? Math.abs(delta) : typeof delta === "string" ? delta.replace("-", "") : delta);

  function show() {
    const matches = matching();
    heads.forEach((head, i) => {
      const { key, title } = columns[i];
      const text = typeof title === "function" ? title() : title;
      head.firstChild.textContent = text;
      head.setAttribute("data-title", text);
      head.setAttribute("aria-sort", key !== state.by ? "none" : state.down ? "descending" : "ascending");
    });
    const visible = state.all ? matches : matches.slice(0, FIRST);
    body.replaceChildren(...visible.map(line));
    more.hidden = visible.length === matches.length;
    more.textContent = `Show all ${exact(matches.length)} layers`;
    status.textContent = `${exact(matches.length)} of ${counted(count)}`;
    foot.replaceChildren(matches.length > 1 ? total(matches) : "");
  }

  function total(matches) {
    return element("tr", {}, columns.map((column) => {
      if (column.key === "name") return element("th", { scope: "row", class: "l" }, "Sum");
      if (!column.amount) return element("td", { class: classes(column) });
      const amounts = matches.map((i) => column.value(i));
      if (amounts.some((one) => one === null || typeof one === "object")) return element("td", { class: classes(column) });
      const sum = amounts.reduce((all, one) => all + BigInt(one), 0n);
      const size = Number.isSafeInteger(Number(sum)) ? Number(sum) : String(sum);
      return element("td", { class: classes(column) }, column.key === "delta" ? changeText(size, state.key, narrow.matches) : figure(size));
    }));
  }

  narrow.addEventListener("change", show);
  const controls = element("div", { class: "controls" },
    element("label", { class: "choice search" }, element("span", {}, "Search"), search),
    keys.length > 1 ? choice("Quantity", keys, state.key, (value) => { state.key = value; show(); }) : null,
    toggle("Layers", [["changed", "Changed"], ["every", "All"]], "changed", (value) => { state.every = value === "every"; show(); }), status);
  const table = element("table", { class: "figures layers main changes" }, element("caption", { class: "hidden" }, "Layers of both versions; the heads of the columns sort them"), element("thead", {}, element("tr", {}, heads)), body, foot);
  const box = wide(`Table of layers ${index + 1}`, table);
  box.classList.add("tall");
  show();
  return [controls, box, more];
}

const classOf = (column) => [column.left ? "l" : "", column.extra ? "extra" : "", column.prose ? "prose" : ""].filter(Boolean).join(" ") || null;

data.diffs.forEach((diff, i) => {
  const made = document.getElementById(`layers-${i}`);
  if (!made) return;
  const kept = [made.querySelector("h2"), made.querySelector(".status")].filter(Boolean);
  made.replaceChildren(...kept, ...layersOf(diff, i));
});

document.getElementById("models").append(element("b", {}, data.title));
document.getElementById("sections").append(...[...document.querySelectorAll(data.diffs.length > 1 ? "#overview, article" : "section")].map((part) => element("a", { href: `#${part.id}` }, part.querySelector("h2").textContent)));
document.getElementById("foot").append(`Made by costcalc ${data.version}. Figures are exact where they are not marked ≥ or ≈; the page stands alone and asks nothing of the network.`);
document.documentElement.dataset.ready = "true";
