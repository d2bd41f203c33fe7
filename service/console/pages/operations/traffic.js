// Requests, times, errors, searches and memory as charts, from `/metrics`.

import { get } from "../../api.js";
import { createBarChart } from "../../components/charts/bar-chart.js";
import { createLineChart } from "../../components/charts/line-chart.js";
import { errorState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { bytes, number } from "../../format.js";
import { t } from "../../texts.js";
import * as history from "./history.js";
import { parse } from "./metrics-text.js";
import { poll } from "../../poll.js";

const SEARCHES = /\/(identify|search|verify)$/;
/** What this console asks, and its files (`none`): they are no use of the service. */
const WATCHING = /^none$|^\/(metrics|healthz|readyz|console|$)|^\/v1\/(errors|doctor|indexes|reindexes|imports|session)$/;
const MOST_OPERATIONS = 8;

/**
 * @param {AbortSignal} signal
 * @param {{whenChanged: () => void}} options called when the server stops answering, and when it answers again
 */
export function createTraffic(signal, { whenChanged }) {
  const line = (name, options) => createLineChart({ title: t(`operations.charts.${name}`), unit: t(`operations.units.${name}`), signal, ...options });
  const bars = (name) =>
    createBarChart({ title: t(`operations.charts.${name}`), unit: t("operations.units.times"), parts: [t("operations.half"), t("operations.most")], format: milliseconds });
  const charts = {
    requests: line("requests", { area: true, format: rate }),
    errors: line("errors", { format: rate, least: 1 }),
    searches: line("searches", { format: rate }),
    times: line("times", { format: milliseconds }),
    memory: line("memory", { area: true, format: bytes }),
    gpu: line("gpu", { area: true, format: bytes }),
    connections: line("connections", { area: true, format: (value) => number(value, value % 1 ? 1 : 0) }),
  };
  const stages = bars("stages");
  const operations = bars("operations");
  const trouble = h("div", {});
  charts.gpu.element.hidden = true;
  const { requests, errors, searches, times, memory, gpu, connections } = charts;
  const order = [requests, times, errors, searches, stages, operations, memory, gpu, connections];

  async function ask() {
    try {
      history.add(Date.now(), parse(await get("metrics", { headers: { Accept: "text/plain" }, signal })));
      if (trouble.hasChildNodes()) whenChanged();
      fill(trouble);
      draw();
    } catch (error) {
      if (signal.aborted) throw error;
      if (!trouble.hasChildNodes()) whenChanged();
      fill(trouble, errorState(error));
    }
  }
  const polling = poll({ ask, seconds: () => history.EVERY_SECONDS, signal });

  function draw() {
    const at = history.times();
    const counted = (which) => history.rates("gemel_requests_total", which);
    const minutely = (which) => history.rates("gemel_requests_total", which, 60);
    const faces = (outcome) => history.rates("gemel_identified_faces_total", (labels) => labels.outcome === outcome, 60);
    const time = (q) => history.quantiles("gemel_request_seconds", ({ route }) => !WATCHING.test(route), q).map(inMilliseconds);
    requests.update(at, [
      series("all", counted(({ route }) => !WATCHING.test(route))),
      series("of_searches", counted(({ route }) => SEARCHES.test(route))),
    ]);
    errors.update(at, [
      series("of_server", minutely(({ status }) => status.startsWith("5"))),
      series("of_clients", minutely(({ status }) => status.startsWith("4"))),
    ]);
    searches.update(at, ["matched", "unmatched", "no_face"].map((outcome) => series(outcome, faces(outcome))));
    times.update(at, [series("half", time(0.5)), series("most", time(0.95))]);
    stages.update(quantiles("gemel_stage_seconds", ({ stage }) => (stage === "total" ? null : stage)));
    operations.update(
      quantiles("gemel_request_seconds", ({ method, route }) => (WATCHING.test(route) ? null : operation(method, route))).slice(0, MOST_OPERATIONS),
    );
    memory.update(at, [series("resident", history.gauges("gemel_process_resident_memory_bytes"))]);
    const used = ({ kind }) => kind === "used";
    gpu.element.hidden = !history.latest().some(({ name }) => name === "gemel_gpu_memory_bytes");
    gpu.update(at, [series("gpu_used", history.gauges("gemel_gpu_memory_bytes", used)), series("gpu_total", history.gauges("gemel_gpu_memory_bytes", (labels) => !used(labels)))]);
    connections.update(at, [
      series("in_use", history.gauges("gemel_database_connections_in_use")),
      series("allowed", history.gauges("gemel_database_connections_max")),
    ]);
  }

  const element = h(
    "section",
    { class: "stack", "aria-labelledby": "traffic" },
    h("header", {}, h("h2", { id: "traffic" }, t("operations.traffic")), h("p", { class: "muted" }, t("operations.traffic_hint"))),
    trouble,
    h("div", { class: "charts" }, order.map(({ element }) => h("div", { class: "card" }, element))),
  );
  return { element, first: polling.now() };
}

/** Those that took the most time together come first. */
function quantiles(name, by) {
  return history
    .quantilesBy(name, by, [0.5, 0.95])
    .sort((a, b) => b.count * b.values[0] - a.count * a.values[0])
    .map((bar) => ({ ...bar, values: bar.values.map(inMilliseconds) }));
}

const series = (name, values) => ({ name: t(`operations.series.${name}`), values });
const operation = (method, route) => `${method} ${route.replace(/^\/v1/, "").replace(/^\/galleries\/\{gallery\}(?=\/)/, "")}`;
const inMilliseconds = (seconds) => (seconds === null ? null : seconds * 1000);
const digits = (value) => (value === 0 || value >= 10 ? 0 : value >= 1 ? 1 : 2);
const rate = (value) => number(value, value % 1 ? digits(value) : 0);
const milliseconds = (value) => number(value, value % 1 ? digits(value) : 0);
