// Joints over time: measured (solid), planned (dashed), and what is still to come.

import { colour, sheet } from "./paint.js";

const BEFORE = 6; // s
const AFTER = 1; // s
const DEGREES = 180 / Math.PI;
const NUMBERS = 122; // pixels for the figures on the right
const LEAST = 4; // degrees that a row shows at least

export class Joints {
  constructor(canvas) {
    this.canvas = canvas;
    this.history = [];
    this.newest = null;
  }

  take(joints) {
    const last = this.history.at(-1);
    if (last && joints.t < last.t) this.history = []; // another clock
    if (!last || joints.t > last.t) this.history.push({ t: joints.t, q: joints.q, plan: joints.plan });
    while (this.history.length && joints.t - this.history[0].t > BEFORE) this.history.shift();
    this.newest = joints;
  }

  // Largest distance from the plan, degrees; null without one.
  get off() {
    if (!this.newest?.plan) return null;
    return DEGREES * Math.max(...this.newest.q.map((q, n) => Math.abs(q - this.newest.plan[n])));
  }

  draw() {
    const area = sheet(this.canvas);
    if (!area || !this.newest) return;
    const { context, width, height } = area;
    const count = this.newest.q.length;
    const left = 26;
    const right = width - NUMBERS;
    const row = (height - 16) / count;
    const now = this.newest.t;
    const x = (t) => left + ((t - now + BEFORE) / (BEFORE + AFTER)) * (right - left);
    for (let joint = 0; joint < count; joint++) this.row(context, joint, joint * row, row, x, left, right);
    context.fillStyle = colour("soft");
    context.fillRect(x(now) - 0.75, 0, 1.5, height - 16);
    context.textAlign = "center";
    context.fillText("now", x(now), height - 3);
    context.textAlign = "left";
    context.fillText(`${BEFORE} s ago`, left, height - 3);
  }

  row(context, joint, top, height, x, left, right) {
    const { t: now, ahead, q, plan } = this.newest;
    const measured = this.history.map((one) => [one.t, DEGREES * one.q[joint]]);
    const planned = this.history.filter((one) => one.plan).map((one) => [one.t, DEGREES * one.plan[joint]]);
    const coming = ahead.map(([after, position]) => [now + after, DEGREES * position[joint]]);
    const values = [...measured, ...planned, ...coming].map(([, value]) => value);
    let low = Math.min(...values);
    let high = Math.max(...values);
    const middle = (low + high) / 2;
    const span = Math.max(high - low, LEAST) * 1.15;
    [low, high] = [middle - span / 2, middle + span / 2];
    const inset = Math.min(4, height * 0.1);
    const y = (value) => top + inset + (1 - (value - low) / (high - low)) * (height - 2 * inset);
    if (joint % 2 === 0) {
      context.fillStyle = colour("well");
      context.fillRect(0, top, right + NUMBERS, height);
    }
    line(context, measured.map(([t, value]) => [x(t), y(value)]), colour("done"), 2.4, []);
    line(context, [...planned, ...coming].map(([t, value]) => [x(t), y(value)]), colour("plan"), 1.8, [6, 4]);
    const base = top + height / 2 + 5;
    context.fillStyle = colour("ink");
    context.textAlign = "left";
    context.fillText(`${joint + 1}`, 8, base);
    context.textAlign = "right";
    context.fillText(`${(DEGREES * q[joint]).toFixed(1)}°`, right + 56, base);
    if (plan) {
      context.fillStyle = colour("soft");
      context.fillText(`off ${(DEGREES * Math.abs(q[joint] - plan[joint])).toFixed(1)}°`, right + NUMBERS - 6, base);
    }
  }
}

export function line(context, points, stroke, width, dash) {
  if (points.length < 2) return;
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.beginPath();
  points.forEach(([px, py], n) => (n ? context.lineTo(px, py) : context.moveTo(px, py)));
  context.stroke();
  context.setLineDash([]);
}
