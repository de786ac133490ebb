// What bounds the time: each device's roof over arithmetic intensity, and where the layers stand under it.

function roofline(model) {
  const usable = model.devices.filter((device) => device.peak && device.bandwidth);
  const made = section("roofline", "Roofline",
    element("p", { class: "lead" }, `${model.drawn ? `Drawn ${model.drawn}. ` : ""}FLOPs for each byte that a layer reads and writes, and the speed that a device allows at best there: left of the bend memory is the limit, right of it arithmetic. A circle is a layer; its area is its share of the time, layer by layer.`));
  const state = { device: usable[0] };
  const points = usable.length ? pointsOf(model, state) : [];
  const decided = points.length > 0;
  const box = element("div", { class: "chart" });
  const status = element("p", { class: "status", "aria-live": "polite" });
  const roofList = element("div");
  let picture = null;

  function show() {
    roofList.replaceChildren(roofNames(usable, state.device));
    const by = state.device.bound_by;
    const count = (name) => by.filter((one) => one === name).length;
    status.textContent = `${state.device.name}: ${counted(count("compute"))} bound by compute, ${exact(count("memory"))} by memory.${points.length > MOST_CIRCLES ? ` The ${exact(MOST_CIRCLES)} of ${exact(points.length)} layers that take most of the time are drawn.` : ""}`;
    if (picture) picture.draw();
  }

  if (decided) {
    made.append(element("div", { class: "controls" }, choice("Layers on", usable.map((d) => [d.id, d.name]), state.device.id,
      (id) => { state.device = usable.find((d) => d.id === id); show(); })), box, roofList, status, legendOf(model, points.map((point) => point.layer), "mark"));
    made.start = () => {
      picture = chart(box, (colours, width) => roofs(usable, points, state.device, colours, width), "Attainable speed by arithmetic intensity; the table below has the bounds");
      show();
      return picture;
    };
  } else {
    const open = [...new Set(model.devices.flatMap((device) => device.open))];
    made.append(element("div", { class: "status" }, open.length ? readable(`It depends on ${open.join(", ")}: bind with --dim.`) : "The devices have no peak for what this model multiplies; name others with --hardware."));
  }
  const titles = ["Device", "Peak", "Memory", "Lower bound", "Layer by layer", "Fits"];
  const placed = model.devices.some((device) => device.placement.length > 0);
  if (placed) titles.push("NPU");
  made.append(wide("Bounds on the devices", element("table", { class: "figures prose cards" },
    element("thead", {}, row(titles.map((title, i) => [title, !i || i > 3]), "th")),
    element("tbody", {}, model.devices.map((device) => labelled(titles, row([
      [`${device.name}`, true],
      [device.peak ? `${device.precision} ${device.peak_text}` : `no peak for ${device.precision}`],
      [device.bandwidth_text || "?"],
      [device.seconds === null ? `? (${undecided(device)})` : `≥ ${seconds(device.seconds)}`],
      [device.layer_by_layer.split(" (")[0], true],
      [device.fits.map(([text, fits]) => `${fits ? "" : "Does not fit: "}${text}`).join("; "), true],
      ...(placed ? [[device.placement.map(([label, text]) => (label ? `${label}: ${text}` : text)).join("; "), true]] : []),
    ])))))));
  return made;
}

// Circles that are drawn: of the layers that take most of the time.
const MOST_CIRCLES = 1200;

// The layers that compute: where each stands, how it is coloured, what it takes and says on the chosen device.
function pointsOf(model, state) {
  const { flops, traffic_bytes: moved, name, kind } = model.layers;
  return name.map((title, layer) => ({
    layer, intensity: plain(flops[layer]) / plain(moved[layer]), flops: plain(flops[layer]), colour: colourOf(model, layer),
    get time() { return state.device.times[layer] ?? 0; },
    about: (whole) => tip(title, [["Operator", kind[layer]], ["FLOP per byte", digits(plain(flops[layer]) / plain(moved[layer]))], ["FLOPs", exact(flops[layer])],
      ["Traffic", bytes(moved[layer])], ["Time", seconds(state.device.times[layer])], ["Of the time", percent((state.device.times[layer] ?? 0) / whole)], ["Bound by", state.device.bound_by[layer]]]),
  })).filter((point) => point.flops > 0 && Number.isFinite(point.intensity));
}

function roofs(devices, points, device, colours, width) {
  const intensities = points.map((point) => point.intensity);
  const bends = devices.map((device) => device.peak / device.bandwidth);
  const left = 10 ** Math.floor(Math.log10(Math.min(...intensities, ...bends) / 1.5));
  const right = 10 ** Math.ceil(Math.log10(Math.max(...intensities, ...bends) * 1.5));
  const narrow = width < 600;
  const time = points.map((point) => point.time);
  const all = time.reduce((a, b) => a + b, 0) || 1;
  const order = points.map((_, i) => i).sort((a, b) => time[b] - time[a]).slice(0, MOST_CIRCLES);
  const top = 10 ** Math.ceil(Math.log10(Math.max(...devices.map((one) => one.peak)) * 1.6));
  const bottom = 10 ** Math.floor(Math.log10(Math.min(...devices.map((one) => one.bandwidth)) * left * 1.01));
  const most = 278;
  const lines = narrow || 34 * (devices.length - 1) > most ? 1 : 2;
  const lift = spread(devices.map((one) => (Math.log10(one.peak / bottom) / Math.log10(top / bottom)) * most), lines * 16, most);
  const axis = { type: "log", axisLine: { lineStyle: { color: colours.line } }, splitLine: { lineStyle: { color: colours.line } }, minorSplitLine: { show: false } };
  return {
    grid: { left: 8, right: narrow ? 22 : 196, top: 34, bottom: 28, containLabel: true },
    tooltip: { trigger: "item" },
    xAxis: { ...axis, name: "FLOP per byte", nameLocation: "middle", nameGap: 28, nameTextStyle: { color: colours.faint }, min: left, max: right, axisLabel: { color: colours.faint, formatter: intensity, hideOverlap: true } },
    yAxis: { ...axis, name: "FLOP/s", nameTextStyle: { color: colours.faint, align: "left" }, min: bottom, max: top, axisLabel: { color: colours.faint, formatter: (value) => short(value).trim(), hideOverlap: true } },
    series: [
      ...devices.map((one, i) => {
        const chosen = one === device;
        return {
          type: "line", symbol: "none", silent: true, z: 2, lineStyle: { color: chosen ? colours.ink : colours.faint, width: chosen ? 2 : 1.25, type: chosen ? "solid" : "dashed" },
          label: { show: false }, data: [[left, one.bandwidth * left], [one.peak / one.bandwidth, one.peak], [right, one.peak]],
          markPoint: { silent: true, symbol: "circle", symbolSize: 0.01, label: { show: true, color: chosen ? colours.ink : colours.faint, fontWeight: chosen ? 600 : 400, fontSize: narrow ? 11 : 12, backgroundColor: colours.paper, padding: [1, 3],
            align: "left", verticalAlign: "middle", offset: [narrow ? 2 : 6, -lift[i]],
            formatter: narrow ? letter(i) : lines === 1 ? `${one.name}  ${one.peak_text}` : `${one.name}\n${one.precision} ${one.peak_text}`, lineHeight: 15 }, data: [{ coord: [right, one.peak] }] },
        };
      }),
      {
        type: "scatter", z: 3, itemStyle: { opacity: 0.8, borderColor: colours.paper, borderWidth: 1 },
        tooltip: { formatter: ({ data: { at: i } }) => points[i].about(all) },
        data: order.map((i) => ({
          at: i, value: [points[i].intensity, Math.min(device.peak, points[i].intensity * device.bandwidth)],
          symbolSize: points[i].size ?? Math.max(5, Math.sqrt(time[i] / all) * (narrow ? 60 : 90)),
          itemStyle: { color: colours.marks[points[i].colour] },
        })),
      },
    ],
  };
}

// How far labels are raised or lowered so that none stands on another, and none outside: their heights in pixels, from
// below, the room that each takes, and the height of the chart.
function spread(heights, room, most) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const places = [];
  order.forEach((i, k) => places.push(k ? Math.max(heights[i], places[k - 1] + room) : heights[i]));
  for (let k = places.length - 1, limit = most; k >= 0; k -= 1, limit = places[k + 1] - room) places[k] = Math.min(places[k], limit);
  const lift = [];
  order.forEach((i, k) => { lift[i] = places[k] - heights[i]; });
  return lift;
}

// A roof's letter, at its end in a chart that has no room for names, and before its name below.
const letter = (i) => String.fromCharCode(65 + (i % 26));

function roofNames(devices, device) {
  return element("ul", { class: "legend roofs" }, devices.map((one, i) => element("li", {}, element(one === device ? "strong" : "span", {}, `${letter(i)}  ${one.name}  ${one.peak_text}`))));
}

const intensity = (value) => (value < 1 ? String(value) : short(value).trim());

// Why there is no bound of time on a device.
function undecided(device) {
  if (device.open.length) return brief(`depends on ${device.open.join(", ")}`, 60);
  if (!device.peak) return `no peak for ${device.precision}`;
  if (device.without_peak.length) return `no peak for ${device.without_peak.join(", ")}`;
  return device.bandwidth ? "an If is open" : "no bandwidth is published";
}
