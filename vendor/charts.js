// The parts of ECharts that a report draws with, and dagre, which lays out its network diagram; as two globals.
import * as dagre from "@dagrejs/dagre";
import { BarChart, LineChart, ScatterChart, SunburstChart, TreemapChart } from "echarts/charts";
import { AriaComponent, GridComponent, MarkLineComponent, MarkPointComponent, TooltipComponent } from "echarts/components";
import { init, use, version } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

use([
  BarChart, LineChart, ScatterChart, SunburstChart, TreemapChart,
  AriaComponent, GridComponent, MarkLineComponent, MarkPointComponent, TooltipComponent,
  LabelLayout, SVGRenderer,
]);

globalThis.echarts = { init, version };
globalThis.dagre = { Graph: dagre.graphlib.Graph, layout: dagre.layout, version: dagre.version };
