// Puts the page together: the sections of one model, and of several models a choice between them.

const main = document.getElementById("main");
const articles = [...main.querySelectorAll("article")].map((article) => ({ title: article.querySelector(".title"), summary: article.querySelector("section") }));
const compared = data.comparison ? [document.getElementById("compared"), comparison(data.comparison)] : [];
let running = [];

for (const plain of main.querySelectorAll(".plain")) plain.remove();
main.replaceChildren();

function present(index) {
  for (const one of running) if (one && one.close) one.close();
  const model = data.models[index];
  const { title, summary } = articles[index];
  summary.id = "summary";
  const own = [summary, cost(model), memory(model), roofline(model), network(model), layers(model)];
  const parts = data.comparison ? [compared[1], ...own] : own;
  main.replaceChildren(...compared, title, ...own);
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
