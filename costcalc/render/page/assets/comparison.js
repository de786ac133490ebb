// Several models side by side: totals with their ratios to the first model's, and FLOPs by operator. Few models stand in
// columns under bars, many in rows.

const BESIDE = 4;

function comparison(models) {
  const few = models.names.length <= BESIDE;
  const made = section("comparison", "Comparison", element("p", { class: "lead" }, `Each figure against ${models.names[0]}’s.`));
  if (!few) {
    made.append(wide("Totals of the models", inRows(models.names, models.totals)));
    return made;
  }
  const box = element("div", { class: "chart", style: `height:${withRatios(models).length * (models.names.length * 15 + 14) + 40}px` });
  made.append(element("ul", { class: "legend" }, models.names.map((name, i) => element("li", {}, element("i", { class: `mark${i % 8}`, "aria-hidden": "true" }), name))),
    box, wide("Totals of the models", inColumns("Totals", models.names, models.totals)));
  if (models.operators.length) made.append(wide("FLOPs by operator", inColumns("FLOPs by operator", models.names, models.operators)));
  made.start = () => chart(box, (colours, width) => ratioBars(models, colours, width), `Totals of ${models.names.join(", ")}; the table below has the figures`);
  return made;
}

function inColumns(title, names, lines) {
  return element("table", { class: "figures" },
    element("thead", {}, row([[title, true], ...names.flatMap((name, i) => (i ? [[name], ["ratio"]] : [[name]]))], "th")),
    element("tbody", {}, lines.map(([label, kind, amounts, ratios]) =>
      row([[label, true], ...amounts.flatMap((amount, i) => (i ? [[cell(amount, kind)], [times(ratios[i])]] : [[cell(amount, kind)]]))]))));
}

function inRows(names, lines) {
  const rough = (amount, kind) => (kind === "bytes" ? bytes(amount) : short(amount));
  return element("table", { class: "figures" },
    element("thead", {}, row([["Model", true], ...lines.flatMap(([label]) => [[label.replace(" bytes", "")], ["ratio"]])], "th")),
    element("tbody", {}, names.map((name, i) => row([[name, true], ...lines.flatMap(([, kind, amounts, ratios]) => [[brief(rough(amounts[i], kind), 80)], [times(ratios[i])]])]))));
}

const cell = (amount, kind) => brief(kind === "bytes" ? bytes(amount) : exact(amount), 80);

// What has a ratio to draw: not whether a model fits a device, nor a figure that a model does not have.
const withRatios = (models) => models.totals.filter(([, , , ratios]) => ratios.slice(1).some((ratio) => ratio !== null));

function ratioBars(models, colours, width) {
  const lines = withRatios(models);
  const narrow = width < 600;
  return {
    grid: { left: 8, right: 64, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: "value", show: false },
    yAxis: { type: "category", inverse: true, data: lines.map(([label]) => label.replace(" bytes", "")), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: colours.ink, fontSize: narrow ? 11 : 13, width: narrow ? 92 : 160, overflow: "break" } },
    tooltip: { trigger: "item", formatter: ({ seriesIndex: i, dataIndex: at }) => tip(models.names[i], [[lines[at][0], cell(lines[at][2][i], lines[at][1])]]) },
    series: models.names.map((name, i) => ({
      type: "bar", name, barWidth: 12, barGap: "25%", itemStyle: { color: colours.marks[i % 8], borderRadius: [0, 2, 2, 0] },
      label: { show: true, position: "right", color: colours.faint, fontSize: 11, formatter: ({ dataIndex }) => times(lines[dataIndex][3][i]) },
      data: lines.map(([, , , ratios]) => ratios[i] ?? 0),
    })),
  };
}
