// Canvases: sized for the screen, in the page's colours.

let colours = null;
const media = matchMedia("(prefers-color-scheme: dark)");
media.addEventListener("change", () => (colours = null));

export function colour(name) {
  if (!colours) colours = getComputedStyle(document.documentElement);
  return colours.getPropertyValue(`--${name}`).trim();
}

// The drawing area of a canvas, cleared: context, width, height in CSS pixels. Null while it is not laid out.
export function sheet(canvas) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (width < 10 || height < 10) return null;
  const scale = Math.min(2, devicePixelRatio || 1);
  if (width > 4000 || height > 4000) return null;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '13px system-ui, "DejaVu Sans", sans-serif';
  context.textBaseline = "alphabetic";
  return { context, width, height };
}

// How many decisions took how long; those beyond the deadline are hatched as well as coloured.
export function histogram(canvas, latency) {
  const area = sheet(canvas);
  if (!area) return;
  const { context, width, height } = area;
  const floor = height - 18;
  const top = 18;
  const bins = latency.counts.length;
  const step = width / bins;
  const most = Math.max(1, ...latency.counts);
  const x = (ms) => (ms / latency.top) * width;
  latency.counts.forEach((count, n) => {
    const bar = Math.max(count ? 2 : 0, (count / most) * (floor - top));
    const late = ((n + 0.5) / bins) * latency.top > latency.deadline;
    context.fillStyle = colour(late ? "bad" : "bright");
    context.fillRect(n * step + 0.5, floor - bar, step - 1, bar);
    if (late && bar > 3) {
      context.fillStyle = colour("card");
      for (let y = floor - 4; y > floor - bar; y -= 5) context.fillRect(n * step + 0.5, y, step - 1, 1.5);
    }
  });
  context.fillStyle = colour("line");
  context.fillRect(0, floor, width, 1.5);
  context.strokeStyle = colour("ink");
  context.setLineDash([5, 4]);
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x(latency.deadline), 2);
  context.lineTo(x(latency.deadline), floor);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colour("ink");
  context.textAlign = "left";
  context.fillText(`at most ${latency.deadline.toFixed(0)} ms`, x(latency.deadline) + 6, 13);
  context.fillStyle = colour("soft");
  context.fillText("0 ms", 0, height - 3);
  context.textAlign = "center";
  context.fillText(`${latency.deadline.toFixed(0)}`, x(latency.deadline), height - 3);
  context.textAlign = "right";
  context.fillText(`${latency.top.toFixed(0)} and more`, width, height - 3);
}

// The mask: steps from left to right, parts of the network from top to bottom, with an afterglow.
export class Mask {
  constructor(canvas) {
    this.canvas = canvas;
    this.glow = null;
    this.small = document.createElement("canvas");
  }

  take(bits, [steps, blocks]) {
    const cells = steps * blocks;
    if (!this.glow || this.glow.length !== cells) this.glow = new Float32Array(cells);
    this.shape = [steps, blocks];
    this.now = new Uint8Array(cells);
    for (let n = 0; n < cells; n++) {
      this.now[n] = (bits[n >> 3] >> (7 - (n & 7))) & 1;
      this.glow[n] = Math.max(this.now[n], this.glow[n] * 0.8);
    }
    this.fresh = true;
  }

  // Again even if nothing is new where ``always``.
  draw(always = false) {
    if (!this.fresh && !always) return;
    this.fresh = false;
    const area = sheet(this.canvas);
    if (!area || !this.now) return;
    const { context, width, height } = area;
    const [steps, blocks] = this.shape;
    const [bright, mid, well] = ["bright", "mid", "well"].map((name) => rgb(colour(name)));
    this.small.width = steps;
    this.small.height = blocks;
    const small = this.small.getContext("2d");
    const image = small.createImageData(steps, blocks);
    for (let step = 0; step < steps; step++) {
      for (let block = 0; block < blocks; block++) {
        const from = step * blocks + block;
        const share = this.glow[from] < 0.1 ? 0 : this.glow[from];
        const to = 4 * (block * steps + step);
        for (let c = 0; c < 3; c++) {
          image.data[to + c] = this.now[from] ? bright[c] : well[c] + (mid[c] - well[c]) * share;
        }
        image.data[to + 3] = 255;
      }
    }
    small.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    const floor = height - 17;
    context.drawImage(this.small, 0, 0, width, floor);
    context.strokeStyle = colour("card");
    context.lineWidth = 1;
    for (let row = 3; row < blocks; row += 3) {
      const y = Math.round((row / blocks) * floor) + 0.5;
      context.beginPath();
      context.moveTo(0, y);
      context.lineTo(width, y);
      context.stroke();
    }
    context.fillStyle = colour("soft");
    context.textAlign = "left";
    context.fillText("first step", 0, height - 3);
    context.textAlign = "center";
    context.fillText(`${blocks} parts of the network`, width / 2, height - 3);
    context.textAlign = "right";
    context.fillText(`step ${steps}`, width, height - 3);
  }
}

function rgb(text) {
  const hex = text.replace("#", "");
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
