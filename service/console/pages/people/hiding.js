// Leaves people out of the lists, or puts them back; each is undone by its message.

import { patch, path } from "../../api.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { toast } from "../../components/toast/toast.js";
import { inWords } from "../../problem.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/**
 * @param {{gallery: string, hidden: boolean, onChange: (people: any[]) => void}} options `hidden`: whether the page shows
 *   hidden people, who are then put back
 */
export function createHiding({ gallery, hidden, onChange }) {
  const verb = hidden ? "unhide" : "hide";

  async function set(people, value) {
    for (const person of people) {
      await patch(path`v1/galleries/${gallery}/identities/${person.id}`, { json: { hidden: value } });
      Object.assign(person, { hidden: value, left: value !== hidden });
    }
    onChange(people);
  }

  return {
    allowed: can("enrol"),
    icon: hidden ? "show" : "hide",
    title: t(`people.${verb}`),
    /** The name of the button on one person. */
    words: (values) => t(`people.${verb}_one`, values),
    async hide(people) {
      try {
        await set(people, !hidden);
        toast(t(`people.${verb}_done`, { count: people.length, name: nameOf(people[0]) }), { undo: () => set(people, hidden) });
      } catch (error) {
        onChange(people);
        toast(inWords(error), { kind: "error" });
      }
    },
  };
}
