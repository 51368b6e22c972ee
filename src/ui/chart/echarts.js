// The parts of ECharts that Takings draws with, as one tree-shaken bundle. `charming` finds it as the global `echarts`.
import { use, init, registerPreprocessor } from "echarts/core";
import { LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([LineChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

// Tooltips are drawn on the canvas: as HTML they would need inline styles, which the content security policy forbids.
registerPreprocessor((option) => {
  for (const tooltip of [option.tooltip].flat()) {
    if (tooltip) tooltip.renderMode = "richText";
  }
});

// Calls back with the place of the point that is nearest to a click.
const onPoint = (chart, handle) => {
  chart.getZr().on("click", ({ offsetX, offsetY }) => {
    if (!chart.containPixel("grid", [offsetX, offsetY])) return;
    const [place] = chart.convertFromPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [offsetX, offsetY]);
    handle(Math.round(place));
  });
};

window.echarts = { init, onPoint };
