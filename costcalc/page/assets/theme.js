// Colours of charts, light and dark, and charts that follow them: a page that is printed is always light.

const THEMES = {
  light: {
    ink: "#1c2127", faint: "#5c6570", line: "#d9dde2", paper: "#ffffff", raised: "#f4f5f7", header: "#e6e9ed",
    fills: ["#8db9e0", "#f0bf86", "#86cbb8", "#c4b1e4", "#e9a9a0", "#b9d088", "#e5d07c", "#c5cad1"],
    marks: ["#2667a8", "#b2600c", "#0c7a68", "#6c4fb0", "#b0453a", "#4f7a1a", "#8a6d00", "#66707c"],
  },
  dark: {
    ink: "#e7eaee", faint: "#9aa4b0", line: "#343b44", paper: "#14171b", raised: "#1c2126", header: "#2a3038",
    fills: ["#2b5d8e", "#87531c", "#1d6b5c", "#5b4893", "#8c443c", "#4d6b22", "#766317", "#4b535d"],
    marks: ["#74aee2", "#eaa35e", "#56c4ae", "#b19ce8", "#e78f85", "#a2cc69", "#dcc257", "#99a3af"],
  },
};
const FONT = getComputedStyle(document.body).fontFamily;
const asked = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const drawings = new Set();
let printing = false;

const theme = () => THEMES[asked.matches && !printing ? "dark" : "light"];

// A chart in a box; option() is asked again when the colours or the width change.
function chart(box, option, label) {
  const made = echarts.init(box, null, { renderer: "svg" });
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", label);
  const draw = (anew = true) => made.setOption(common(option(theme(), box.clientWidth)), anew);
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

asked.addEventListener("change", redraw);
for (const [event, on] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    printing = on;
    document.documentElement.classList.toggle("printing", on);
    redraw();
  });
}
