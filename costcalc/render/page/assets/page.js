// Puts the page together: the sections of one model, and of several models a choice between them.

const main = document.getElementById("main");
let running = [];

function present(index) {
  for (const one of running) if (one && one.close) one.close();
  const model = data.models[index];
  const several = data.comparison;
  const own = [summary(model), cost(model), memory(model), roofline(model), network(model), layers(model)];
  const parts = several ? [comparison(several), ...own] : own;
  const head = element("div", { class: "title" }, element(several ? "h2" : "h1", { class: "model" }, several ? several.names[index] : model.name), element("p", { class: "lead" }, model.inputs));
  const first = several ? [element("div", { class: "title" }, element("h1", {}, several.names.length > BESIDE ? `${several.names.length} models` : several.names.join(", "))), parts[0]] : [];
  main.replaceChildren(...first, head, ...own);
  running = parts.map((part) => part.start && part.start());
  document.getElementById("sections").replaceChildren(...parts.map((part) => element("a", { href: `#${part.id}` }, part.querySelector("h2").textContent)));
}

const switcher = document.getElementById("models");
if (data.models.length > 1) {
  const names = data.comparison.names;
  switcher.append(choice("Model", names.map((name, i) => [String(i), name]), "0", (value) => present(Number(value))));
} else {
  switcher.append(element("b", {}, data.models[0].name));
}
document.getElementById("foot").append(`Made by costcalc ${data.version}, charts by Apache ECharts ${echarts.version}. Figures are exact where they are not marked ≥ or ≈; the page stands alone and asks nothing of the network.`);
present(0);
document.documentElement.dataset.ready = "true";
