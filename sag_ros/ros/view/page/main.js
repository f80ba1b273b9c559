// Ties the page together: each message goes to the cards that show it.

import { Arm } from "./arm.js";
import { Buttons } from "./buttons.js";
import { Cameras } from "./cameras.js";
import { Joints } from "./joints.js";
import { Link } from "./link.js";
import { histogram, Mask } from "./paint.js";
import { State } from "./state.js";
import { episodes, pace, safety, work } from "./cards.js";

const byId = (id) => document.getElementById(id);
const state = new State();
const arm = new Arm(byId("arm"));
const joints = new Joints(byId("joints"));
const mask = new Mask(byId("mask"));
const cameras = new Cameras(byId("cameras"));
let latency = null;
let ages = {};
let heard = 0;
let waiting = false;
let cost = 0; // ms that the last picture took
let rested = 0;
const REST = 2; // times as long the browser then has for everything else: buttons, above all
let fresh = false;

function tick(values, parts) {
  ages = values.ages;
  heard = performance.now();
  if (values.slow) slow(values.slow);
  if (values.joints) {
    joints.take(values.joints);
    arm.take(values.joints);
    const { width } = values.joints;
    byId("width").textContent = width === null ? "" : `hand ${(100 * width).toFixed(1)} cm open`;
    byId("off").textContent = joints.off === null ? "" : `at most ${joints.off.toFixed(1)}° off the plan`;
  }
  for (const [name, bytes] of parts) {
    if (name === "mask") mask.take(bytes, values.mask);
    else cameras.take(name.replace("camera ", ""), bytes);
  }
  pace(values);
  work(values);
  // Drawn when the browser has time: on a slow machine several messages make one picture.
  if (waiting) return;
  waiting = true;
  setTimeout(() => requestAnimationFrame(draw), Math.max(0, rested + REST * cost - performance.now()));
}

function draw() {
  const begun = performance.now();
  setTimeout(() => {
    rested = performance.now(); // the picture is on the screen
    cost = rested - begun;
    waiting = false;
  });
  arm.draw();
  joints.draw();
  mask.draw();
  if (fresh) histogram(byId("latency"), latency);
  fresh = false;
  stale();
}

function slow(values) {
  state.take(values.state);
  latency = values.latency;
  fresh = true;
  pace(values);
  work(values);
  safety(values);
  episodes(values.episodes);
  cameras.become(values.cameras, values.problems);
  if (values.arm) arm.become(values.arm);
  buttons.policies(values.runs.policies, values.runs.name);
  buttons.available(values.buttons);
  byId("policy-name").textContent = byId("policy-name").title = values.runs.name || "not known yet";
  byId("policy-next").textContent = byId("policy-next").title = values.runs.next || "nothing is loaded";
}

// What did not come lately is greyed out, and says since when.
function stale() {
  const late = (performance.now() - heard) / 1000;
  const age = (source) => (source in ages ? ages[source] + late : null);
  for (const card of document.querySelectorAll(".card[data-source]")) {
    const found = age(card.dataset.source);
    const old = found === null || found > Number(card.dataset.allowed) || !link.alive;
    card.classList.toggle("stale", old && !(card.id === "card-episodes" && found === null));
    card.classList.toggle("unheard", found === null && card.id !== "card-episodes");
    card.querySelector(".age").textContent = found === null ? "not heard yet" : `${ago(found)} old`;
  }
  cameras.stale((name) => age(`camera ${name}`), link.alive);
}

function ago(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function redraw() {
  if (latency) histogram(byId("latency"), latency);
  mask.draw(true);
  joints.draw();
  arm.last = 0;
  arm.draw();
}

const link = new Link({
  onTick: tick,
  onAnswer: (answer) => buttons.answer(answer),
  onLink: (alive, seconds) => {
    state.link(alive, seconds);
    buttons.link(alive);
    if (link) stale();
  },
});
const buttons = new Buttons((what) => link.send(what));
new ResizeObserver(redraw).observe(document.querySelector("main"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(redraw));
