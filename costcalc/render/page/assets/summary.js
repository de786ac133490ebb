// The totals of a model, what they rest on, and what is not known.

const TILES = { weight_bytes: "Weights", peak_activation_bytes: "Peak activations", traffic_bytes: "Traffic" };

function summary(model) {
  const facts = new Map(model.facts.map(([label, amount, kind, bound]) => [label, { amount, kind, bound }]));
  const labels = Object.entries({ MACs: "macs", FLOPs: "flops", Params: "params", "Weight bytes": "weight_bytes",
    "Peak activation bytes": "peak_activation_bytes", "Traffic bytes": "traffic_bytes" });
  const tiles = labels.filter(([label]) => facts.has(label)).map(([label, key]) => tile(TILES[key] ?? label, facts.get(label), key));
  const others = model.facts.filter(([label]) => !labels.some(([name]) => name === label));
  return section("summary", "Summary",
    element("div", { class: "tiles" }, tiles),
    element("dl", { class: "remarks" },
      others.flatMap(([label, amount, kind, bound]) => remark(label.trim(), `${exact(amount)}${rest(amount, kind)}${boundOf(bound, kind) && `; ${boundOf(bound, kind)}`}`, false)),
      model.remarks.flatMap(([label, text, warning]) => remark(label, text, warning))));
}

// A total that is a formula, with the number that it does not exceed below it, or a number, rounded and exact.
function tile(label, { amount, kind, bound }, key) {
  const formula = typeof amount === "object" && amount !== null && amount.text !== undefined;
  return element("div", { class: formula ? "tile formula" : "tile", "data-key": key },
    element("div", { class: "label" }, label),
    element("div", { class: "value" }, formula ? readable(amount.text, 120) : `${bound === true ? "≤ " : ""}${kind === "bytes" ? bytes(amount) : short(amount)}`),
    formula ? (Array.isArray(bound) ? element("div", { class: "exact" }, readable(boundOf(bound, kind))) : null) : element("div", { class: "exact" }, kind === "bytes" ? `${exact(amount)} bytes` : exact(amount)));
}

// The number that a formula does not exceed: `≤ 38.5 k, at most 100 boxes`.
function boundOf(bound, kind) {
  return Array.isArray(bound) ? `≤ ${kind === "bytes" ? bytes(bound[0]) : short(bound[0])}, ${bound[1]}` : "";
}

function rest(amount, kind) {
  const value = plain(amount);
  return value >= 1000 ? ` (${kind === "bytes" ? bytes(amount) : short(amount)})` : "";
}

function remark(label, text, warning) {
  return [element("dt", {}, label), element("dd", { class: warning ? "warning" : null }, readable(text))];
}
