// The network itself: blocks and layers with what they read, to zoom, to move and to open.

function network(model) {
  const basis = isOpen(model, "flops") ? firstKey(model) : "flops";
  const state = { node: model.root, depth: 1, zoom: 1, chosen: null };
  const crumbs = element("nav", { class: "crumbs", "aria-label": "Block of the diagram" });
  const picture = drawn("svg", { class: "network", role: "group", "aria-label": "Network diagram" });
  const view = element("div", { class: "view", tabindex: "0", role: "region", "aria-label": "Network diagram, scrolls" }, picture);
  const panel = element("aside", { class: "panel", "aria-live": "polite" });
  const depths = element("div");
  const key = element("div");
  let size = { width: 1, height: 1 };

  function show() {
    const most = deepest(state.node);
    const counts = Array.from({ length: most }, (_, i) => opened(state.node, i + 1).length);
    const allowed = counts.map((count, i) => [i + 1, count]).filter(([depth]) => depth === 1 || drawable(wiring(model, state.node, depth)));
    if (!allowed.some(([depth]) => depth === state.depth)) state.depth = allowed.at(-1)[0];
    depths.replaceChildren(choice("Open to", allowed.map(([depth, count]) => [String(depth), `${depth === most ? "layers" : `depth ${depth}`} (${exact(count)})`]), String(state.depth),
      (value) => { state.depth = Number(value); draw(); }));
    crumbs.replaceChildren(...trail(model, state.node, go));
    draw();
  }

  function draw() {
    const wires = wiring(model, state.node, state.depth);
    const where = placed(wires);
    size = where;
    const top = Math.max(...wires.nodes.filter(({ part }) => part).map(({ part }) => sumOf(model, part, basis) || 0), 1);
    picture.replaceChildren(
      drawn("defs", {}, drawn("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, drawn("path", { d: "M0 0.5L8 4L0 7.5Z" }))),
      ...wires.pairs.map(({ from, to }) => drawn("path", { class: "edge", d: curve(where.way(from, to)), "marker-end": "url(#tip)" })),
      ...wires.nodes.map((one) => (one.part ? box(one.part, where.at(one.id), top) : port(one.text, where.at(one.id)))));
    picture.querySelector(".node")?.setAttribute("tabindex", 0);
    picture.setAttribute("viewBox", `0 0 ${where.width} ${where.height}`);
    fit();
    view.style.height = `${where.height * state.zoom + 20}px`;
    view.scrollTo((where.at("0")?.x ?? 0) * state.zoom - view.clientWidth / 2, 0);
    key.replaceChildren(legendOf(model, state.node.layers));
    choose(null);
  }

  function box(part, { x, y }, top) {
    const layer = part.layer;
    const kind = layer === null ? counted(part.layers.length) : model.layers.kind[layer];
    const colour = colourIn(model, part, basis);
    const left = x - SIZE.width / 2;
    const cost = (sumOf(model, part, basis) || 0) / top;
    const shape = model.layers.output[part.layers.at(-1)];
    const short = fitted(shape, 120, "11px");
    const made = drawn("g", { class: layer === null ? "node block" : "node", tabindex: -1, role: "button", transform: `translate(${left} ${y - SIZE.height / 2})` },
      drawn("rect", { class: "body", width: SIZE.width, height: SIZE.height, rx: 5 }),
      drawn("rect", { class: `kind fill${colour}`, width: 7, height: SIZE.height, rx: 3 }),
      drawn("rect", { class: `share mark${colour}`, x: 14, y: SIZE.height - 6, height: 2.5, rx: 1.25, width: cost > 0 ? Math.max(2, cost * (SIZE.width - 24)) : 0 }),
      text("name", 15, 17, fitted(nameIn(part, state.node), SIZE.width - 24, "600 12px")),
      text("what", 15, 32, fitted(kind, SIZE.width - 34 - measured(short, "11px"), "11px")),
      text("shape", SIZE.width - 9, 32, short), drawn("title", {}, nameOf(part)));
    const open = () => { if (part.children.length) go(part); };
    made.addEventListener("click", () => choose(part, made));
    made.addEventListener("dblclick", open);
    made.addEventListener("keydown", (event) => {
      const way = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (way) step(made, way, event);
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      if (state.chosen === part) open();
      else choose(part, made);
    });
    return made;
  }

  // One node takes the Tab key; arrows lead from it to the others, in order of execution.
  function step(made, way, event) {
    const nodes = [...picture.querySelectorAll(".node")];
    const next = nodes[nodes.indexOf(made) + way];
    event.preventDefault();
    if (!next) return;
    for (const node of nodes) node.setAttribute("tabindex", node === next ? 0 : -1);
    next.focus();
  }

  function port(words, { x, y }) {
    return drawn("g", { class: "port", transform: `translate(${x - SIZE.width / 2} ${y - 12})` },
      drawn("rect", { width: SIZE.width, height: 24, rx: 12 }), text("what", SIZE.width / 2, 16, fitted(words, SIZE.width - 24, "11px")), drawn("title", {}, words));
  }

  function choose(part, made = null) {
    state.chosen = part;
    for (const other of picture.querySelectorAll(".chosen")) other.classList.remove("chosen");
    if (made) made.classList.add("chosen");
    panel.replaceChildren(...(part ? details(model, part, () => go(part)) : [element("p", { class: "lead" }, `Choose a block or a layer to see what it costs; a block opens with a double click, or with Enter. Arrow keys lead from one to the next. The bar under a name shows its ${spoken(basis)} beside those of the dearest one here.`)]));
  }

  function go(block) {
    const node = alone(block);
    const typed = made.contains(document.activeElement);
    state.node = node;
    state.depth = 1;
    for (let depth = 2; depth <= deepest(node) && opened(node, depth).length <= 30; depth += 1) state.depth = depth;
    state.zoom = 1;
    show();
    if (typed) focused(picture.querySelector(".node"));
  }

  function fit() {
    picture.style.width = `${size.width * state.zoom}px`;
    picture.style.height = `${size.height * state.zoom}px`;
  }

  function zoom(by, centre = [view.clientWidth / 2, view.clientHeight / 2]) {
    const before = state.zoom;
    state.zoom = Math.max(0.1, Math.min(3, before * by));
    const [x, y] = [view.scrollLeft + centre[0], view.scrollTop + centre[1]];
    fit();
    view.scrollTo((x * state.zoom) / before - centre[0], (y * state.zoom) / before - centre[1]);
  }

  moved(view, zoom);
  const buttons = element("div", { class: "toggle", role: "group", "aria-label": "Zoom" },
    [["−", "Zoom out", () => zoom(1 / 1.3)], ["+", "Zoom in", () => zoom(1.3)], ["Fit", "Fit into the view", () => zoom(Math.min(1, view.clientWidth / size.width, view.clientHeight / size.height) / state.zoom)]]
      .map(([text, label, act]) => element("button", { type: "button", "aria-label": label, onclick: act }, text)));
  const made = section("network", "Network", element("div", { class: "controls" }, depths, buttons), crumbs, element("div", { class: "split diagram" }, view, panel), key);
  made.start = () => go(model.root);
  return made;
}

// A block that holds nothing but one other block stands for it.
function alone(node) {
  return node.children.length === 1 && node.children[0].children.length ? alone(node.children[0]) : node;
}

function text(kind, x, y, words) {
  const made = drawn("text", { class: kind, x, y });
  made.textContent = words;
  return made;
}

function details(model, part, open) {
  const layer = part.layer;
  const pairs = layer === null ? [["Layers", exact(part.layers.length)]]
    : [["Operator", model.layers.kind[layer]], ["Output", `${model.layers.output[layer]} ${model.layers.dtype[layer]}`], ...(model.layers.runs[layer] === 1 ? [] : [["Runs", exact(model.layers.runs[layer])]])];
  const sums = data.quantities.map(([key, title]) => {
    if (layer !== null) return [title, isBytes(key) ? bytes(model.layers[key][layer]) : exact(model.layers[key][layer])];
    if (part.layers.some((one) => typeof model.layers[key][one] === "object" && model.layers[key][one] !== null)) return [title, "a formula"];
    return [title, rounded(sumOf(model, part, key), key)];
  });
  return [
    element("h3", {}, nameOf(part)),
    element("dl", { class: "pairs" }, [...pairs, ...sums].flatMap(([label, value]) => [element("dt", {}, label), element("dd", {}, value)])),
    layer !== null && model.layers.working[layer] ? element("p", { class: "working" }, `MACs = ${model.layers.working[layer]}`) : null,
    part.children.length ? element("button", { type: "button", class: "open", onclick: open }, "Open this block") : null,
  ].filter(Boolean);
}

// Dragging moves what a view shows, and the wheel with Ctrl zooms it.
function moved(view, zoom) {
  let from = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    from = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
  });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    view.classList.add("dragged");
    view.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
  });
  addEventListener("pointerup", () => { from = null; view.classList.remove("dragged"); });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top } = view.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, [event.clientX - left, event.clientY - top]);
  }, { passive: false });
}
