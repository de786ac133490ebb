// Several models side by side: bars of each total's ratio to the first model's, above the tables that stand in the page;
// of models of very unequal size on a logarithmic scale, on which the small one is seen.

function comparison(models) {
  const made = document.getElementById("comparison");
  const lines = withRatios(models);
  if (models.names.length > BESIDE || !lines.length) return made;
  const log = spanOf(lines) > MOST_LINEAR;
  const box = element("div", { class: "chart", style: `height:${lines.length * (models.names.length * 15 + 14) + 40}px` });
  const colours = models.names.map((name, i) => element("li", {}, element("i", { class: `mark${i % 8}`, "aria-hidden": "true" }), name));
  const scale = log ? element("p", { class: "status" }, `The scale is logarithmic: bars begin at 1×, the figure of ${models.names[0]}, and from line to line the ratio is ten times as large.`) : null;
  made.querySelector(".wide").before(...[element("ul", { class: "legend" }, colours), scale, box].filter(Boolean));
  made.start = () => chart(box, (colours, width) => ratioBars(models, lines, log, colours, width), `Totals of ${models.names.join(", ")}; the table below has the figures`);
  return made;
}

const BESIDE = 4;

const cell = (amount, kind) => brief(kind === "bytes" ? bytes(amount) : exact(amount), 80);

// What has a ratio to draw: not whether a model fits a device, nor a figure that a model does not have.
const withRatios = (models) => models.totals.filter(([, , , ratios]) => ratios.slice(1).some((ratio) => ratio !== null));

// How many times the least ratio above zero goes into the greatest: beyond this a bar on a linear scale is no longer seen.
const MOST_LINEAR = 30;

function spanOf(lines) {
  const ratios = lines.flatMap(([, , , ratios]) => ratios).filter((ratio) => ratio > 0);
  return Math.max(...ratios) / Math.min(...ratios);
}

// Bars of ratios, labelled with figure and, where there is room, ratio. On a logarithmic scale a bar goes from 1× to its ratio's power of ten,
// to the left where it is below one; a ratio of 0 has no bar there, and its label stands at 1×.
function ratioBars(models, lines, log, colours, width) {
  const narrow = width < 600;
  const drawn = (ratio) => (log ? (ratio > 0 ? Math.log10(ratio) : 0) : ratio ?? 0);
  const label = (i, at) => {
    const [, kind, amounts, ratios] = lines[at];
    const amount = brief(kind === "bytes" ? bytes(amounts[i]) : kind === "number" ? short(amounts[i]) : exact(amounts[i]), 24).trim();
    return i && !narrow && ratios[i] !== null ? `${amount}  ${times(ratios[i])}` : amount;
  };
  const powers = lines.flatMap(([, , , ratios]) => ratios.map(drawn));
  const [least, most] = [Math.floor(Math.min(0, ...powers)), Math.ceil(Math.max(0, ...powers))];
  const room = Math.max(...lines.flatMap((_, at) => models.names.map((_, i) => measured(label(i, at), "11px")))) + 14;
  // Labels of bars to the left stand left of them, so that the scale goes on there for a label's width.
  const named = narrow ? 92 : 160;
  const before = log && least < 0 ? ((most - least) * room) / Math.max(40, width - named - 2 * room - 16) : 0;
  return {
    grid: { left: 8, right: room, top: 4, bottom: 4, containLabel: true },
    xAxis: log
      ? { type: "value", min: least - before, max: most, interval: 1, axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false }, axisLabel: { show: false } }
      : { type: "value", show: false },
    yAxis: { type: "category", inverse: true, data: lines.map(([label]) => label.replace(" bytes", "")), axisTick: { show: false }, axisLine: { show: false, onZero: false }, axisLabel: { color: colours.ink, fontSize: narrow ? 11 : 13, width: named, overflow: "break" } },
    tooltip: { trigger: "item", formatter: ({ seriesIndex: i, dataIndex: at }) => tip(models.names[i], [[lines[at][0], cell(lines[at][2][i], lines[at][1])]]) },
    series: models.names.map((name, i) => ({
      type: "bar", name, barWidth: 12, barGap: "25%", barMinHeight: log ? 3 : 0, itemStyle: { color: colours.marks[i % 8], borderRadius: [0, 2, 2, 0] },
      label: { show: true, position: "right", color: colours.faint, fontSize: 11, formatter: ({ dataIndex }) => label(i, dataIndex) },
      data: lines.map(([, , , ratios]) => ({ value: drawn(ratios[i]), ...(drawn(ratios[i]) < 0 ? { label: { position: "left" } } : {}), ...(log && !(ratios[i] > 0) ? { itemStyle: { opacity: 0 } } : {}) })),
      ...(log && !i ? { markLine: { silent: true, symbol: "none", z: 0, lineStyle: { type: "solid", color: colours.line, width: 1 }, label: { show: false },
        data: Array.from({ length: most - least + 1 }, (_, power) => ({ xAxis: least + power })) } } : {}),
    })),
  };
}
