// Looks again at a page when the server says that it has changed. Everything works without this file.
"use strict";
(() => {
  const topic = document.body.dataset.live;
  const state = document.getElementById("state");
  if (!topic || !window.EventSource) return;

  let looking = false;
  let again = false;

  // Somebody who writes must not lose what they write, nor the place where they are.
  const busy = (live) => {
    const at = document.activeElement;
    return live.contains(at) && "value" in at && at.tagName !== "BUTTON" && at.value !== "";
  };

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
      if (next && live && !busy(live)) {
        const focus = document.activeElement && live.contains(document.activeElement)
          ? document.activeElement.getAttribute("href") : null;
        live.replaceChildren(...document.importNode(next, true).childNodes);
        const link = focus && [...live.querySelectorAll("a")].find((a) => a.getAttribute("href") === focus);
        if (link) link.focus();
      }
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
