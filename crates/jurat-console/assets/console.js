// Looks again at a page when the server says that it has changed. Everything works without this file.
"use strict";
(() => {
  const topic = document.body.dataset.live;
  const state = document.getElementById("state");
  if (!topic || !window.EventSource) return;

  let looking = false;
  let again = false;

  // How the same field, link or button is found in the content that takes the place of the old.
  const name = (at) => {
    for (const key of ["id", "href", "formaction"]) {
      if (at.hasAttribute(key)) return `[${key}="${CSS.escape(at.getAttribute(key))}"]`;
    }
    return null;
  };

  // Somebody who writes must not lose what they write, nor the place where they are.
  function replace(live, next) {
    const at = live.contains(document.activeElement) ? document.activeElement : null;
    const written = [...live.querySelectorAll("textarea, input:not([type=hidden])")].map((field) => [name(field), field]);
    live.replaceChildren(...document.importNode(next, true).childNodes);
    const found = (selector) => selector && live.querySelector(selector);
    for (const [selector, field] of written) {
      const now = found(selector);
      if (now) now.value = field.value;
    }
    const now = at && found(name(at));
    if (!now) return;
    now.focus({ preventScroll: true });
    if ("setSelectionRange" in now) now.setSelectionRange(at.selectionStart, at.selectionEnd);
  }

  async function look() {
    if (looking) { again = true; return; }
    looking = true;
    try {
      const answer = await fetch(location.href, {
        headers: { "X-Jurat-Looks": "1" }, redirect: "manual", cache: "no-store",
      });
      if (!answer.ok) { location.reload(); return; }
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      const live = document.getElementById("live");
      if (next && live && !live.isEqualNode(next)) replace(live, next);
    } finally {
      looking = false;
      if (again) { again = false; look(); }
    }
  }

  const events = new EventSource("/events");
  events.addEventListener(topic, look);
  events.onopen = () => {
    state.textContent = "Shows changes as they come.";
    // What changed between the page and this moment is told by nothing else.
    look();
  };
  events.onerror = () => {
    state.textContent = "The connection was lost; trying again.";
  };
})();
