// A page of charts alone, as `costcalc plot` makes it: bars, live bytes, roofs and fronts below each other.

const DRAWN = { bars: barsOf, memory: liveOf, roofline: roofsOf, pareto: frontOf };

// Units that are written with a prefix below one.
const SMALL = { seconds: "s", joules: "J" };

function barsOf(chartData) {
  const kinds = [...new Set(chartData.bars.map(([, , kind]) => kind).filter(Boolean))];
  const colour = (kind) => Math.max(0, Math.min(7, kinds.indexOf(kind)));
  const text = (value) => `${chartData.unit === "bytes" ? bytes(value) : short(value)}  ${percent(value / chartData.whole)}`;
  const height = 34 + chartData.bars.length * 26;
  return { height, legend: kinds.length > 1 ? kinds.map((kind) => [kind, colour(kind)]) : [], about: chartData.quantity,
    after: chartData.rest[0] ? `${exact(chartData.rest[0])} more: ${text(chartData.rest[1])}` : "",
    option: (colours, width) => ({
      grid: { left: 8, right: 110, top: 4, bottom: 4, containLabel: true },
      xAxis: { type: "value", show: false },
      yAxis: { type: "category", inverse: true, data: chartData.bars.map(([name]) => name), axisTick: { show: false }, axisLine: { show: false },
        axisLabel: { color: colours.ink, fontSize: 12, formatter: (name) => fitted(name, width < 600 ? 120 : 320, "12px") } },
      tooltip: { formatter: ({ dataIndex: i }) => tip(chartData.bars[i][0], [["Operator", chartData.bars[i][2]], [chartData.quantity, exact(chartData.bars[i][1])]]) },
      series: [{ type: "bar", barMaxWidth: 16, label: { show: true, position: "right", color: colours.faint, fontSize: 12, formatter: ({ dataIndex: i }) => text(chartData.bars[i][1]) },
        data: chartData.bars.map(([, value, kind]) => ({ value: plain(value), itemStyle: { color: colours.marks[colour(kind)], borderRadius: [0, 2, 2, 0] } })) }],
    }) };
}

function liveOf(chartData) {
  const data = { live: chartData.values, steps: chartData.names, peak: chartData.values[chartData.peak], step: chartData.peak };
  return { height: 340, legend: [], about: `Live activation bytes by step; the peak is at step ${exact(chartData.peak + 1)}, ${chartData.names[chartData.peak]}`, option: (colours) => timeline(data, { step: chartData.peak }, colours) };
}

function roofsOf(chartData) {
  const kinds = [...new Set([...chartData.spots].sort((a, b) => b[3] - a[3]).map(([, kind]) => kind))];
  const devices = chartData.devices.map(([name, precision, peak, bandwidth, text]) => ({ id: name, name, precision, peak, bandwidth, peak_text: text }));
  const points = chartData.spots.map(([name, kind, intensity, share]) => ({ intensity, time: share, colour: Math.min(7, kinds.indexOf(kind)), ...(chartData.whole ? { size: 14 } : {}),
    about: () => tip(name, [["Operator", chartData.whole ? "" : kind], ["FLOP per byte", digits(intensity)], ["Of the time", chartData.whole ? "" : percent(share)]]) }));
  return { height: 380, roofs: devices, legend: kinds.map((kind, i) => [kind, Math.min(7, i)]), about: `Under the roof of ${devices[0].name}: left of the bend memory is the limit, right of it arithmetic`,
    option: (colours, width) => roofs(devices, points, devices[0], colours, width) };
}

function frontOf(chartData) {
  const [x, y] = [chartData.x, chartData.y].map(([key, title, unit, greatest], i) => {
    const values = chartData.points.map((point) => point[i + 1]);
    const log = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 20;
    return { title: `${title}${greatest ? " (more is better)" : ""}`, log, small: unit in SMALL,
      text: (value) => (unit === "bytes" ? bytes(Math.round(value)) : unit in SMALL ? seconds(value, SMALL[unit]) : short(value)).trim() };
  });
  // Labels go inwards from both sides, for outside the chart they would be cut.
  const place = (value) => (x.log ? Math.log(value) : value);
  const places = chartData.points.map(([, value]) => place(value));
  const isLeft = (value) => place(value) <= (Math.min(...places) + Math.max(...places)) / 2;
  const best = chartData.points.filter((point) => point[3]).sort((a, b) => a[1] - b[1]);
  const axis = (one, colours) => ({ type: one.log ? "log" : "value", scale: true, name: one.title, nameTextStyle: { color: colours.faint }, axisLine: { lineStyle: { color: colours.line } },
    splitLine: { lineStyle: { color: colours.line } }, axisLabel: { color: colours.faint, formatter: one.text, hideOverlap: true } });
  return { height: 440, legend: [["none is as good in both and better in one", 0], ["beaten by another", 7]], about: `${exact(best.length)} of ${exact(chartData.points.length)} ${best.length === 1 ? "is" : "are"} beaten by no other`,
    option: (colours, width) => ({
      grid: { left: 8, right: 24, top: 40, bottom: 28, containLabel: true },
      tooltip: { formatter: ({ data: { at } }) => (at === undefined ? "" : tip(chartData.points[at][0], [x, y].map((one, i) => [one.title, one.small ? one.text(chartData.points[at][i + 1]) : exact(chartData.points[at][i + 1])]))) },
      xAxis: { ...axis(x, colours), nameLocation: "middle", nameGap: 30 }, yAxis: { ...axis(y, colours), nameTextStyle: { color: colours.faint, align: "left" } },
      series: [
        { type: "line", step: chartData.x[3] ? "start" : "end", symbol: "none", silent: true, lineStyle: { color: colours.marks[0], width: 1.2, opacity: 0.6 }, data: best.map(([, a, b]) => [a, b]) },
        { type: "scatter", symbolSize: 9, labelLayout: { hideOverlap: true },
          data: chartData.points.map((point, at) => [point, at]).sort((a, b) => b[0][3] - a[0][3]).map(([[name, a, b, good], at]) => ({ at, value: [a, b], itemStyle: { color: colours.marks[good ? 0 : 7], borderColor: colours.paper },
            label: { show: good || (width >= 600 && chartData.points.length <= 40), position: isLeft(a) ? "right" : "left", color: good ? colours.ink : colours.faint, fontSize: 12, formatter: () => fitted(name, width < 600 ? 120 : 180, "12px") } })) },
      ],
    }) };
}

const charts = data.charts.map(({ kind, ...chartData }, i) => {
  const one = DRAWN[kind](chartData);
  const box = element("div", { class: "chart", style: `height:${one.height}px` });
  const colours = new Map(one.legend.map(([kind, colour]) => [colour, one.legend.filter((other) => other[1] === colour).length > 1 ? "others" : kind]));
  return { box, one, section: section(`chart${i}`, chartData.title, element("p", { class: "lead" }, one.about), box, one.roofs ? roofNames(one.roofs, one.roofs[0]) : null, one.after ? element("p", { class: "status" }, one.after) : null,
    colours.size ? element("ul", { class: "legend" }, [...colours].map(([colour, kind]) => element("li", {}, element("i", { class: `mark${colour}`, "aria-hidden": "true" }), kind))) : null) };
});
// Behind the title of a page that has tables too.
const [main, sections] = [document.getElementById("main"), charts.map(({ section: made }) => made)];
if (main.querySelector(".title")) main.querySelector(".title").after(...sections);
else main.append(...sections);
document.querySelector(".top").remove();
for (const { box, one } of charts) chart(box, one.option, one.about);
document.getElementById("foot").append(`Made by costcalc ${data.version}, charts by Apache ECharts ${echarts.version}.`);
document.documentElement.dataset.ready = "true";
