// Warns a minute before the login ends by itself, and shows the login page afterwards.
// The server decides when that is: other tabs may have been used meanwhile.
"use strict";

(() => {
  const warning = document.getElementById("logout-warning");
  if (!warning) return;
  const WARN_S = 60;
  const { left: leftUrl, gone: goneUrl } = warning.dataset;
  const shown = warning.querySelector("[data-seconds]");
  const spoken = warning.querySelector("[role=status]");
  const stay = warning.querySelector("[data-stay]");
  let endsAt = 0;
  let timer = 0;
  let isLeaving = false; // by a form of his own, perhaps that for logging out

  const left = () => Math.ceil((endsAt - Date.now()) / 1000);
  const wait = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(step, Math.max(seconds, 0.5) * 1000);
  };

  const learn = async (request) => {
    try {
      const answer = await fetch(request, { cache: "no-store" });
      if (answer.status === 401) return isLeaving || location.assign(goneUrl);
      if (answer.ok) endsAt = Date.now() + (await answer.json()).left_s * 1000;
    } catch {
      // The gateway does not answer: the time known before goes on.
    }
    show();
  };

  const show = () => {
    const seconds = left();
    warning.hidden = seconds > WARN_S;
    if (seconds > WARN_S) return wait(seconds - WARN_S);
    shown.textContent = String(Math.max(seconds, 0));
    if (seconds === WARN_S || seconds === 20) spoken.textContent = shown.parentElement.textContent;
    wait(1);
  };

  const step = () => {
    // Asked when the warning would begin and when the time is over, not each second.
    if (warning.hidden || left() <= 0) learn(leftUrl);
    else show();
  };

  stay.addEventListener("submit", (event) => {
    event.preventDefault();
    learn(new Request(stay.action, { method: "POST", body: new FormData(stay) }));
  });
  document.addEventListener("submit", (event) => {
    isLeaving = !event.defaultPrevented;
    if (isLeaving) warning.dataset.leaving = "true";
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) learn(leftUrl);
  });
  learn(leftUrl);
})();
