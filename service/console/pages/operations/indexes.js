// The serving processes, and the index of each gallery in each of them.

import { get, path, post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { toast } from "../../components/toast/toast.js";
import { h } from "../../dom.js";
import { ago, bytes, number, time } from "../../format.js";
import { inWords } from "../../problem.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createSection } from "./section.js";

const EVERY_SECONDS = 5;
const AT_ONCE = 50;

/** @param {AbortSignal} signal */
export function createIndexes(signal) {
  let limit = AT_ONCE;
  const section = createSection({
    title: t("operations.indexes"),
    hint: t("operations.indexes_hint"),
    everySeconds: EVERY_SECONDS,
    signal,
    ask: async () => {
      const status = await get("v1/indexes", { query: { limit }, signal });
      return () => draw(status);
    },
  });

  function draw({ processes, galleries, next_cursor }) {
    const byId = new Map(processes.map((process) => [process.id, process]));
    const more = next_cursor && h("button", { "data-key": "more", onclick: () => ((limit = Math.min(1000, limit * 2)), section.now()) }, t("operations.more"));
    return [
      table(t("operations.processes"), ["machine", "version", "started", "reported", "open_indexes", "index_memory"], processes.map((process) => row(process, galleries))),
      galleries.length > 0 && table(t("operations.index_table"), ["gallery", "machine", "state", "tier", "faces", "lag", "memory", "contents"], galleries.flatMap((gallery) => rows(gallery, byId))),
      more,
    ];
  }

  function row({ id, host, pid, version, started_at, seen_at }, galleries) {
    const own = galleries.flatMap(({ replicas }) => replicas.filter(({ process }) => process === id));
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, machine({ host, pid })),
      h("td", {}, version),
      h("td", {}, time(started_at)),
      h("td", {}, ago(seen_at)),
      h("td", { class: "number" }, number(own.length)),
      h("td", { class: "number" }, bytes(own.reduce((sum, { memory_bytes }) => sum + memory_bytes, 0))),
    );
  }

  function rows(gallery, byId) {
    const { replicas } = gallery;
    const models = new Set(replicas.map(({ model }) => model)).size;
    const head = h(
      "th",
      { scope: "rowgroup", class: "index-gallery", rowspan: Math.max(1, replicas.length) },
      gallery.gallery,
      h("span", { class: "muted index-faces" }, t("common.faces", { count: gallery.faces })),
      verdict(gallery.check),
      can("operate") && actions(gallery),
    );
    if (!replicas.length) return [h("tr", {}, head, h("td", { colspan: 7, class: "muted" }, t("operations.no_replica")))];
    return replicas.map((replica, i) =>
      h(
        "tr",
        {},
        i === 0 && head,
        h("td", {}, machine(byId.get(replica.process) ?? {}), shardOf(replica)),
        h("td", {}, badge(replica), models > 1 && h("span", { class: "muted index-model" }, replica.model), replica.problem && h("p", { class: "muted" }, replica.problem)),
        h("td", {}, replica.tier ?? t("common.none")),
        h("td", { class: "number" }, number(replica.count)),
        h("td", { class: "number" }, t("operations.changes", { count: replica.lag })),
        h("td", { class: "number" }, bytes(replica.memory_bytes)),
        h("td", {}, contents(gallery, replica)),
      ),
    );
  }

  const actions = ({ gallery }) =>
    h(
      "span",
      { class: "index-actions" },
      h("button", { "data-key": `verify ${gallery}`, "aria-label": t("operations.verify_of", { gallery }), onclick: (event) => whileDisabled(event.currentTarget, () => verify(gallery)) }, t("operations.verify")),
      h("button", { "data-key": `rebuild ${gallery}`, "aria-label": t("operations.rebuild_of", { gallery }), onclick: (event) => whileDisabled(event.currentTarget, () => rebuild(gallery)) }, t("operations.rebuild")),
    );

  const rebuild = (gallery) => request(path`v1/galleries/${gallery}/index/rebuild`, t("operations.rebuilding", { gallery }));
  const verify = (gallery) => request(path`v1/galleries/${gallery}/index/verify`, t("operations.verifying", { gallery }));

  async function request(address, words) {
    try {
      await post(address, { signal });
      toast(words);
      await section.now();
    } catch (error) {
      if (!signal.aborted) toast(inWords(error), { kind: "error" });
    }
  }

  return section;
}

/** What the last comparison with PostgreSQL has found. */
function verdict(check) {
  if (!check) return null;
  const { state, problem, finished_at, change_number, equal, different, not_compared } = check;
  if (state === "running") return h("span", { class: "index-verdict badge" }, t("operations.comparing"));
  if (state === "failed") return h("span", { class: "index-verdict" }, h("span", { class: "badge unsure" }, t("operations.not_compared")), ` ${problem}`);
  const [kind, key] = different ? ["danger", "unequal"] : equal ? ["match", "equal"] : ["unsure", not_compared ? "not_compared" : "nothing_open"];
  const rest = not_compared > 0 && ` ${t("operations.at_another_change", { count: not_compared })}`;
  const when = ` ${t("operations.compared", { ago: ago(finished_at), change: change_number })}`;
  return h("span", { class: "index-verdict" }, h("span", { class: `badge ${kind}` }, t(`operations.${key}`)), h("span", { class: "muted" }, when, rest));
}

/** Whether other processes at the same change have the same contents, of the whole gallery or of the same shard. */
function contents({ replicas }, replica) {
  const same = (other) => ["model", "applied", "shard", "shards"].every((key) => other[key] === replica[key]);
  const others = replicas.filter((other) => other !== replica && same(other) && other.digest);
  if (!replica.digest) return "";
  if (others.some(({ digest }) => digest !== replica.digest)) return h("span", { class: "badge danger" }, t("operations.differs"));
  return others.length ? h("span", { class: "badge match" }, t("operations.same")) : h("span", { class: "muted" }, t("operations.alone"));
}

const STATES = { ready: "match", opening: "unsure", rebuilding: "unsure", failed: "danger" };
const badge = ({ state }) => h("span", { class: `badge ${STATES[state] ?? ""}` }, t(`operations.states.${state}`));
const shardOf = ({ shard, shards }) => shard !== null && h("span", { class: "muted index-model" }, t("operations.shard", { shard: String(shard), shards: String(shards) }));
const machine = ({ host = "", pid = "" }) => t("operations.process", { host, pid: String(pid) });

function table(caption, columns, body) {
  const numbers = new Set(["faces", "lag", "memory", "index_memory", "open_indexes"]);
  const head = columns.map((column) => h("th", { scope: "col", class: numbers.has(column) ? "number" : null }, t(`operations.columns.${column}`)));
  return h(
    "div",
    { class: "scroll-x", role: "region", tabindex: "0", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)),
  );
}
