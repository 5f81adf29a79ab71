/* Counts down to the end of an action's time, by the server's clock; says so at 5 min and 1 min, not each second.
   The server refuses what comes too late in any case: this only spares people the attempt. */
"use strict";
(() => {
  const box = document.querySelector(".countdown");
  if (!box) return;
  const ahead = Number(box.dataset.now) * 1000 - Date.now();
  const until = Number(box.dataset.until) * 1000;
  const left = box.querySelector(".countdown-left");
  const said = box.querySelector(".countdown-said");
  const announced = new Set();
  let before = Infinity;

  const words = (seconds) => {
    const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
    const first = units.findIndex(([, size]) => seconds >= size || size === 1);
    return units.slice(first, first + 2)
      .map(([unit, size], place) => {
        const whole = Math.floor(seconds / size);
        return `${place ? whole % (units[first][1] / size) : whole} ${unit}`;
      })
      .join(" ");
  };

  const announce = (seconds) => {
    for (const [limit, text] of [[300, "5 minutes left"], [60, "1 minute left"]]) {
      if (seconds <= limit && before > limit && before !== Infinity && !announced.has(limit)) {
        announced.add(limit);
        said.textContent = text;
      }
    }
    before = seconds;
  };

  const close = () => {
    const closes = box.dataset.closes === "yes";
    left.textContent = "Time is over";
    said.textContent = `Time is over: ${box.dataset.becomes}.`;
    box.classList.add("countdown--over");
    if (!closes) return;
    for (const button of document.querySelectorAll(".decide button[type=submit]")) button.disabled = true;
  };

  const tick = () => {
    const seconds = Math.ceil((until - Date.now() - ahead) / 1000);
    if (seconds <= 0) {
      close();
      return;
    }
    left.textContent = `${words(seconds)} left`;
    box.classList.toggle("countdown--soon", seconds <= 300);
    announce(seconds);
    setTimeout(tick, 1000);
  };
  tick();
})();
