// Where the cost is: the tree of blocks as a treemap or a sunburst that opens what is clicked, with a list that says the
// same to the keyboard and to readers of screens.

function cost(model) {
  const state = { key: firstKey(model), view: "treemap", node: model.root };
  const box = element("div", { class: "chart map" });
  const list = element("ol", { class: "parts" });
  const crumbs = element("nav", { class: "crumbs", "aria-label": "Block" });
  const status = element("p", { class: "status", "aria-live": "polite" });
  const key = element("div");
  let picture = null;

  function show() {
    crumbs.replaceChildren(...trail(model, state.node, go));
    const whole = sumOf(model, model.root, state.key);
    const mine = sumOf(model, state.node, state.key);
    const inner = entrance(model, state.node, state.key);
    const parts = dearest(model, inner, partsOf(model, inner), state.key, MOST_AREAS).map((node) => [node, sumOf(model, node, state.key)]);
    const empty = isOpen(model, state.key) || !(mine > 0);
    say(status, isOpen(model, state.key)
      ? `${TITLES[state.key]} are formulas here: bind what is open with --dim to see their shares.`
      : `${least(state.node)}${rounded(mine, state.key)} ${spoken(state.key)}${model.drawn ? ` (${model.drawn})` : ""}${state.node === model.root ? "" : `, ${percent(mine / whole)} of ${least(model.root) ? "what is known of the model" : "the model"}`}, in ${counted(state.node.layers.length)}.`);
    box.hidden = empty;
    list.replaceChildren(...(empty ? [] : parts.sort((a, b) => (b[1] || 0) - (a[1] || 0)).filter(([, sum]) => sum > 0).map(([node, sum]) => part(node, sum, mine))));
    key.replaceChildren(empty ? "" : legendOf(model, state.node.layers.filter((layer) => plain(model.layers[state.key][layer]) > 0)));
    if (picture && !empty) picture.draw();
  }

  const least = (node) => atLeast(model, node.layers, state.key);

  function part(node, sum, mine) {
    const inside = node.children.length > 0;
    const content = [meter(sum / mine), element("span", { class: "name", title: node.label }, fitted(node.label, 150, "14px")),
      element("span", { class: "amount" }, `${least(node)}${rounded(sum, state.key)}`), element("span", { class: "share" }, percent(sum / mine))];
    return element("li", {}, inside
      ? element("button", { type: "button", title: "Open", onclick: () => go(node) }, content)
      : element("div", {}, content));
  }

  function go(node) {
    const typed = made.contains(document.activeElement);
    state.node = node;
    show();
    if (typed) focused(list.querySelector("button") ?? crumbs.querySelector("button"));
  }

  const made = section("cost", "Where the cost is",
    element("div", { class: "controls" },
      choice("Quantity", data.quantities, state.key, (value) => { state.key = value; show(); }),
      toggle("Picture", [["treemap", "Treemap"], ["sunburst", "Sunburst"]], state.view, (value) => { state.view = value; show(); })),
    crumbs, status, element("div", { class: "split" }, box, list), key);
  made.start = () => {
    picture = chart(box, (colours, width, made) => (state.view === "treemap" ? treemap : sunburst)(model, state, colours, width, made),
      "The cost of each block as an area; the list beside it has the figures");
    picture.made.on("click", ({ data: item }) => {
      const path = item && item.at !== undefined ? pathOf(model.nodes[item.at]) : [];
      const next = path[pathOf(entrance(model, state.node, state.key)).length];
      if (next && next.children.length) go(next);
      else if (!path.length && state.node.parent && state.view === "sunburst") go(state.node.parent);
    });
    show();
    return picture;
  };
  return made;
}

// Parts that are drawn: the dearest, and all others as one, for thousands of areas are none to look at.
const MOST_AREAS = 150;
const MOST_INNER = 40;

function dearest(model, node, parts, key, most) {
  if (parts.length <= most) return parts;
  const order = [...parts].sort((a, b) => sumOf(model, b, key) - sumOf(model, a, key));
  node.rest ??= new Map();
  const at = `${key} ${most}`;
  if (!node.rest.has(at)) node.rest.set(at, gatheredParts(model, node, order.slice(most - 1)));
  return [...order.slice(0, most - 1), node.rest.get(at)];
}

function gatheredParts(model, node, children) {
  const made = entered(model, `(${exact(children.length)} others)`, node, null);
  made.children = children;
  made.isRest = true;
  made.layers = children.flatMap(({ layers }) => layers);
  return made;
}

const spoken = (key) => (key === "macs" || key === "flops" ? TITLES[key] : TITLES[key].toLowerCase());
const firstKey = (model) => ["macs", "flops", "params", "activation_bytes"].find((key) => !isOpen(model, key) && sumOf(model, model.root, key) > 0) ?? "macs";

// The tree below a block as the charts take it: what costs nothing is left out, a block around a single other one is
// drawn as one with it, and nothing is opened deeper than asked.
function items(model, state, colours, node, depth, most = MOST_AREAS) {
  const costly = (block) => partsOf(model, block).filter((child) => sumOf(model, child, state.key) > 0);
  const parts = costly(node);
  return dearest(model, node, parts, state.key, most).map((child) => {
    let inner = child;
    for (let next = costly(inner); next.length === 1; next = costly(inner)) [inner] = next;
    const areas = depth > 1 && inner.children.length && !inner.isRest ? items(model, state, colours, inner, depth - 1, MOST_INNER) : [];
    return { at: inner.at, name: child.label, value: sumOf(model, child, state.key), least: atLeast(model, child.layers, state.key), itemStyle: { color: areas.length ? colours.header : colours.fills[colourIn(model, inner, state.key)] },
      ...(areas.length ? { children: areas } : {}) };
  });
}

function costTip(model, state) {
  return { formatter: ({ data: item }) => {
    if (!item || item.at === undefined) return "";
    const node = model.nodes[item.at];
    const layer = node.layer;
    return tip(nameOf(node), [
      [TITLES[state.key], `${atLeast(model, node.layers, state.key)}${exact(exactSum(model, node.layers, state.key))} (${percent(sumOf(model, node, state.key) / sumOf(model, model.root, state.key))})`],
      ["Operator", layer === null ? "" : model.layers.kind[layer]],
      ["Output", layer === null ? "" : model.layers.output[layer]],
      ["Layers", layer === null ? exact(node.layers.length) : ""],
    ]);
  } };
}

// The name and the amount of an area, or what of them has room in it.
function areaLabel({ name, value, least }, { width, height }, key) {
  const room = width - 12;
  const short = fitted(name, room, "12px");
  const amount = `${least}${rounded(value, key)}`;
  if (height < 20 || measured(short, "12px") > room) return "";
  return height < 38 || measured(amount, "12px") > room ? short : `${short}\n${amount}`;
}

function headerLabel({ name, value, least = "" }, { width }, key) {
  const [room, font] = [width - 14, "600 12px"];
  const whole = `${name}  ${least}${rounded(value, key)}`;
  if (measured(whole, font) <= room) return whole;
  const short = fitted(name, room, font);
  return measured(short, font) <= room ? short : "";
}

function treemap(model, state, colours, width, made) {
  const layoutOf = (index) => made.getModel().getSeriesByIndex(0).getData().getItemLayout(index);
  const label = { color: colours.ink, fontSize: 12, lineHeight: 15, padding: [3, 4], overflow: "none",
    formatter: ({ data: item, dataIndex }) => (item && item.at !== undefined ? areaLabel(item, layoutOf(dataIndex), state.key) : "") };
  return {
    tooltip: costTip(model, state),
    series: [{
      type: "treemap", left: 0, top: 0, right: 0, bottom: 0, width: "100%", height: "100%", roam: false, nodeClick: false,
      breadcrumb: { show: false }, visibleMin: 40, childrenVisibleMin: 2400, sort: "desc", squareRatio: 1.1, label,
      upperLabel: { show: true, height: 21, color: colours.ink, fontSize: 12, fontWeight: 600, padding: [0, 5], overflow: "none",
        formatter: ({ data: item, dataIndex }) => headerLabel(item, layoutOf(dataIndex), state.key) },
      itemStyle: { borderColor: colours.paper, borderWidth: 1, gapWidth: 1, borderRadius: 2 },
      emphasis: { upperLabel: { color: colours.ink }, label: { color: colours.ink } },
      levels: [
        { itemStyle: { borderColor: colours.paper, borderWidth: 0, gapWidth: 3 }, upperLabel: { show: false } },
        { itemStyle: { borderColor: colours.header, borderWidth: 2, gapWidth: 2 } },
        { itemStyle: { borderColor: colours.raised, borderWidth: 2, gapWidth: 1 } },
        { itemStyle: { borderColor: colours.header, borderWidth: 1, gapWidth: 1 } },
      ],
      data: items(model, state, colours, entrance(model, state.node, state.key), width < 600 ? 2 : 3),
    }],
  };
}

function sunburst(model, state, colours) {
  const label = { color: colours.ink, fontSize: 11, minAngle: 8, formatter: ({ name }) => fitted(name, 54, "11px") };
  return {
    tooltip: costTip(model, state),
    series: [{
      type: "sunburst", radius: ["16%", "98%"], nodeClick: false, sort: "desc", label,
      itemStyle: { borderColor: colours.paper, borderWidth: 1 }, emphasis: { focus: "ancestor" },
      levels: [{}, { label: { ...label, rotate: "tangential", minAngle: 24 } }, { label }, { label }],
      data: items(model, state, colours, entrance(model, state.node, state.key), 3),
    }],
  };
}
