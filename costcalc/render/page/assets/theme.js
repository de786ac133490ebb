// Charts in the page's own colours, light and dark, which follow them: a page that is printed is always light.

const FONT = getComputedStyle(document.body).fontFamily;
const systemTheme = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const drawings = new Set();
let printing = false;

function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const eight = (name) => Array.from({ length: 8 }, (_, i) => colour(`${name}${i}`));
  return { ...Object.fromEntries(["ink", "faint", "line", "paper", "raised", "header"].map((name) => [name, colour(name)])), fills: eight("fill"), marks: eight("mark") };
}

// A chart in a box; option(colours, width, chart) is asked again when the colours or the width change.
function chart(box, option, label) {
  const made = echarts.init(box, null, { renderer: "svg" });
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", label);
  const draw = (anew = true) => made.setOption(common(option(theme(), box.clientWidth, made)), anew);
  const watch = new ResizeObserver(() => {
    if (!box.isConnected || !box.clientWidth || box.clientWidth === made.getWidth()) return;
    made.resize();
    draw();
  });
  watch.observe(box);
  const one = { made, draw, close: () => { watch.disconnect(); drawings.delete(one); made.dispose(); } };
  drawings.add(one);
  draw();
  return one;
}

function common(option) {
  const { ink, line, raised, paper } = theme();
  return {
    animation: !still.matches && !printing,
    animationDuration: 250,
    animationDurationUpdate: 250,
    textStyle: { fontFamily: FONT, color: ink },
    tooltip: {
      backgroundColor: paper, borderColor: line, textStyle: { color: ink, fontSize: 13 }, confine: true,
      extraCssText: "box-shadow:0 4px 16px rgba(0,0,0,.16);max-width:22rem;white-space:normal", ...option.tooltip,
    },
    ...Object.fromEntries(Object.entries(option).filter(([key]) => key !== "tooltip")),
  };
}

function redraw() {
  for (const one of drawings) {
    one.made.resize();
    one.draw();
  }
}

systemTheme.addEventListener("change", redraw);
for (const [event, on] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    printing = on;
    document.documentElement.classList.toggle("printing", on);
    redraw();
  });
}
