// Cards of numbers and words.

const byId = (id) => document.getElementById(id);
const text = (id, value) => {
  const element = byId(id);
  if (element.textContent !== value) element.textContent = value;
};

// The same message may bring only a part of the values.
export function pace({ rate, latency }) {
  if (rate !== undefined) text("rate", rate.toFixed(1));
  if (!latency) return;
  text("p50", latency.p50 === null ? "–" : `${latency.p50.toFixed(0)} ms`);
  text("late", latency.total ? `${latency.late}` : "–");
  text("late-label", latency.total ? `too late of ${latency.total}` : "too late");
}

export function work({ density, rung, every, computed, steps_down: down }) {
  if (density !== undefined) text("density", density === null ? "–" : `${(100 * density).toFixed(1)} %`);
  if (rung !== undefined) {
    const reduced = rung > 0 || every > 1;
    text("rung", rung === null ? "–" : reduced ? `▲ ${rung}` : "✓ none");
    byId("rung").classList.toggle("raised", reduced);
    byId("rung").dataset.every = every;
  }
  if (computed !== undefined) {
    const often = Number(byId("rung").dataset.every) > 1 ? `, every ${byId("rung").dataset.every}. picture` : "";
    text("rung-label", `saving level${often}${Number(down) ? `, raised ${down}×` : ""}`);
    byId("rung-label").title = computed;
  }
}

const GUARD = [
  ["clipped", "Motions trimmed"],
  ["refused", "Plans refused"],
  ["stops", "Stops"],
  ["inference_errors", "Failed decisions"],
];

export function safety({ causes, guard, history, state }) {
  const known = state.kind !== "lost" && state.kind !== "busy";
  const items = causes.map(({ text: said, remedy }) => {
    const item = document.createElement("li");
    item.append(said);
    if (remedy) {
      const what = document.createElement("span");
      what.className = "remedy";
      what.textContent = `→ ${remedy}`;
      item.append(what);
    }
    return item;
  });
  if (!items.length && known) {
    const item = document.createElement("li");
    const quiet = !state.why;
    item.className = quiet ? "fine" : "hint";
    item.textContent = quiet ? "✓ Nothing is wrong" : state.why;
    items.push(item);
  }
  replace(byId("causes"), items);
  const rows = GUARD.filter(([name]) => name in guard).map(([name, label]) => [label, guard[name]]);
  if (guard.largest_tracking_error_rad) {
    const degrees = (180 / Math.PI) * Number(guard.largest_tracking_error_rad);
    rows.push(["Farthest off", `${degrees.toFixed(1)}°`]);
  }
  const cells = rows.flatMap(([label, value]) => [cell("dt", label), cell("dd", value)]);
  for (const [name, label] of [["last_violation", "Last limit"], ["last_inference_error", "Last failure"]]) {
    if (guard[name]) cells.push(cell("dd", `${label}: ${guard[name]}`, "long"));
  }
  replace(byId("guard"), cells);
  replace(byId("history"), history.map((said) => cell("li", said)));
}

export function episodes(told) {
  byId("no-episodes").hidden = Boolean(told);
  byId("episode").hidden = !told;
  if (!told) return;
  const begun = told.number !== null;
  text("successes", begun ? `${told.successes} of ${told.total}` : "–");
  text("number", begun ? `no. ${told.number + 1}` : "–");
  text("seconds", begun ? `${told.seconds.toFixed(0)} s` : "–");
  byId("successes").classList.toggle("good", told.successes > 0);
  const limits = told.violations ? `, ${told.violations} limit violations of the arm` : "";
  text("task", begun ? `${told.success ? "✓ success" : "… " + (told.message || "under way")}${limits}` : "No episode has begun: press Next.");
}

function cell(kind, said, name = "") {
  const element = document.createElement(kind);
  element.textContent = said;
  element.className = name;
  return element;
}

// Leave the page alone where nothing is new, so that a selection or a scroll position stays.
function replace(element, items) {
  const told = items.map((item) => item.outerHTML).join("");
  if (element.told === told) return;
  element.told = told;
  element.replaceChildren(...items);
}
