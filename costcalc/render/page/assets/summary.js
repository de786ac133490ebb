// The totals of a model, what they rest on, and what is not known.

const TILES = { weight_bytes: "Weights", peak_activation_bytes: "Peak activations", traffic_bytes: "Traffic" };

function summary(model) {
  const facts = new Map(model.facts.map(([label, amount, kind]) => [label, { amount, kind }]));
  const labels = Object.entries({ MACs: "macs", FLOPs: "flops", Params: "params", "Weight bytes": "weight_bytes",
    "Peak activation bytes": "peak_activation_bytes", "Traffic bytes": "traffic_bytes" });
  const tiles = labels.filter(([label]) => facts.has(label)).map(([label, key]) => tile(TILES[key] ?? label, facts.get(label), key));
  const others = model.facts.filter(([label]) => !labels.some(([name]) => name === label));
  return section("summary", "Summary",
    element("div", { class: "tiles" }, tiles),
    element("dl", { class: "remarks" },
      others.flatMap(([label, amount, kind]) => remark(label.trim(), `${exact(amount)}${rest(amount, kind)}`, false)),
      model.remarks.flatMap(([label, text, warning]) => remark(label, text, warning))));
}

function tile(label, { amount, kind }, key) {
  const formula = typeof amount === "object" && amount !== null && amount.text !== undefined;
  return element("div", { class: formula ? "tile formula" : "tile", "data-key": key },
    element("div", { class: "label" }, label),
    element("div", { class: "value" }, formula ? readable(amount.text, 120) : kind === "bytes" ? bytes(amount) : short(amount)),
    formula ? null : element("div", { class: "exact" }, kind === "bytes" ? `${exact(amount)} bytes` : exact(amount)));
}

function rest(amount, kind) {
  const value = plain(amount);
  return value >= 1000 ? ` (${kind === "bytes" ? bytes(amount) : short(amount)})` : "";
}

function remark(label, text, warning) {
  return [element("dt", {}, label), element("dd", { class: warning ? "warning" : null }, readable(text))];
}
