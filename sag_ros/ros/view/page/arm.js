// The arm as a drawing: its solids, placed by the measured joints, the nearest painted last. Plain canvas, so
// that it needs no graphics card and costs the robot computer nothing.

import { line } from "./joints.js";
import { colour, sheet } from "./paint.js";
import { about, faces, matrix, place, times, turn } from "./shapes.js";

const TRAIL = 5; // s
const CENTRE = [0.24, 0, 0.42]; // m, in the middle of the picture
const FAR = 4.5; // m from there to the eye
const PAUSE = 140; // ms between two drawings: nobody sees more, and it is the dearest of all
const LIGHT = [0.35, -0.5, 0.79];
const FLOOR = 0.85; // m, radius of the drawn floor

export class Arm {
  constructor(canvas) {
    this.canvas = canvas;
    this.name = null;
    this.trail = [];
    this.last = 0;
    this.yaw = -0.95;
    this.pitch = 0.3;
    this.turnable();
  }

  turnable() {
    let from = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.yaw -= (event.clientX - from[0]) * 0.008;
      this.pitch = Math.min(1.4, Math.max(-0.05, this.pitch + (event.clientY - from[1]) * 0.006));
      from = [event.clientX, event.clientY];
      this.last = 0;
      requestAnimationFrame(() => this.draw());
    });
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => (from = null));
  }

  async become(name) {
    if (name === this.name) return;
    this.name = name;
    this.shape = null;
    const answer = await fetch("/arm.json").catch(() => null);
    if (!answer?.ok) {
      this.name = null; // asked again with the next message
      return;
    }
    const shape = await answer.json();
    for (const body of shape.bodies) {
      body.r = matrix(body.quat);
      body.faces = body.shapes.flatMap((solid) => {
        const frame = { r: matrix(solid.quat), p: solid.pos };
        return faces(solid).map((corners) => face(corners.map((corner) => place(frame, corner)), solid.rgb));
      });
    }
    this.shape = shape;
    this.drawn = "";
    this.last = 0;
  }

  take(joints) {
    if (!this.shape) return;
    this.joints = joints;
    const tip = this.tip(joints.q);
    if (this.trail.length && joints.t < this.trail.at(-1)[0]) this.trail = [];
    this.trail.push([joints.t, tip]);
    while (joints.t - this.trail[0][0] > TRAIL) this.trail.shift();
    this.ahead = joints.ahead.map(([, q]) => this.tip(q));
  }

  frames(q, width = 0) {
    const { bodies, joints, fingers } = this.shape;
    const found = [];
    for (const body of bodies) {
      const parent = found[body.parent] ?? { r: [1, 0, 0, 0, 1, 0, 0, 0, 1], p: [0, 0, 0] };
      const frame = { r: times(parent.r, body.r), p: place(parent, body.pos) };
      const at = body.joint ? joints.indexOf(body.joint.name) : -1;
      if (body.joint?.slide) {
        const value = fingers.includes(body.joint.name) ? width / fingers.length : 0;
        frame.p = place(frame, body.joint.axis.map((part) => part * value));
      } else if (at >= 0) {
        frame.r = times(frame.r, about(body.joint.axis, q[at]));
      }
      found.push(frame);
    }
    return found;
  }

  tip(q) {
    const { body, pos } = this.shape.tip;
    return place(this.frames(q)[body], pos);
  }

  draw() {
    if (!this.shape || !this.joints) return;
    const { q, width: opened } = this.joints;
    const told = JSON.stringify([q.map((one) => one.toFixed(3)), this.yaw, this.pitch, this.ahead.length, this.canvas.clientWidth, this.canvas.clientHeight, colour("card")]);
    const now = performance.now();
    if (told === this.drawn || now - this.last < PAUSE) return;
    const area = sheet(this.canvas);
    if (!area) return;
    this.drawn = told;
    this.last = now;
    const { context, width, height } = area;
    const eye = this.eye(width, height);
    const frames = this.frames(q, opened ?? 0);
    this.floor(context, eye, frames);
    this.solids(context, eye, frames);
    const trail = this.trail.map(([, point]) => eye(point));
    line(context, trail, colour("done"), 3, []);
    const ahead = [eye(this.trail.at(-1)[1]), ...this.ahead.map(eye)];
    line(context, ahead, colour("plan"), 3, [6, 4]);
    if (this.ahead.length) {
      const [x, y] = ahead.at(-1);
      context.fillStyle = colour("plan");
      context.beginPath();
      context.arc(x, y, 5, 0, 2 * Math.PI);
      context.fill();
    }
  }

  // World point -> [x, y, depth] on the canvas.
  eye(width, height) {
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    const scale = Math.min(height / 1.06, width / 1.05);
    this.towards = [cp * cy, cp * sy, sp]; // from the centre to the eye
    return (point) => {
      const [x, y, z] = [point[0] - CENTRE[0], point[1] - CENTRE[1], point[2] - CENTRE[2]];
      const along = x * this.towards[0] + y * this.towards[1] + z * this.towards[2];
      const zoom = (scale * FAR) / (FAR - along);
      return [width / 2 + zoom * (-x * sy + y * cy), height / 2 - zoom * (-sp * (x * cy + y * sy) + cp * z), along];
    };
  }

  floor(context, eye, frames) {
    for (const radius of [FLOOR, FLOOR * 0.66, FLOOR * 0.33]) {
      const points = Array.from({ length: 73 }, (_, n) => eye([radius * Math.cos((n * Math.PI) / 36), radius * Math.sin((n * Math.PI) / 36), 0]));
      if (radius === FLOOR) {
        context.beginPath();
        points.forEach(([x, y]) => context.lineTo(x, y));
        context.globalAlpha = 0.28;
        context.fillStyle = colour("floor");
        context.fill();
        context.globalAlpha = 1;
      }
      line(context, points, colour("floor"), 1.2, []);
    }
    for (const [a, b] of [[[-FLOOR, 0, 0], [FLOOR, 0, 0]], [[0, -FLOOR, 0], [0, FLOOR, 0]]]) line(context, [eye(a), eye(b)], colour("floor"), 1.2, []);
    context.globalAlpha = 0.22;
    context.lineCap = "round";
    const shadow = frames.map((frame) => eye([frame.p[0], frame.p[1], 0]));
    line(context, shadow, "#000", 20, []);
    context.globalAlpha = 1;
    context.lineCap = "butt";
  }

  solids(context, eye, frames) {
    const seen = [];
    this.shape.bodies.forEach((body, n) => {
      const frame = frames[n];
      const local = [0, 1, 2].map((axis) => frame.r[axis] * this.towards[0] + frame.r[3 + axis] * this.towards[1] + frame.r[6 + axis] * this.towards[2]);
      for (const one of body.faces) {
        const [nx, ny, nz] = one.normal;
        if (nx * local[0] + ny * local[1] + nz * local[2] < 0.02) continue;
        const corners = one.corners.map((corner) => eye(place(frame, corner)));
        const depth = corners.reduce((sum, corner) => sum + corner[2], 0) / corners.length;
        const normal = turn(frame.r, one.normal);
        const light = Math.max(0, normal[0] * LIGHT[0] + normal[1] * LIGHT[1] + normal[2] * LIGHT[2]);
        const rim = Math.max(0, nx * local[0] + ny * local[1] + nz * local[2]);
        const tone = (0.5 + 0.5 * light) * (0.66 + 0.4 * rim); // darker where it turns away: an outline
        const [r, g, b] = one.rgb.map((part) => Math.min(255, Math.round(255 * part * tone)));
        seen.push({ corners, depth, fill: `rgb(${r},${g},${b})` });
      }
    });
    seen.sort((a, b) => a.depth - b.depth);
    context.lineJoin = "round";
    context.lineWidth = 0.8; // hides the seams
    for (const { corners, fill } of seen) {
      context.beginPath();
      outline(context, corners);
      context.fillStyle = context.strokeStyle = fill;
      context.fill();
      context.stroke();
    }
  }
}

function outline(context, corners) {
  corners.forEach(([x, y], n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}

function face(corners, rgb) {
  const [a, b, c] = [corners[0], corners[1], corners[2]];
  let normal = cross(minus(b, a), minus(c, a));
  if (Math.hypot(...normal) < 1e-12) normal = cross(minus(c, a), minus(corners.at(-1), a));
  const length = Math.hypot(...normal) || 1;
  return { corners, rgb, normal: normal.map((part) => part / length) };
}

const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
