// Whether all is well: the doctor's findings, the worst first, each with what to do.

import { get } from "../../api.js";
import { announce } from "../../announcer.js";
import { errorState, loadingState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { ago } from "../../format.js";
import { t } from "../../texts.js";
import { poll } from "../../poll.js";

const EVERY_SECONDS = 60;

/** @param {AbortSignal} signal */
export function createFindings(signal) {
  const content = h("div", { class: "verdict-content" }, loadingState({ count: 1 }));
  const again = h("button", { onclick: check }, t("operations.check_again"));
  const element = h("section", { class: "card health-verdict", "aria-labelledby": "verdict" }, content);
  let said = null;

  async function ask() {
    try {
      draw(await get("v1/doctor", { signal }));
    } catch (error) {
      if (signal.aborted) throw error;
      element.dataset.level = "problem";
      said = t("operations.not_checked");
      fill(content, h("h2", { id: "verdict" }, said), errorState(error, { retry: check }));
    }
  }
  const polling = poll({ ask, seconds: () => EVERY_SECONDS, signal });

  async function check() {
    again.disabled = true;
    await polling.now();
    again.disabled = false;
    if (again.isConnected) again.focus();
    announce(said ?? "");
  }

  function draw({ level, at, findings }) {
    const [bad, fine] = [findings.filter(isBad), findings.filter((finding) => !isBad(finding))];
    const problems = findings.filter((finding) => finding.level === "problem").length;
    element.dataset.level = level;
    said = problems ? t("operations.problems", { count: problems }) : bad.length ? t("operations.warnings", { count: bad.length }) : t("operations.well");
    const open = content.querySelector("details")?.open;
    fill(
      content,
      h(
        "header",
        { class: "verdict-head" },
        h("h2", { id: "verdict" }, said),
        h("p", { class: "muted" }, t("operations.checked", { ago: ago(at) })),
        again,
      ),
      bad.length > 0 && h("ul", { class: "plain findings" }, bad.map(item)),
      h("details", { open }, h("summary", {}, t("operations.other_checks", { count: fine.length })), h("ul", { class: "plain findings" }, fine.map(item))),
    );
  }

  return { element, first: polling.now(), now: polling.now };
}

const isBad = ({ level }) => level === "problem" || level === "warning";
const BADGES = { problem: "danger", warning: "unsure", info: "", ok: "match" };

function item({ level, check, text, advice }) {
  return h(
    "li",
    { class: `finding ${level}` },
    h("span", { class: `badge ${BADGES[level]}` }, t(`operations.levels.${level}`)),
    h("div", {}, h("p", {}, h("strong", {}, t(`operations.checks.${check}`)), " ", text), advice && h("p", { class: "muted" }, words(advice))),
  );
}

/** Commands between backticks as code. */
function words(text) {
  return text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));
}
