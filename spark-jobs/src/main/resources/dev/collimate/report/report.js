(() => {
  "use strict";
  const place = document.getElementById("charts");
  if (!place) return;
  const charts = JSON.parse(document.getElementById("chart-data").textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const tone = (series) => css(series.tone.toLowerCase().replace("_", "-"));
  const number = (v) => {
    if (v == null) return "–";
    const size = Math.abs(v);
    return size !== 0 && (size < 1e-3 || size >= 1e7) ? v.toExponential(2) : String(+v.toPrecision(4));
  };

  // A moving average beside the raw line, where a line has enough points to be noisy.
  const smooth = (values) => {
    const keep = 1 - 2 / (Math.max(5, values.length / 12) + 1);
    let mean = null;
    return values.map((v) => (v == null ? null : (mean = mean == null ? v : keep * mean + (1 - keep) * v)));
  };

  // Noise goes up and down by far more than the curve as a whole does.
  const isNoisy = (values) => {
    const known = values.filter((v) => v != null);
    const travelled = known.reduce((sum, v, i) => sum + (i ? Math.abs(v - known[i - 1]) : 0), 0);
    return known.length > 40 && travelled > 3 * (Math.max(...known) - Math.min(...known));
  };

  // Under the cursor; without one, the last value.
  const shown = (values) => (u, v, index, at) =>
    number(at == null ? values.findLast((known) => known != null) : values[at]);

  const build = (chart) => {
    const data = [chart.x];
    const series = [{ label: "step", value: shown(chart.x) }];
    const bands = [];
    if (chart.stacked) {
      let below = chart.x.map(() => 0);
      const tops = chart.series.map((s) => (below = below.map((v, i) => v + (s.values[i] ?? 0))));
      // The highest first, so that each band covers what is above the next.
      for (let i = tops.length - 1; i >= 0; i--) {
        const own = chart.series[i];
        data.push(tops[i]);
        series.push({
          label: own.label,
          stroke: tone(own),
          fill: tone(own),
          width: 0.5,
          points: { show: chart.x.length < 3 },
          value: shown(own.values),
        });
        if (i > 0) bands.push({ series: [tops.length - i, tops.length - i + 1] });
      }
    } else {
      for (const own of chart.series) {
        const color = tone(own);
        const noisy = !own.points && isNoisy(own.values);
        if (noisy) {
          const mean = smooth(own.values);
          data.push(mean);
          series.push({ label: own.label + ", smoothed", stroke: color, width: 2, spanGaps: true, points: { show: false }, value: shown(mean) });
        }
        data.push(own.values);
        series.push({
          label: own.label,
          stroke: noisy ? color + "55" : color,
          width: noisy ? 1 : 2,
          dash: own.points ? [5, 4] : undefined,
          spanGaps: true,
          points: { show: own.points || own.values.length < 3, size: 7, fill: color, stroke: color },
          value: shown(own.values),
        });
      }
    }
    const axis = { stroke: css("soft"), grid: { stroke: css("grid"), width: 1 }, ticks: { stroke: css("grid"), width: 1 }, font: "11px system-ui, sans-serif" };
    return {
      data,
      options: {
        height: 210,
        padding: [8, 12, 0, 0],
        cursor: { sync: { key: "steps" }, points: { size: 6 } },
        scales: { x: { time: false }, y: chart.stacked ? { range: (u, min, max) => [0, max * 1.05 || 1] } : {} },
        axes: [axis, { ...axis, size: 58, values: (u, ticks) => ticks.map(number) }],
        series,
        bands,
        legend: { live: true },
      },
    };
  };

  const draw = () => {
    place.textContent = "";
    for (const chart of charts) {
      const box = document.createElement("div");
      box.className = "chart";
      const title = document.createElement("h3");
      title.textContent = chart.title;
      const note = document.createElement("p");
      note.textContent = chart.note;
      box.append(title, note);
      place.append(box);
      const { data, options } = build(chart);
      new uPlot({ ...options, width: Math.max(260, box.clientWidth - 32) }, data, box);
    }
  };
  draw();
  let wait;
  addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(draw, 150); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
