// The parts of ECharts that Takings draws with, as one tree-shaken bundle. `charming` finds it as the global `echarts`.
import { use, init, getMap, registerMap, registerPreprocessor } from "echarts/core";
import { LineChart, MapChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
import { feature } from "topojson-client";

use([LineChart, MapChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

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

// Resolves when an element is about to come into view.
const seen = (element) =>
  new Promise((resolve) => {
    const look = (entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      resolve();
    };
    new IntersectionObserver(look, { rootMargin: "100px" }).observe(element);
  });

// Waits until the element comes into view, then gets the countries of the world, once a page.
const world = async (element, address) => {
  await seen(element);
  if (getMap("world")) return;
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the map was answered with ${answer.status}`);
  const topology = await answer.json();
  registerMap("world", feature(topology, topology.objects.countries));
};

// The map as options: `regions` are [name, colour, words], `ink` the colours of the theme.
const worldMap = ({ regions, ink: [, , text, line, raised] }) => ({
  tooltip: { trigger: "none", backgroundColor: raised, borderColor: line, textStyle: { color: text } },
  series: [
    {
      type: "map",
      map: "world",
      aspectScale: 1,
      left: 0,
      right: 0,
      top: 0,
      bottom: 0,
      selectedMode: false,
      itemStyle: { areaColor: line, borderColor: raised, borderWidth: 0.5 },
      emphasis: { label: { show: false }, itemStyle: { areaColor: line, borderColor: text, borderWidth: 1.5 } },
      data: regions.map(([name, areaColor, words]) => ({
        name,
        value: 0,
        itemStyle: { areaColor },
        emphasis: { itemStyle: { areaColor } },
        tooltip: { trigger: "item", formatter: words },
      })),
    },
  ],
});

// Labels beside this many marks at most; more would cover the line, and the tooltips have them all.
const LABELS_MAX = 4;
const LABEL_CHARS = 24;
const short = (text) => (text.length > LABEL_CHARS ? `${text.slice(0, LABEL_CHARS - 1)}…` : text);
// Text from outside is never a template of ECharts.
const plain = (text) => text.replace(/[{}|]/g, " ");

// A line chart with what is to be remembered of its points, `marks`: a ring on each, and its words in the tooltip.
const line = ({ marks, ...option }) => {
  const { tooltip, series } = option;
  const template = tooltip.formatter;
  const few = marks.filter(Boolean).length <= LABELS_MAX;
  const ring = (text, i) => ({
    value: text ? series[0].data[i] : "-",
    label: { show: few && !!text, position: "top", color: tooltip.textStyle?.color ?? series[1].lineStyle.color, formatter: plain(short(text)) },
  });
  const formatter = (points) => {
    const part = (_, key, i) => points[i]?.[{ a: "seriesName", b: "name", c: "value" }[key]] ?? "";
    const words = marks[points[0]?.dataIndex];
    return template.replace(/\{([abc])(\d)\}/g, part) + (words ? `\n${plain(words)}` : "");
  };
  const itemStyle = { color: tooltip.backgroundColor, borderColor: series[0].lineStyle.color, borderWidth: 2 };
  const rings = { id: "marks", type: "line", silent: true, showAllSymbol: true, symbol: "circle", symbolSize: 9, itemStyle, lineStyle: { opacity: 0 }, data: marks.map(ring) };
  return { ...option, tooltip: { ...tooltip, formatter }, series: [...series, rings] };
};

// Draws options of ECharts with marks, or a map's regions.
const draw = (chart, what) => chart.setOption(what.regions ? worldMap(what) : line(what));

// Calls back with the name of the region that is clicked, where the map has something to say of it.
const onRegion = (chart, handle) => chart.on("click", ({ name, value }) => Number.isFinite(value) && handle(name));

// Shows which region the keyboard is at, and no other.
const markRegion = (chart, name) => {
  chart.dispatchAction({ type: "downplay", seriesIndex: 0 });
  chart.dispatchAction({ type: "highlight", seriesIndex: 0, name });
};

window.echarts = { init, draw, onPoint, world, onRegion, markRegion };
