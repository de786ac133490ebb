// Several models side by side: bars of each total's ratio to the first model's, above the tables that stand in the page.

function comparison(models) {
  const made = document.getElementById("comparison");
  const lines = withRatios(models);
  if (models.names.length > BESIDE || !lines.length) return made;
  const box = element("div", { class: "chart", style: `height:${lines.length * (models.names.length * 15 + 14) + 40}px` });
  const colours = models.names.map((name, i) => element("li", {}, element("i", { class: `mark${i % 8}`, "aria-hidden": "true" }), name));
  made.querySelector(".wide").before(element("ul", { class: "legend" }, colours), box);
  made.start = () => chart(box, (colours, width) => ratioBars(models, lines, colours, width), `Totals of ${models.names.join(", ")}; the table below has the figures`);
  return made;
}

const BESIDE = 4;

const cell = (amount, kind) => brief(kind === "bytes" ? bytes(amount) : exact(amount), 80);

// What has a ratio to draw: not whether a model fits a device, nor a figure that a model does not have.
const withRatios = (models) => models.totals.filter(([, , , ratios]) => ratios.slice(1).some((ratio) => ratio !== null));

function ratioBars(models, lines, colours, width) {
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
