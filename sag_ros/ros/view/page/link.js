// The websocket: one binary message a tick, of JSON and pictures; answers to buttons as text. It connects again
// by itself, and says whether what it last brought is still to be believed.

const QUIET = 2000; // ms without a message after which nothing is believed any more
const AGAIN = 1000; // ms between two tries

export class Link {
  constructor({ onTick, onAnswer, onLink }) {
    this.onTick = onTick;
    this.onAnswer = onAnswer;
    this.onLink = onLink;
    this.heard = 0;
    this.alive = null;
    this.since = performance.now();
    this.decoder = new TextDecoder();
    setInterval(() => this.check(), 250);
    document.addEventListener("visibilitychange", () => this.look());
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.look();
    this.socket.onmessage = (event) => this.take(event.data);
    this.socket.onclose = async () => {
      this.heard = 0;
      this.check();
      setTimeout(() => this.open(), AGAIN);
      // A server that was started anew may want the token again.
      const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
      if (answer && answer.status === 401) location.reload();
    };
  }

  // Whoever has the page in the background costs the robot computer nothing.
  look() {
    this.send({ look: !document.hidden });
  }

  send(what) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(what));
    return true;
  }

  take(data) {
    if (typeof data === "string") {
      this.onAnswer(JSON.parse(data).answer);
      return;
    }
    const length = new DataView(data).getUint32(0);
    const values = JSON.parse(this.decoder.decode(new Uint8Array(data, 4, length)));
    const parts = new Map();
    let at = 4 + length;
    for (const [name, size] of values.parts) {
      parts.set(name, new Uint8Array(data, at, size));
      at += size;
    }
    this.heard = performance.now();
    this.check();
    this.onTick(values, parts);
  }

  check() {
    const quiet = performance.now() - this.heard > QUIET;
    // A browser that was busy has messages waiting: they come first.
    if (this.alive && quiet && this.heard && !this.doubt) {
      this.doubt = setTimeout(() => this.check(), 200);
      return;
    }
    if (!quiet || !this.heard) this.doubt = null;
    const alive = this.heard > 0 && !quiet;
    if (alive !== this.alive) {
      this.alive = alive;
      this.since = performance.now();
    }
    this.onLink(alive, (performance.now() - this.since) / 1000);
  }
}
