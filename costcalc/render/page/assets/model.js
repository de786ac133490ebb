// The page's data: models, and over the layers of each the tree of blocks with what they cost.

const data = JSON.parse(document.getElementById("data").textContent);
const TITLES = Object.fromEntries(data.quantities);

// A column of which the page holds each text once.
const column = (packed) => (Array.isArray(packed) ? packed : packed.at.map((i) => packed.of[i]));

for (const model of data.models) {
  for (const [key, packed] of Object.entries(model.layers)) model.layers[key] = column(packed);
  for (const device of model.devices) device.bound_by = column(device.bound_by);
  model.count = model.layers.name.length;
  model.sums = new Map();
  model.nodes = [];
  model.root = grown(model, model.blocks, null);
  model.colours = legend(model);
}

// A block or a layer: its number, label, parent, children, and the indices of the layers in it, in execution order.
function grown(model, block, parent) {
  const made = entered(model, block[0], parent, null);
  for (const child of block.slice(1)) {
    const name = model.layers.name[child];
    const inner = Array.isArray(child) ? grown(model, child, made) : entered(model, name.split("/").pop() || name, made, child);
    made.children.push(inner);
    for (const layer of inner.layers) made.layers.push(layer);
  }
  return made;
}

function entered(model, label, parent, layer) {
  const made = { at: model.nodes.length, label, parent, children: [], layers: layer === null ? [] : [layer], layer };
  model.nodes.push(made);
  return made;
}

// The children of a block as the map and its list show them: beside blocks, layers without MACs and parameters are one,
// the last. The diagram has every layer in its own place.
function partsOf(model, node) {
  if (!node.parts) {
    const isMinor = (child) => child.layer !== null && model.layers.macs[child.layer] === 0 && model.layers.params[child.layer] === 0;
    const minor = node.isFold ? [] : node.children.filter(isMinor);
    const folds = minor.length > 1 && node.children.some((child) => child.children.length);
    node.parts = folds ? [...node.children.filter((child) => !isMinor(child)), folded(model, node, minor)] : node.children;
  }
  return node.parts;
}

function folded(model, node, minor) {
  const made = entered(model, `(${exact(minor.length)} other layers)`, node, null);
  made.children = minor;
  made.isFold = true;
  made.layers = minor.map((child) => child.layer);
  return made;
}

// A block that holds a single other one that costs something is opened with it: what stands in the inner one is shown.
function entrance(model, node, key) {
  const costly = partsOf(model, node).filter((child) => sumOf(model, child, key) > 0);
  return costly.length === 1 && costly[0].children.length ? entrance(model, costly[0], key) : node;
}

// The sum of what is known; NaN where none is a number.
function sumOf(model, node, key) {
  if (!model.sums.has(key)) model.sums.set(key, new Map());
  const sums = model.sums.get(key);
  if (!sums.has(node)) {
    const amounts = node.layers.map((layer) => plain(model.layers[key][layer])).filter((value) => !Number.isNaN(value));
    sums.set(node, amounts.length ? amounts.reduce((a, b) => a + b, 0) : NaN);
  }
  return sums.get(node);
}

// The same without loss: digits where a number would not hold them.
function exactSum(model, layers, key) {
  const amounts = layers.map((layer) => model.layers[key][layer]).filter((amount) => amount !== null);
  const sum = amounts.reduce((all, amount) => all + plain(amount), 0);
  return sum < 2 ** 53 ? sum : String(amounts.reduce((all, amount) => all + BigInt(amount), 0n));
}

// What stands before a sum that lacks layers whose amount is not known.
const atLeast = (model, layers, key) => (layers.some((layer) => model.layers[key][layer] === null) ? "≥ " : "");

const isOpen = (model, key) => model.layers[key].some((amount) => amount !== null && typeof amount === "object");
const counted = (layers) => `${exact(layers)} ${layers === 1 ? "layer" : "layers"}`;
const pathOf = (node) => (node.parent ? [...pathOf(node.parent), node] : []);
const nameOf = (node) => pathOf(node).map((part) => part.label).join("/");

// The way from the model down to a block, each step but the last a button.
function trail(model, node, go) {
  return [model.root, ...pathOf(node)].flatMap((one, i) => {
    const text = i ? one.label : model.name;
    return [...(i ? [element("span", { "aria-hidden": "true" }, "›")] : []),
      one === node ? element("b", { "aria-current": "true" }, text) : element("button", { type: "button", onclick: () => go(one) }, text)];
  });
}

// A name as it is called inside of a block.
function nameIn(node, block) {
  const [name, way] = [nameOf(node), `${nameOf(block)}/`];
  return name.startsWith(way) ? name.slice(way.length) : name;
}

// Colours by kind of operator: those that multiply come first, then the dearest; all but seven have the last one.
function legend(model) {
  const cost = new Map();
  model.layers.kind.forEach((kind, i) => {
    const [degree, size] = orderOf(model.layers.flops[i]);
    const [most, sum] = cost.get(kind) ?? [-1, 0];
    cost.set(kind, degree > most ? [degree, size] : degree === most ? [most, sum + size] : [most, sum]);
  });
  const multiplies = new Set(model.layers.kind.filter((_, i) => model.layers.macs[i] !== 0 && model.layers.macs[i] !== null));
  const order = [...cost].sort(([one, a], [other, b]) => multiplies.has(other) - multiplies.has(one) || b[0] - a[0] || b[1] - a[1]).map(([kind]) => kind);
  return new Map(order.map((kind, i) => [kind, Math.min(i, 7)]));
}

const colourOf = (model, layer) => model.colours.get(model.layers.kind[layer]);

// The colour of a block is that of the kind of operator that costs most in it.
function colourIn(model, node, key) {
  if (node.layer !== null) return colourOf(model, node.layer);
  const cost = new Map();
  for (const layer of node.layers) {
    const colour = colourOf(model, layer);
    cost.set(colour, (cost.get(colour) ?? 0) + (plain(model.layers[key][layer]) || 0));
  }
  return [...cost].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 7;
}

function legendOf(model, layers, paint = "fill") {
  const used = new Set(layers.map((layer) => model.layers.kind[layer]));
  const kinds = [...model.colours].filter(([kind]) => used.has(kind));
  const named = kinds.filter(([, colour]) => colour < 7);
  const others = kinds.length - named.length;
  return element("ul", { class: "legend" },
    named.map(([kind, colour]) => element("li", {}, element("i", { class: `${paint}${colour}`, "aria-hidden": "true" }), kind)),
    others ? element("li", {}, element("i", { class: `${paint}7`, "aria-hidden": "true" }), others === 1 ? kinds.at(-1)[0] : `${others} others`) : null);
}
