// Simple solids as flat faces: [corner, corner, ...] each a point [x, y, z], counter-clockwise from outside.

const AROUND = 20; // faces around a cylinder
const CAP = 3; // rings of a half sphere
const LENGTH = 0.11; // m, of a face along a cylinder, so that near and far ones sort well

function ring(radius, z, ry = radius) {
  return Array.from({ length: AROUND }, (_, n) => {
    const angle = (2 * Math.PI * n) / AROUND;
    return [radius * Math.cos(angle), ry * Math.sin(angle), z];
  });
}

function skin(rings) {
  const faces = [];
  for (let level = 0; level + 1 < rings.length; level++) {
    for (let n = 0; n < AROUND; n++) {
      const next = (n + 1) % AROUND;
      faces.push([rings[level][n], rings[level][next], rings[level + 1][next], rings[level + 1][n]]);
    }
  }
  return faces;
}

function levels(half) {
  const count = Math.max(1, Math.round((2 * half) / LENGTH));
  return Array.from({ length: count + 1 }, (_, n) => -half + (2 * half * n) / count);
}

function cylinder([radius, half]) {
  const rings = levels(half).map((z) => ring(radius, z));
  return [...skin(rings), [...rings[0]].reverse(), rings.at(-1)];
}

function capsule([radius, half]) {
  const rings = [];
  for (let n = 0; n <= CAP; n++) {
    const angle = -Math.PI / 2 + (Math.PI / 2) * (n / CAP);
    rings.push(ring(Math.max(1e-4, radius * Math.cos(angle)), -half + radius * Math.sin(angle)));
  }
  rings.push(...levels(half).slice(1, -1).map((z) => ring(radius, z)));
  for (let n = 0; n <= CAP; n++) {
    const angle = (Math.PI / 2) * (n / CAP);
    rings.push(ring(Math.max(1e-4, radius * Math.cos(angle)), half + radius * Math.sin(angle)));
  }
  return skin(rings);
}

function ellipsoid([a, b, c]) {
  const rings = [];
  for (let n = 0; n <= 2 * CAP; n++) {
    const angle = -Math.PI / 2 + (Math.PI * n) / (2 * CAP);
    const share = Math.max(1e-3, Math.cos(angle));
    rings.push(ring(a * share, c * Math.sin(angle), b * share));
  }
  return skin(rings);
}

function box([a, b, c]) {
  const at = (x, y, z) => [a * x, b * y, c * z];
  return [
    [at(1, -1, -1), at(1, 1, -1), at(1, 1, 1), at(1, -1, 1)],
    [at(-1, 1, -1), at(-1, -1, -1), at(-1, -1, 1), at(-1, 1, 1)],
    [at(1, 1, -1), at(-1, 1, -1), at(-1, 1, 1), at(1, 1, 1)],
    [at(-1, -1, -1), at(1, -1, -1), at(1, -1, 1), at(-1, -1, 1)],
    [at(-1, -1, 1), at(1, -1, 1), at(1, 1, 1), at(-1, 1, 1)],
    [at(-1, 1, -1), at(1, 1, -1), at(1, -1, -1), at(-1, -1, -1)],
  ];
}

export function faces({ kind, size }) {
  if (kind === "cylinder") return cylinder(size);
  if (kind === "capsule") return capsule(size);
  if (kind === "sphere") return ellipsoid([size[0], size[0], size[0]]);
  if (kind === "ellipsoid") return ellipsoid(size);
  return box(size);
}

// Rotation matrices (row by row) and frames {r, p}.
export function matrix([w, x, y, z]) {
  const n = 2 / (w * w + x * x + y * y + z * z);
  return [
    1 - n * (y * y + z * z), n * (x * y - w * z), n * (x * z + w * y),
    n * (x * y + w * z), 1 - n * (x * x + z * z), n * (y * z - w * x),
    n * (x * z - w * y), n * (y * z + w * x), 1 - n * (x * x + y * y),
  ];
}

export function turn(r, v) {
  return [
    r[0] * v[0] + r[1] * v[1] + r[2] * v[2],
    r[3] * v[0] + r[4] * v[1] + r[5] * v[2],
    r[6] * v[0] + r[7] * v[1] + r[8] * v[2],
  ];
}

export function place(frame, v) {
  const turned = turn(frame.r, v);
  return [turned[0] + frame.p[0], turned[1] + frame.p[1], turned[2] + frame.p[2]];
}

export function times(a, b) {
  const out = new Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
  }
  return out;
}

export function about([x, y, z], angle) {
  const s = Math.sin(angle / 2);
  return matrix([Math.cos(angle / 2), x * s, y * s, z * s]);
}
