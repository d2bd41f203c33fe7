// What a person may do with a change of model: pause, discard, switch, go back, delete the old model's data.

import { path, post } from "../../api.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { Problem } from "../../problem.js";
import { t } from "../../texts.js";

const WORKING = ["embedding", "building", "comparing"];
/** These can be overridden with a reason. */
const OVERRIDABLE = ["gates_not_passed", "replicas_not_ready"];

/**
 * @param {object} job
 * @param {{names: {old: string, new: string}, failed: boolean, changed: (job: object) => void, signal: AbortSignal}} options
 *   `failed`: whether a criterion is not met; `changed` gets the job after each action
 */
export function actions(job, { names, failed, changed, signal }) {
  const problem = h("div", { class: "action-problem", "aria-live": "polite" });
  const row = h("div", { class: "actions" });

  /** Sends a command; what was pressed is disabled meanwhile. */
  async function command(what, { json, working } = {}) {
    fill(problem, working && h("p", { class: "muted" }, working));
    for (const button of row.children) button.disabled = true;
    try {
      const after = await post(path`v1/reindexes/${job.id}/${what}`, { json, signal });
      fill(problem);
      changed(after);
      return true;
    } catch (error) {
      if (error.name === "AbortError") return false;
      for (const button of row.children) button.disabled = false;
      if (error instanceof Problem && OVERRIDABLE.includes(error.code)) overrule(what, error);
      else fill(problem, errorLine(error));
      return false;
    }
  }

  async function activate(json) {
    if (await command("activate", { json, working: t("reindex.switching") })) {
      toast(t("reindex.switched", { model: names.new }), { undo: () => rollback() });
    }
  }

  async function rollback(json) {
    if (await command("rollback", { json, working: t("reindex.switching") })) {
      toast(t("reindex.rolled_back", { model: names.old }));
    }
  }

  /** Asks for the reason of a switch that the server rejects. */
  function overrule(what, error) {
    fill(problem);
    const again = what === "rollback" ? rollback : activate;
    askReason({ text: error && error.code === "replicas_not_ready" ? t("reindex.not_ready", { processes: error.extra.processes.join("; ") }) : t("reindex.force_text"), then: (force) => again({ force }), signal });
  }

  const button = (name, text, act) => h("button", { class: name, onclick: act }, text);
  const choices = [];
  if (job.problem || job.paused) choices.push(button("primary", t("reindex.resume"), () => command("resume")));
  if (!job.problem && !job.paused && WORKING.includes(job.state)) choices.push(button("", t("reindex.pause"), () => command("pause")));
  if (job.state === "ready") {
    choices.push(button("primary", t(failed ? "reindex.activate_anyway" : "reindex.activate", { model: names.new }), () => (failed ? overrule("activate") : activate())));
  }
  if (job.state === "active") {
    choices.push(button("", t("reindex.rollback", { model: names.old }), () => rollback()));
    choices.push(button("danger", t("reindex.cleanup", { model: names.old }), () => confirm("cleanup", names, command, signal)));
  }
  if ([...WORKING, "ready"].includes(job.state)) {
    choices.push(button("danger", t("reindex.cancel"), () => confirm("cancel", names, command, signal)));
  }
  fill(row, choices);
  return choices.length ? h("div", { class: "stack" }, row, problem) : null;
}

function askReason({ text, then, signal }) {
  const reason = h("input", { id: "force-reason", required: true, maxlength: 500, autocomplete: "off", "aria-describedby": "force-hint" });
  const form = h(
    "form",
    {
      class: "stack",
      onsubmit: (event) => {
        event.preventDefault();
        dialog.close();
        then(reason.value.trim());
      },
    },
    h("p", {}, text),
    h("div", { class: "field" }, h("label", { for: "force-reason" }, t("reindex.reason")), reason, h("p", { class: "hint", id: "force-hint" }, t("reindex.reason_hint"))),
    h("div", { class: "actions" }, h("button", { class: "primary", type: "submit" }, t("reindex.force"))),
  );
  const dialog = openDialog({ title: t("reindex.force_title"), content: form, signal });
  reason.focus();
}

/** Of what cannot be undone. */
function confirm(what, names, command, signal) {
  const go = h(
    "button",
    {
      class: "danger",
      onclick: () => {
        dialog.close();
        command(what);
      },
    },
    t(`reindex.${what}_confirm`),
  );
  const dialog = openDialog({ title: t(`reindex.${what}_title`), content: h("p", {}, t(`reindex.${what}_text`, { old: names.old, new: names.new })), actions: go, signal });
}
