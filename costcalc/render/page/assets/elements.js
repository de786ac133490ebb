// Elements of the page. Every text goes in as text: nothing that a model says is ever read as HTML.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  put(made, attributes);
  const parts = children.flat().filter((child) => child !== null && child !== undefined);
  made.append(...(name === "option" ? parts : parts.flatMap((part) => (typeof part === "string" ? unbroken(part) : part))));
  return made;
}

// A text as nodes in which no figure is parted from its unit where a line ends, as prose_markup in render/cells.py does.
const FIGURE = /(\d[\d.,]* (?:[yzafpnµmkKMGTPE]?i?(?:B|s|J|W|FLOPs?|MACs?)(?:\/s)?|bytes|[kMGTPE])(?!\w))/;

function unbroken(words) {
  return words.length < 12 ? [words] : words.split(FIGURE).map((part, i) => (i % 2 ? whole(part) : part));
}

function whole(words) {
  const made = document.createElement("span");
  made.className = "whole";
  made.textContent = words;
  return made;
}

function say(box, words) {
  box.replaceChildren(...unbroken(words));
}

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  put(made, attributes);
  made.append(...children);
  return made;
}

function put(made, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
}

function section(id, title, ...children) {
  return element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), ...children);
}

function choice(label, options, chosen, change) {
  const select = element("select", { onchange: () => change(select.value) },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  return element("label", { class: "choice" }, element("span", {}, label), select);
}

// Buttons of which one is on.
function toggle(label, options, chosen, change) {
  const group = element("div", { class: "toggle", role: "group", "aria-label": label });
  for (const [value, text] of options) {
    const button = element("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      change(value);
    } }, text);
    group.append(button);
  }
  return group;
}

// Words in a sentence's length; the rest of them can be opened.
function readable(words, most = 240) {
  if (words.length <= most) return words;
  return element("details", {}, element("summary", {}, brief(words, most)), words);
}

// Keeps the keyboard's place where what had the focus has been replaced.
function focused(made) {
  if (made) made.focus({ preventScroll: true });
}

// A table that may be wider than the page; its box scrolls and takes the keyboard.
function wide(label, table) {
  return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, table);
}

function row(cells, kind = "td") {
  return element("tr", {}, cells.map(([text, left], i) =>
    kind === "th" ? element("th", { scope: "col", class: left ? "l" : null }, text)
      : element(i ? "td" : "th", { scope: i ? null : "row", class: left ? "l" : null }, text)));
}

// A long name, of which a screen shows the beginning and the end as tables of the terminal do; all of it is in the page,
// for a search, for a reader of screens, and on paper. The way to a layer is fainter than its own name.
function pathName(name, short) {
  const at = short === name ? -1 : short.indexOf("…");
  const [head, tail] = at < 0 ? [name.length, name.length] : [at, name.length - (short.length - at - 1)];
  const slash = name.lastIndexOf("/") + 1;
  const ends = [...new Set([0, head, tail, slash, name.length])].sort((a, b) => a - b);
  return element("span", { class: "path" }, ends.slice(1).map((end, i) => element("span", { class: [end <= slash ? "way" : "", ends[i] >= head && end <= tail ? "cut" : ""].filter(Boolean).join(" ") || null,
    "data-first": ends[i] === head && end <= tail && head < tail ? "…" : null }, name.slice(ends[i], end))));
}

// A row whose cells say the titles of their columns, for a screen on which each cell has a line of its own.
function labelled(titles, line) {
  [...line.children].forEach((cell, i) => cell.setAttribute("data-label", titles[i]));
  return line;
}

function meter(share) {
  const bar = element("i", { class: "meter", "aria-hidden": "true" });
  bar.style.setProperty("--share", Number.isFinite(share) ? Math.max(0, Math.min(1, share)) : 0);
  return bar;
}

// What a chart's pointer shows: a title and lines of label and value.
function tip(title, lines) {
  return element("div", { class: "tip" }, element("strong", {}, title),
    lines.filter(([, value]) => value).map(([label, value]) => element("div", {}, element("span", {}, label), element("b", {}, value))));
}
