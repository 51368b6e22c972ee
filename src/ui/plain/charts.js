// Charts over the server's pictures. What they show is in `data-chart`, with `ink0` and on for the colours of the theme; what
// is said of each point is in `data-said`.

const TOKENS = ["--accent", "--quiet", "--text", "--line", "--raised", "--decline"];

const inHead = (name) => document.querySelector(`meta[name=${name}]`)?.content;

let library;
const loaded = () =>
  (library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = inHead("chart-bundle");
    script.onload = resolve;
    script.onerror = () => {
      // The next chart tries again.
      library = undefined;
      reject();
    };
    document.head.append(script);
  }));

const options = (text) => {
  const style = getComputedStyle(document.documentElement);
  const ink = (value) => style.getPropertyValue(TOKENS[value[3]]).trim();
  const read = JSON.parse(text, (_, value) => (/^ink[0-5]$/.test(value) ? ink(value) : value));
  // On a phone there is no room for every name.
  read.xAxis.axisLabel.hideOverlap = true;
  return read;
};

const draw = async (figure) => {
  const area = figure.querySelector(".chart-area");
  // Without the library the picture and the table say the same.
  await loaded();
  const chart = echarts.init(figure.querySelector(".chart-canvas"));
  const paint = () => echarts.draw(chart, options(figure.dataset.chart));
  paint();
  // Takes the place of a figure of the same chart, with its newer points.
  figure.take = (fresh) => {
    Object.assign(figure.dataset, fresh.dataset);
    fresh.replaceWith(figure);
    paint();
  };
  area.classList.add("is-drawn");
  new ResizeObserver(() => chart.resize()).observe(area);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
};

const MOVES = {
  ArrowLeft: (at, last) => (at === undefined ? last : Math.max(at - 1, 0)),
  ArrowRight: (at, last) => (at === undefined ? 0 : Math.min(at + 1, last)),
  Home: () => 0,
  End: (_, last) => last,
};

const readable = (figure) => {
  const line = figure.querySelector(".chart-said");
  let at;
  figure.querySelector(".chart-area").addEventListener("keydown", (event) => {
    const [said, move] = [JSON.parse(figure.dataset.said), MOVES[event.key]];
    if (!move || said.length === 0) return;
    event.preventDefault();
    at = move(at, said.length - 1);
    line.textContent = said[at];
  });
};

export const FIGURES = "figure[data-chart]";

export const charts = (root) => {
  for (const figure of root.querySelectorAll(FIGURES)) {
    if (figure.take) continue;
    readable(figure);
    draw(figure).catch(() => {});
  }
};
