// When memory is needed, and by what: live bytes over the steps, and the tensors that live through the chosen one.

function memory(model) {
  const footprint = model.memory;
  if (footprint.open) return section("memory", "Memory over time", element("div", { class: "status" }, readable(footprint.open)));
  const state = { step: footprint.step };
  const last = footprint.live.length - 1;
  const box = element("div", { class: "chart" });
  const status = element("p", { class: "status", "aria-live": "polite" });
  const body = element("tbody");
  const slider = element("input", { type: "range", min: 0, max: last, step: 1, value: state.step, "aria-label": "Step", oninput: () => go(Number(slider.value)) });
  const back = element("button", { type: "button", onclick: () => go(footprint.step) }, "Peak");
  let picture = null;

  function go(step) {
    state.step = Math.max(0, Math.min(last, step));
    slider.value = state.step;
    slider.setAttribute("aria-valuetext", `${state.step + 1} of ${last + 1}, ${footprint.steps[state.step] ?? ""}`);
    show();
    if (picture) picture.draw(false);
  }

  function show() {
    const live = plain(footprint.live[state.step]);
    const peak = state.step === footprint.step;
    status.replaceChildren(element("b", {}, `${footprint.least ? "≥ " : ""}${bytes(live)}`),
      ` at step ${exact(state.step + 1)} of ${exact(last + 1)}${peak ? ", the peak" : ` (${percent(live / plain(footprint.peak))} of the peak)`}: `,
      element("span", { class: "name" }, footprint.steps[state.step] ?? ""));
    back.disabled = peak;
    const liveBuffers = footprint.buffers.filter(([, , , , first, last]) => first <= state.step && state.step <= last);
    liveBuffers.sort((a, b) => plain(b[3]) - plain(a[3]));
    body.replaceChildren(...liveBuffers.slice(0, 12).map(([name, shape, dtype, size, first, last]) =>
      row([[name, true], [bytes(size)], [percent(plain(size) / live)], [dtype, true], [shape], [exact(first + 1)], [exact(last + 1)]])));
    if (liveBuffers.length > 12) body.append(row([[`${exact(liveBuffers.length - 12)} more`, true], [bytes(liveBuffers.slice(12).reduce((sum, one) => sum + plain(one[3]), 0))], [""], [""], [""], [""], [""]]));
  }

  const made = section("memory", "Memory over time",
    element("p", { class: "lead" }, `Live activation bytes at each step, ${footprint.execution ? `executed with ${footprint.execution}` : "every layer on its own, nothing computed in place"}${model.drawn ? `, ${model.drawn}` : ""}. A tensor lives from the step that computes it to the last that reads it; weights are not counted. ${footprint.weights}`),
    box, element("div", { class: "controls slide" }, slider, back), status,
    wide("Tensors alive at the step", element("table", { class: "figures tensors" },
      element("thead", {}, row([["Tensor", true], ["Size"], ["Of live"], ["Type", true], ["Shape"], ["From"], ["To"]], "th")), body)));
  made.start = () => {
    picture = chart(box, (colours) => timeline(footprint, state, colours), `Live activation bytes by step, at most ${bytes(footprint.peak)}; the slider below chooses a step`);
    picture.made.getZr().on("click", (event) => {
      const [at] = picture.made.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY]);
      go(Math.round(at) - 1);
    });
    show();
    return picture;
  };
  return made;
}

function timeline(footprint, state, colours) {
  const live = footprint.live.map(plain);
  const top = plain(footprint.peak);
  const step = niceBytes(top / 4);
  const last = live.length - 1;
  const at = (x) => Math.max(0, Math.min(last, Math.round(x) - 1));
  const points = live.map((value, i) => [i + 1, value]);
  return {
    grid: { left: 4, right: 16, top: 28, bottom: 24, containLabel: true },
    tooltip: { trigger: "axis", axisPointer: { lineStyle: { color: colours.faint } },
      formatter: ([{ value: [x] }]) => { const i = at(x); return tip(footprint.steps[i], [["Live", `${bytes(live[i])} (${percent(live[i] / top)} of the peak)`], ["Step", exact(i + 1)]]); } },
    xAxis: { type: "value", name: "step", nameLocation: "middle", nameGap: 26, nameTextStyle: { color: colours.faint }, min: 0.5, max: live.length + 0.5, minInterval: 1, splitLine: { show: false },
      axisLine: { lineStyle: { color: colours.line } }, axisLabel: { color: colours.faint, showMinLabel: false, showMaxLabel: false, formatter: exact } },
    yAxis: { type: "value", min: 0, max: Math.max(1, Math.ceil((top * 1.04) / step) * step), interval: step, splitLine: { lineStyle: { color: colours.line } }, axisLabel: { color: colours.faint, formatter: (value) => bytes(value) } },
    series: [{
      type: "line", step: "middle", symbol: "none", sampling: "max", lineStyle: { color: colours.marks[0], width: 1.5 },
      areaStyle: { color: colours.fills[0], opacity: 0.55 }, itemStyle: { color: colours.marks[0] },
      data: [[0.5, live[0]], ...points, [live.length + 0.5, live[last]]],
      markLine: { symbol: "none", silent: true, animation: false, lineStyle: { color: colours.marks[1], width: 1.5, type: "solid" },
        label: { color: colours.ink, fontSize: 12, formatter: state.step === footprint.step ? `peak ${bytes(top)}` : bytes(live[state.step]),
          position: "end", rotate: 0, align: state.step > live.length * 0.8 ? "right" : state.step < live.length * 0.2 ? "left" : "center", distance: 6 },
        data: [{ xAxis: state.step + 1 }] },
    }],
  };
}

// A step of an axis in bytes: 1, 2, 4, 8 … of a binary unit.
function niceBytes(value) {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
