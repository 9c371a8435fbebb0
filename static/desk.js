/*
 * What the desk does quicker with a script: keys, copying, one submit at a time, the focus after a swap, what
 * came in meanwhile, the count on the ship button. Every page works without it, and every key presses a link or button of the page.
 */
"use strict";

(() => {
  const TYPED = "textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])";
  const GO_MS = 1500;
  const COPIED_MS = 2000;
  const LOOK_MS = 60_000;

  let row = null; // where j and k were last
  let goUntil = 0; // g was pressed: until then a letter names a page

  const say = (text, tone = "") => {
    const message = Object.assign(document.createElement("div"), { className: `said ${tone}`, textContent: text });
    document.getElementById("said")?.replaceChildren(message);
  };

  const focusOn = (element) => {
    if (element && element.tabIndex < 0) {
      element.tabIndex = -1; // a row or a note: reached from here, not with Tab
    }
    element?.focus();
    element?.scrollIntoView({ block: "nearest" });
  };

  /* ---- keys: each answers whether it did something ---- */

  const currentRow = () => {
    row = document.activeElement.closest("[data-row]") ?? row;
    // After a swap the row stands there anew under its id.
    return (row = row?.isConnected ? row : document.getElementById(row?.id));
  };

  const walk = (step) => {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(currentRow());
    row = at < 0 ? rows[0] : (rows[at + step] ?? rows[at]);
    focusOn(row?.querySelector("a.no") ?? row);
    return Boolean(row);
  };

  const click = (element) => {
    element?.click();
    return Boolean(element);
  };

  /** Press what carries the key: in the current row, else outside of all rows. */
  const press = (key) => {
    const wanted = `[data-key="${CSS.escape(key)}"]`;
    return click(currentRow()?.querySelector(wanted) ?? document.querySelector(`${wanted}:not([data-row] *)`));
  };

  const openRow = (hand) =>
    !hand.matches("a, button, summary") && click(hand.closest("[data-row]")?.querySelector("a.no"));

  const ask = (id, method) => {
    document.getElementById(id)?.[method]();
    return Boolean(document.getElementById(id));
  };

  const KEYS = {
    j: () => walk(1) || press("j"),
    k: () => walk(-1) || press("k"),
    x: () => click(currentRow()?.querySelector("input[type=checkbox]")),
    g: () => Boolean((goUntil = Date.now() + GO_MS)),
    Enter: () => openRow(document.activeElement),
    "/": () => ask("search", "focus") && ask("search", "select"),
    "?": () => ask("keys", "showModal"),
  };

  /** Escape closes what is open around the hand: a menu (as a click on it would), else the ship form. */
  const close = (target) => {
    const menu = target.closest("details:is(.drop, .more-filters)[open]")?.firstElementChild;
    menu?.focus();
    return click(menu ?? (target.closest("tr.shipping") ?? target.closest("form"))?.querySelector("[data-close]"));
  };

  const answer = (key, target) => {
    if (key === "Escape") {
      return close(target);
    }
    if (target.isContentEditable || target.matches(TYPED)) {
      return false;
    }
    const page = Date.now() < goUntil && document.querySelector(`a[data-go="${CSS.escape(key)}"]`);
    goUntil = 0;
    return page ? click(page) : Object.hasOwn(KEYS, key) ? KEYS[key]() : press(key);
  };

  document.addEventListener("keydown", (event) => {
    const isOurs = !(event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented);
    if (isOurs && !document.querySelector("dialog[open]") && answer(event.key, event.target)) {
      event.preventDefault();
    }
  });

  /* ---- clicks: copy; close the menus beside the click ---- */

  /** Copy an element's text; by selecting it where the page has no clipboard (plain http). */
  const copy = async (source) => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(source.innerText.trim());
      return true;
    }
    window.getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  };

  document.addEventListener("click", async (event) => {
    for (const menu of document.querySelectorAll("details.drop[open]")) {
      menu.open = menu.contains(event.target);
    }
    const button = event.target.closest("[data-copy]");
    const source = button && document.querySelector(button.dataset.copy);
    if (!source) {
      return;
    }
    event.preventDefault();
    if (!(await copy(source).catch(() => false))) {
      say("Not copied: the browser does not allow it. Select the text by hand.", "bad");
      return;
    }
    say("Copied", "visually-hidden"); // the button shows it
    button.dataset.word ??= button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = button.dataset.word), COPIED_MS);
  });

  /* ---- never two submits ---- */

  const underway = new Map(); // a form, or an element with hx-post: the button that was pressed

  const hold = (sender, button) => {
    underway.set(sender, button);
    button?.classList.add("busy");
    button?.setAttribute("aria-disabled", "true");
  };

  const release = (sender) => {
    underway.get(sender)?.classList.remove("busy");
    underway.get(sender)?.removeAttribute("aria-disabled");
    underway.delete(sender);
  };

  const refuse = (event) => {
    if (underway.has(event.target) || (event.type === "click" && event.target.closest("[aria-disabled=true]"))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  };

  document.addEventListener("click", refuse, true);
  document.addEventListener("submit", refuse, true);
  // A form that the browser sends by itself. One that answers with a download leaves the page as it is: data-again.
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && !event.target.matches("[data-again], [method=dialog]")) {
      hold(event.target, event.submitter);
    }
  });

  document.addEventListener("htmx:beforeRequest", ({ detail: { requestConfig } }) => {
    const { elt, verb, triggeringEvent } = requestConfig;
    if (verb !== "get") {
      hold(elt, triggeringEvent?.submitter ?? elt.closest("button, a"));
    }
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => release(detail.requestConfig.elt));
  window.addEventListener("pageshow", () => [...underway.keys()].forEach(release));

  /** What the part of a refusal says for itself: what is refused, and why. The page stays as it was typed. */
  const sentenceOf = (xhr) => {
    const part = new DOMParser().parseFromString(xhr.responseText, "text/html");
    const said = [...part.querySelectorAll("#problem :is(h1, h1 ~ p)")].map((line) => line.textContent.trim());
    return said.length && [`${said[0]}.`, ...said.slice(1), xhr.status < 500 && "Nothing was changed."].filter(Boolean).join(" ");
  };

  // Nobody pressed for what came in: where that fails, nothing is said.
  const wasPressed = ({ target }) => target.id !== "fresh";

  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (wasPressed(event)) {
      say(sentenceOf(xhr) || `That did not work: the desk answered ${xhr.status}. Nothing was changed here.`, "bad");
    }
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (wasPressed(event)) {
      say("The desk cannot be reached. Try again in a moment.", "bad");
    }
  });

  /* ---- what came in since the list was drawn, while somebody looks at it ---- */

  const look = () => {
    const fresh = document.getElementById("fresh");
    if (fresh && document.visibilityState === "visible") {
      htmx.trigger(fresh, "look");
    }
  };
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
  // Signed out meanwhile: the next press leads to the sign-in page, not this.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (!wasPressed(event) && event.detail.xhr.getResponseHeader("HX-Redirect")) {
      event.preventDefault();
    }
  });

  /* ---- the focus: the first wrong field, else where the answer asks for it ---- */

  document.addEventListener("htmx:load", ({ target }) => {
    const find = (wanted) => (target.matches(wanted) ? target : target.querySelector(wanted));
    // The hand may have gone on already; then only what must be mended or typed calls it back.
    const isFree = document.activeElement === document.body;
    if (target !== document.body) {
      focusOn(find("[aria-invalid=true]") ?? find("[autofocus]") ?? (isFree ? find("[data-focus]") : null));
    }
  });
  focusOn([...document.querySelectorAll("[aria-invalid=true]")].find((field) => field.checkVisibility()));

  /* ---- "Ship 7 pieces" follows the quantities ---- */

  document.addEventListener("input", ({ target }) => {
    const fields = [...(target.form?.elements ?? [])];
    const button = fields.find((field) => field.matches("[data-ship-count]"));
    if (button) {
      const typed = fields.filter((field) => field.matches(".pieces")).map((field) => field.value.trim());
      const pieces = typed.reduce((sum, text) => sum + (/^\d{1,9}$/.test(text) ? Number(text) : 0), 0);
      button.textContent = pieces ? `Ship ${pieces} piece${pieces === 1 ? "" : "s"}` : "Ship";
    }
  });
})();
