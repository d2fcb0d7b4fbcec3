// Power now and today's curve, asked for while the page is looked at. The questions
// do not keep the login alive; the first answer that is none ends them.
(function () {
  "use strict";
  const PERIOD_MS = 5000;
  const CURVE_EVERY = 12;
  const now = document.querySelector("[data-live]");
  const curve = document.querySelector("[data-curve]");
  if (!now || !curve) return;
  const power = now.querySelector(".power");
  let asked = 0;
  let failures = 0;

  function show(found) {
    now.querySelector(".flow").dataset.flow = found.flow;
    for (const name of ["head", "text", "number", "time"]) {
      const part = now.querySelector('[data-part="' + name + '"]');
      if (part.textContent !== found[name]) part.textContent = found[name];
    }
    power.hidden = !found.number;
    power.classList.toggle("stale", found.is_stale);
  }

  async function fetched(url) {
    const answer = await fetch(url, { redirect: "error", cache: "no-store" });
    if (answer.status === 401) throw new Error("logged out");
    return answer.ok ? answer : null;
  }

  async function ask() {
    const answer = await fetched(now.dataset.live);
    if (answer) show(await answer.json());
    asked += 1;
    if (asked % CURVE_EVERY) return;
    const piece = await fetched(curve.dataset.curve);
    if (!piece) return;
    const text = await piece.text();
    const read = new DOMParser().parseFromString(text, "text/html");
    curve.replaceChildren(...read.body.childNodes);
  }

  // The first to learn that the login is over says so, or a click would not tell why.
  function leave() {
    const warning = document.getElementById("logout-warning");
    if (warning && !warning.dataset.leaving) location.assign(warning.dataset.gone);
  }

  async function turn() {
    try {
      if (!document.hidden) await ask();
      failures = 0;
    } catch (reason) {
      if (reason.message === "logged out") return leave();
      failures += 1;
    }
    if (failures < 5) setTimeout(turn, PERIOD_MS * (failures + 1));
  }
  setTimeout(turn, PERIOD_MS);
})();
