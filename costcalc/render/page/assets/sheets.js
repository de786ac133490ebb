// A page whose tables stand in it without scripts: bars go above those of a comparison.

if (data.comparison) {
  const compared = comparison(data.comparison);
  if (compared.start) compared.start();
}
document.querySelector(".top").remove();
document.getElementById("foot").append(`Made by costcalc ${data.version}${data.comparison ? `, charts by Apache ECharts ${echarts.version}` : ""}. Figures are exact where they are not marked ≥ or ≈; the page stands alone and asks nothing of the network.`);
document.documentElement.dataset.ready = "true";
