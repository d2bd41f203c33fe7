"""Goes through a page with the Tab key alone."""

from typing import Any

from playwright.sync_api import BrowserContext, Page

NOTE_LISTENERS = """
    window.listened = new Map();
    const add = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (type, ...rest) {
        if (this instanceof Element) {
            if (!window.listened.has(this)) window.listened.set(this, new Set());
            window.listened.get(this).add(type);
        }
        return add.call(this, type, ...rest);
    };
"""
SURVEY = """() => {
    const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]";
    const NATIVE = "a[href], button, input, select, textarea, summary, label, dialog, option";
    const names = new Map();
    const SEEN = [
        "boxShadow", "borderColor", "backgroundColor", "color", "textDecoration", "clip", "transform",
    ];
    const around = e => [e, e.parentElement, e.closest("label"), e.nextElementSibling].filter(Boolean);
    const looks = e => around(e)
        .map(one => getComputedStyle(one))
        .map(s => SEEN.map(name => s[name]).join() + (s.outlineStyle === "none" ? "" : s.outline));
    const name = element => {
        if (!names.has(element)) names.set(element, `${names.size}: ${element.outerHTML.slice(0, 120)}`);
        return names.get(element);
    };
    const isReachable = element => element.tabIndex >= 0 && !element.disabled
        && !element.closest("[inert]") && element.checkVisibility({visibilityProperty: true})
        && (element.type !== "radio" || isFirst(element));
    const isFirst = radio => {
        const group = [...document.querySelectorAll(`input[type=radio]`)]
            .filter(other => other.name === radio.name && other.form === radio.form);
        return radio === (group.find(other => other.checked) ?? group[0]);
    };
    document.activeElement?.blur();
    const within = document.querySelector("dialog[open]") ?? document;
    const controls = [...within.querySelectorAll(FOCUSABLE)].filter(isReachable);
    const unfocused = new Map(controls.map(control => [control, looks(control)]));
    window.stop = () => {
        const element = document.activeElement;
        if (element === document.body || element === null) return null;
        const box = element.getBoundingClientRect();
        const before = unfocused.get(element);
        return {
            name: name(element),
            seen: before === undefined || looks(element).join("|") !== before.join("|"),
            inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        };
    };
    const clickable = [...(window.listened ?? [])]
        .filter(([element, types]) => element.isConnected && types.has("click") && !types.has("keydown")
            && !element.matches(NATIVE))
        .map(([element]) => element.outerHTML.slice(0, 120));
    return {controls: controls.map(name), clickable};
}"""


def install(context: BrowserContext) -> None:
    """Before the first page is opened."""
    context.add_init_script(NOTE_LISTENERS)


def faults(page: Page) -> list[str]:
    """What a person without a mouse misses: controls that Tab does not reach, a focus that does not show or
    is outside the window, a trap, elements that answer clicks only."""
    survey: dict[str, Any] = page.evaluate(SURVEY)
    found = [f"answers clicks, but no key: {element}" for element in survey["clickable"]]
    stops: list[str] = []
    for _ in range(len(survey["controls"]) + 20):
        page.keyboard.press("Tab")
        stop = page.evaluate("() => window.stop()")
        if stop is None:  # past the last one: the next Tab goes to the first
            continue
        if stop["name"] in stops[-1:]:  # a field for a time has a part for each figure
            continue
        if stop["name"] in stops:
            break
        stops.append(stop["name"])
        if not stop["seen"]:
            found.append(f"the focus does not show: {stop['name']}")
        if not stop["inside"]:
            found.append(f"the focus is outside the window: {stop['name']}")
    missed = [control for control in survey["controls"] if control not in stops]
    return found + [f"Tab does not reach it: {control}" for control in missed]
